"""Loading: a run's fitted system of one machine, or an exported one, in; a verdict per recording out.

fan = load("results/dev/s1", "fan")     what run.py has left; no training clip is needed
fan = load("s1_fan.npz")                what tools/export.py wrote; neither data nor store are needed
fan("clip.wav").score                   any format and rate that soundfile reads, or a wave (C, T) of floats at 16 kHz
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from asd.clips import RATE
from asd.contracts import Wave
from asd.data import INT16_SCALE
from asd.errors import BadInput
from asd.monitoring import of_file
from asd.programs.exporting import Exported, read_export
from asd.programs.opening import Recorded, open_recorded
from asd.sound_files import sound_header
from asd.system import FittedSystem
from asd.training import one_thread

UNLIKE = 2  # times longer or shorter than any training clip; *chosen*


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
    n_samples: int  # of the first training clip, the length to score
    train_seconds: tuple[float, float]  # of the shortest and the longest training clip
    fitted: FittedSystem

    def __call__(self, recording: str | PathLike[str] | Wave) -> Verdict:
        """A file, resampled to 16 kHz as importing does it, or a wave (C, T) of floats at 16 kHz.

        Raises BadInput for other channels, types or scales, and for less than half of the shortest or more than twice
        the longest training clip. *Chosen*: a threshold is of scores of clips as long as these, and a decision by it on
        much more or less sound would be wrong without a sign; a warning would be lost in a loop over recordings.
        """
        if isinstance(recording, np.ndarray):
            name, wave = "the array", self._checked(recording)
        elif isinstance(recording, (str, PathLike)):
            name = str(recording)
            self._check_length(name, sound_header(Path(recording)).seconds)  # before hours are read for nothing
            wave = wave_of(Path(recording), self.channels)
        else:
            raise BadInput(f"a {type(recording).__name__}: a path, or an array {self._expected()} expected")
        self._check_length(name, wave.shape[1] / RATE)
        if not np.isfinite(wave).all():
            raise BadInput(f"{name}: a sample is not a finite number (a broken export?)")
        if (peak := np.abs(wave).max()) > INT16_SCALE:
            told = "samples of full scale 1 expected (floats at int16 scale? then divide by 32768)"
            raise BadInput(f"{name}: a peak of {peak:.6g}, {told}")
        wave = np.ascontiguousarray(wave, np.float32)
        with one_thread():
            found = self.fitted(wave)
            return Verdict(found.score, self.fitted.threshold, found.decision, self.fitted.contributions(wave))

    def _expected(self) -> str:
        return f"({self.channels}, T) of floats at {RATE} Hz, as the training clips of {self.machine},"

    def _checked(self, wave: np.ndarray) -> Wave:
        if wave.ndim != 2 or len(wave) != self.channels or wave.dtype.kind != "f":
            raise BadInput(
                f"{wave.dtype} of shape {wave.shape}: a wave {self._expected()} expected{_cure(wave, self.channels)}"
            )
        return wave

    def _check_length(self, name: str, seconds: float) -> None:
        shortest, longest = self.train_seconds
        if not shortest / UNLIKE <= seconds <= longest * UNLIKE:
            lengths = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
            raise BadInput(
                f"{name}: {seconds:g} s, but training clips of {self.machine} have {lengths} s; from half to twice as "
                "long expected (tools/monitor.py scores each window of a long recording)"
            )


def _cure(wave: np.ndarray, channels: int) -> str:
    """The likely mistake, where one is."""
    if wave.dtype.kind == "i":
        bits = 8 * wave.dtype.itemsize
        return f" (is it integers of {bits} bits? then divide by {2 ** (bits - 1)})"
    if wave.dtype.kind != "f":
        return ""
    if wave.ndim == 1:
        return " (x[None] makes it (1, T))" if channels == 1 else " (np.stack([near, far]) makes it (2, T))"
    if wave.ndim == 2 and wave.shape[1] == channels:
        return " (is it (T, C)? then transpose it)"
    more = wave.ndim == 2 and len(wave) > channels
    return f" (it has {len(wave)} channels; x[:{channels}] takes the first)" if more else ""


def wave_of(path: Path, channels: int) -> Wave:
    """(C, T) float32 of a recording with as many channels, at 16 kHz."""
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
    about = found.name, found.machine, found.channels, found.n_samples, found.train_seconds
    with one_thread():  # a detector that trains nothing is fitted here, a file's self-test scored
        return LoadedSystem(*about, found.fitted())
