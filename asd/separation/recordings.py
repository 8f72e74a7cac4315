"""Recordings in folders: paths in, waves (T,) at 16 kHz out, of the machine by condition and of noise by class.

<machine>/normal*.wav, anomaly*.wav (flac too), or the folders normal/ and anomaly/
<noise>/<class>/**/*.wav, or <noise>/*.wav, which are one class
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput
from asd.sound_files import read_sound

SUFFIXES = (".wav", ".flac")

Waves = tuple[np.ndarray, ...]


def of_condition(folder: Path, condition: str) -> list[np.ndarray]:
    """`<condition>*.wav` of the folder, or all of its sub-folder of that name. Raises BadInput where there are none."""
    paths = audio_files(folder / condition) or [p for p in audio_files(folder) if p.name.startswith(condition)]
    if not paths:
        raise BadInput(f"{folder}: no {condition}*.wav and no folder {condition}/ with recordings of the machine alone")
    return [read_mono(path) for path in paths]


def of_noise(folder: Path, seconds: float) -> dict[str, list[np.ndarray]]:
    """Class -> recordings as long as a mixture or longer; the paper leaves shorter ones out. Raises BadInput."""
    found = {name: of_class(path, seconds) for name, path in noise_classes(folder).items()}
    if not found:
        raise BadInput(f"{folder}: 0 recordings, at least 2 expected, or of several classes a folder each")
    return found


def noise_classes(folder: Path) -> dict[str, Path]:
    """Name -> folder; of one that has recordings itself, itself alone."""
    if audio_files(folder):
        return {folder.name: folder}
    inner = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    return {p.name: p for p in inner if not p.name.startswith(".") and audio_files(p, "**/*")}


def of_class(folder: Path, seconds: float) -> list[np.ndarray]:
    """Raises BadInput where fewer than two are long enough: training and test share none."""
    every = [read_mono(path) for path in audio_files(folder, "**/*")]
    found = [x for x in every if len(x) >= int(seconds * RATE)]
    if len(found) < 2:
        raise BadInput(
            f"{folder}: {len(found)} recordings of {seconds:g} s or more ({len(every)} in all), at least 2 expected "
            "(training and test share none; a shorter mixture is --seconds)"
        )
    return found


def check_sounding(what: str, pool: Sequence[np.ndarray], seconds: float) -> None:
    """Raises BadInput for digital silence of half a mixture: a mixture drawn there would have no SNR."""
    for x in pool:
        silent = longest_silence(x)
        if silent >= min(int(seconds * RATE) // 2, len(x)):
            raise BadInput(
                f"{what} recording of {len(x) / RATE:g} s holds {silent / RATE:g} s of digital silence, less than half "
                f"a mixture's {seconds:g} s expected (cut it out; is channel 0 the microphone?)"
            )


def longest_silence(x: np.ndarray) -> int:
    """Samples of the longest run of zeros.

    >>> longest_silence(np.array([0, 1, 0, 0, 2, 0]))
    2
    """
    sounding = np.flatnonzero(np.concatenate([[1], x, [1]]))
    return int(np.diff(sounding).max()) - 1


def dealt(recordings: Sequence[np.ndarray], shares: Sequence[int], seed: int) -> list[Waves]:
    """Recordings dealt out at random in proportion to `shares`, at least one each; where there are fewer recordings
    than shares, each recording is cut instead."""
    ends = np.cumsum(shares) / sum(shares)
    if len(recordings) < len(shares):
        return [tuple(pieces) for pieces in zip(*(cut(x, ends) for x in recordings), strict=True)]
    bounds = [0, *(round(end * len(recordings)) for end in ends)]
    for i in range(1, len(shares)):
        bounds[i] = min(max(bounds[i], bounds[i - 1] + 1), len(recordings) - (len(shares) - i))
    order = np.random.default_rng(seed).permutation(len(recordings))
    return [tuple(recordings[i] for i in np.sort(order[a:b])) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def cut(x: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """(T,) -> its stretches up to each of `ends`, 0 to 1."""
    return np.split(x, (ends[:-1] * len(x)).astype(int))


def audio_files(folder: Path, pattern: str = "*") -> list[Path]:
    found = folder.glob(pattern) if folder.is_dir() else ()
    return sorted(p for p in found if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


def read_mono(path: Path) -> np.ndarray:
    """(T,) float32, channel 0. Raises BadInput at another rate."""
    samples = read_samples(path, "float32", "")
    if not len(samples):
        raise BadInput(f"{path}: an empty recording (was it cut off?)")
    return samples[:, 0]


def read_samples(path: Path, dtype: str, what: str) -> np.ndarray:
    """(T, C). Raises BadInput at another rate, with `what` is at that rate."""
    samples, rate = read_sound(path, dtype)
    if rate != RATE:
        raise BadInput(f"{path}: {what}{rate} Hz, {RATE} expected (resample it first)")
    return samples
