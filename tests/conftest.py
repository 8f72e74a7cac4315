"""A tiny two-microphone data set in the challenge's layout: a hum and noise, one second a clip."""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from hypothesis import settings

settings.register_profile("kit", deadline=None)  # an example may take long on a busy machine
settings.load_profile("kit")
TOOLS = Path(__file__).resolve().parent.parent / "tools"
SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
RATE = 16_000


def tool(file: str) -> ModuleType:
    """tools/<file>.py or tools/studies/<file>.py as a module; the tools are no package."""
    name = f"tool_{file}"
    path = next(path for path in (TOOLS / f"{file}.py", TOOLS / "studies" / f"{file}.py") if path.exists())
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference material beside the checkout; what needs it skips, loudly, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"REFERENCE MATERIAL ABSENT: {SHARED} is not there, so this comparison did not run")
    return SHARED


def tone_in_noise(rng: np.random.Generator, hertz: float, seconds: float = 1.0) -> np.ndarray:
    """(2, T): a hum louder near, a noise louder far."""
    t = np.arange(int(seconds * RATE)) / RATE
    hum = 0.1 * np.sin(2 * np.pi * hertz * t + rng.uniform(0, 6))
    noise = rng.normal(0, 0.03, len(t))
    return np.stack([hum + noise, 0.3 * hum + 1.5 * noise]) + rng.normal(0, 0.003, (2, len(t)))


def write_clip(path: Path, wave: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave.T, rate, subtype=subtype)


def clip_names(split: str) -> Iterator[tuple[str, float]]:
    """Names and hum frequencies: anomalies hum higher, target clips a little higher than source clips."""
    counts = {("source", "normal"): 10, ("target", "normal"): 8} if split == "train" else {}
    for domain in () if split == "train" else ("source", "target"):
        counts |= {(domain, "normal"): 4, (domain, "anomaly"): 4}
    for (domain, condition), n in counts.items():
        for i in range(n):
            hertz = 400 + 30 * (domain == "target") + 400 * (condition == "anomaly")
            yield f"section_00_{domain}_{split}_{condition}_{i:04d}_speed_{i % 3}_mic_2_mic_1.wav", hertz


def write_machine(folder: Path, seed: int, anonymous: bool = False) -> None:
    rng = np.random.default_rng(seed)
    for split in ("train", "test"):
        for i, (name, hertz) in enumerate(clip_names(split)):
            wave = tone_in_noise(rng, hertz, 1.0 + 0.25 * (i % 2))  # lengths differ within a machine
            if split == "test" and anonymous:
                write_clip(folder / "test_rename" / name, wave)
                name = f"section_00_{(i * 7) % 16:04d}.wav"
            write_clip(folder / split / name, wave)


def scorer_of(detector, features, is_target, folder: Path, seed: int = 3):
    """A trained detector's scorer of one seed; a training that was killed goes on in the same folder."""
    from asd.contracts import Workplace

    (trained,) = detector.trainer.train(features, is_target, Workplace((seed,), "cpu", folder))
    return detector.fit_scorer(trained, seed, features, is_target)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dev_data with `fan` and `pump`, eval_data with anonymous `drone`. Read only: copy it before spoiling it."""
    root = tmp_path_factory.mktemp("data")
    for seed, machine in enumerate(["fan", "pump"]):
        write_machine(root / "dev_data" / "raw" / machine, seed)
    write_machine(root / "eval_data" / "raw" / "drone", 7, anonymous=True)
    return root
