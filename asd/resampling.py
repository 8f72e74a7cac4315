"""Resampling: stretches of sound files in, (C, T) float32 at 16 kHz out, by scipy's polyphase filter.

Importing and scoring both resample here: a recording scores as the clip that is made of it. Each stretch is taken with
its neighbourhood, so that stretches have no edges of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput
from asd.sound_files import read_sound

AROUND = 100  # output steps of the resampler that are read on each side of a stretch; its filter reaches 10


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

    `rate` and `n_samples` are those of all files, `channels` those of each, from 0 (None: all). Raises BadInput.
    """
    from scipy.signal import resample_poly  # slow to import

    up, down = ratio(rate)
    if first % down:
        raise ValueError(f"first {first} at {rate} Hz: a multiple of {down} expected")
    begin, end = max(0, first - AROUND * down), min(n_samples, last + AROUND * down)
    waves = [_read(path, channels, begin, end) for path in paths]
    n = min(wave.shape[1] for wave in waves)  # an MP3 whose length was estimated may have a little less
    if n <= first - begin:
        raise BadInput(f"{paths[0]}: no samples from {first} of {n_samples} on (its header misleads: make it a FLAC)")
    wave = np.concatenate([wave[:, :n] for wave in waves])  # (C, n)
    if up == down:
        return wave[:, first - begin : last - begin]
    skip, length = (first - begin) * up // down, math.ceil((last - first) * up / down)
    return resample_poly(wave, up, down, axis=1)[:, skip : skip + length].astype(np.float32)


def _read(path: Path, channels: Sequence[int] | None, begin: int, end: int) -> np.ndarray:
    samples, _ = read_sound(path, first=begin, last=end)  # (n, C)
    return samples[:, list(channels)].T if channels else samples.T
