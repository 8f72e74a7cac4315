"""A new system is one file: an own detector (systems/gmm.py, the example of the docs) and an own front-end."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent

FRONT_END = '''"""Front-end of one's own: near power over the machine's mean power in each bin."""

from dataclasses import dataclass, replace

import numpy as np

from asd import signal
from systems.gmm import SYSTEM as GMM


@dataclass(frozen=True)
class OverMean:
    n_fft: int = 1024  # samples
    hop_length: int = 512  # samples

    def power(self, wave):
        return signal.power(signal.stft(wave[:1], self.n_fft, self.hop_length))  # (1, K, F)

    def fit(self, waves):
        return self.restore({"mean": np.mean([self.power(wave).mean(-1) for wave in waves], axis=0)})

    def restore(self, arrays):
        return FittedOverMean(self, arrays["mean"])


@dataclass(frozen=True, eq=False)
class FittedOverMean:
    recipe: OverMean
    mean: np.ndarray  # (1, K)

    def arrays(self):
        return {"mean": self.mean}

    def __call__(self, wave):
        return self.recipe.power(wave) / self.mean[..., None]


SYSTEM = replace(GMM, frontend=OverMean())
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout of one's own with one file more."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("asd", "systems", "tools", "yaml"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "run.py", folder / "run.py")
    (folder / "systems" / "over_mean.py").write_text(FRONT_END)
    return folder


def called(checkout, *words, expect=0):
    line = [sys.executable, str(checkout / words[0]), *map(str, words[1:])]
    done = subprocess.run(line, capture_output=True, text=True, timeout=250, cwd=checkout.parent)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stderr


def scores(results, kind):
    return {p.relative_to(results): p.read_bytes() for p in (results / kind).rglob("*_test.csv")}


NAMES = ("gmm", "over_mean")


def test_systems_of_one_file_go_through_every_door(checkout, data_folder, tmp_path):
    places = ["--data", data_folder, "--results", tmp_path]
    assert called(checkout, "run.py", "-d", *NAMES, *places, "--machines", "fan").count("Ω = ") == 2
    before = scores(tmp_path, "dev")
    called(checkout, "run.py", "-d", "over_mean", *places, "--machines", "fan", "--test-only")
    assert scores(tmp_path, "dev") == before and len(before) == 2 * 4  # of each system and of its one member
    assert "verified: every score" in called(checkout, "run.py", "-e", *NAMES, *places)
    for name in NAMES:
        record = json.loads((tmp_path / "eval" / name / "run.json").read_text())
        assert record["machines"]["drone"]["verified"] and record["machines"]["drone"]["members"] == ["0"]
    listens(checkout, data_folder, tmp_path, "over_mean")
    (tmp_path / "eval" / "gmm" / "anomaly_score_drone_section_00_test.csv").write_text("section_00_0000.wav,1.0\n")
    assert "re-derived" in called(checkout, "run.py", "-e", "gmm", *places, "--verify", expect=2)


def listens(checkout, data_folder, results, name):
    recording = sorted((data_folder / "dev_data" / "raw" / "fan" / "test").glob("*.wav"))[0]  # one window long
    printed = called(checkout, "tools/monitor.py", "-d", name, "fan", recording, "--results", results)
    file = results / "dev" / name / "anomaly_score_fan_section_00_test.csv"
    offline = dict(line.split(",") for line in file.read_text().splitlines())[recording.name]
    assert f"score {float(offline):9.4f}" in printed


def test_training_scores_of_the_example_are_those_of_refits_without_the_clip():
    from asd.folds import FOLDS, left_out_scores
    from systems.gmm import Mixture

    rng = np.random.default_rng(0)
    features = [rng.normal(size=(30, 4)) + 0.2 * i for i in range(12)]
    is_target = np.arange(12) >= 9
    found = left_out_scores(Mixture(2), features, is_target)
    for i in range(12):
        rest = [j for j in range(12) if j % FOLDS != i % FOLDS]
        scorer = Mixture(2).fit([features[j] for j in rest], is_target[rest])
        assert found[i] == scorer.score(features[i])
        assert {is_target[j] for j in rest} == {False, True}


def test_the_example_is_as_small_as_the_docs_say():
    code = (ROOT / "systems" / "gmm.py").read_text().split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 25
