"""Sound files of any format and rate that soundfile reads: a path in, its header and stretches (C, T) float32 at 16 kHz
out. Importing and scoring resample here, by the same function: a recording scores as the clip that is made of it.

Resampled is by scipy's polyphase filter, each stretch with its neighbourhood, so that stretches have no edges of
their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput
from asd.wav_files import Header

SUFFIXES = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"}
AROUND = 100  # output steps of the resampler that are read on each side of a stretch; its filter reaches 10


def header(path: Path) -> Header:
    """Raises BadInput, without the path, for a file that soundfile cannot read."""
    try:
        with path.open("rb") as file:  # by name, libsndfile would not find one whose bytes are not UTF-8
            found = soundfile.info(file)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})") from error
    except soundfile.LibsndfileError as error:
        raise BadInput(f"not a readable recording ({error})") from error
    return Header(found.samplerate, found.channels, found.frames, found.subtype)


def ratio(rate: int) -> tuple[int, int]:
    """(up, down) of the resampling to 16 kHz.

    >>> ratio(44_100)
    (160, 441)
    """
    common = math.gcd(RATE, rate)
    return RATE // common, rate // common


def stretch(
    paths: Sequence[Path], rate: int, n_samples: int, channels: Sequence[int] | None, first: int, last: int
) -> Wave:
    """(C, T) at 16 kHz of the samples from `first`, a multiple of `down`, to before `last`; files beside each other.

    `rate` and `n_samples` are those of all files, `channels` those of each, from 0 (None: all).
    """
    from scipy.signal import resample_poly  # slow to import

    up, down = ratio(rate)
    begin, end = max(0, first - AROUND * down), min(n_samples, last + AROUND * down)
    wave = np.concatenate([_read(path, channels, begin, end) for path in paths])  # (C, n)
    if up == down:
        return wave[:, first - begin : last - begin]
    skip, length = (first - begin) * up // down, math.ceil((last - first) * up / down)
    return resample_poly(wave, up, down, axis=1)[:, skip : skip + length].astype(np.float32)


def _read(path: Path, channels: Sequence[int] | None, begin: int, end: int) -> np.ndarray:
    try:
        samples, _ = soundfile.read(path, start=begin, stop=end, dtype="float32", always_2d=True)  # (n, C)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not a readable recording ({error})") from error
    return samples[:, list(channels)].T if channels else samples.T
