"""Loading: a run's fitted system of one machine, or an exported one, in; a verdict per recording out.

fan = load("results/dev/s1", "fan")     what run.py has left; no training clip is needed
fan = load("s1_fan.npz")                what tools/export.py wrote; neither data nor store are needed
fan("clip.wav").score                   or a wave (C, T) of floats at 16 kHz; .threshold .decision .contributions
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput
from asd.monitoring import of_file
from asd.programs.exporting import Exported, read_export
from asd.programs.opening import Recorded, open_recorded
from asd.system import FittedSystem


@dataclass(frozen=True)
class Verdict:
    """On one recording."""

    score: float  # higher is more anomalous
    threshold: float
    decision: int  # 1: anomalous, the score is above the threshold
    contributions: np.ndarray | None  # (F',) of each frame, or few neighbouring ones; None where the detector has none


@dataclass(frozen=True)
class LoadedSystem:
    """A system fitted to one machine; call it with a recording."""

    name: str  # of the system
    machine: str
    channels: int  # of a recording, as in the training clips: 1 (near) or 2 (near, far)
    n_samples: int  # of a training clip, the length to score
    fitted: FittedSystem

    def __call__(self, recording: str | Path | Wave) -> Verdict:
        """A wav file, or a wave (C, T) of floats at 16 kHz. Raises BadInput for other channels, rates or lengths."""
        wave = recording if isinstance(recording, np.ndarray) else wave_of(Path(recording), self.channels)
        self._check(wave)
        wave = np.ascontiguousarray(wave, np.float32)
        found = self.fitted(wave)
        return Verdict(found.score, self.fitted.threshold, found.decision, self.fitted.contributions(wave))

    def _check(self, wave: np.ndarray) -> None:
        if wave.ndim != 2 or len(wave) != self.channels or wave.dtype.kind != "f":
            raise BadInput(
                f"{wave.dtype} of shape {wave.shape}: a wave ({self.channels}, T) of floats expected, as the training "
                f"clips of {self.machine} (is it (T, C)? then transpose it)"
            )
        if not np.isfinite(wave).all():
            raise BadInput(f"a sample of {self.machine}'s recording is not a finite number (a broken export?)")


def wave_of(path: Path, channels: int) -> Wave:
    """(C, T) float32 of a wav file with as many channels at 16 kHz."""
    blocks = list(of_file(path, RATE, channels))
    if not blocks:
        raise BadInput(f"{path}: no samples")
    return np.concatenate(blocks, axis=1)


def load(place: str | Path, machine: str = "") -> LoadedSystem:
    """Of a folder results/<dev|eval>/<system> and one of its machines, or of a file that tools/export.py wrote.

    Raises BadInput for what is not there, is damaged, or scores its own self-test otherwise here.
    """
    place = Path(place)
    is_file = place.is_file() or place.suffix == ".npz"
    return loaded(read_export(place, machine) if is_file else open_recorded(place, machine))


def loaded(found: Recorded | Exported) -> LoadedSystem:
    return LoadedSystem(found.name, found.machine, found.channels, found.n_samples, found.fitted())
