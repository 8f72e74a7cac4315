"""Cutting: a recording, one file or near and far as two, in; clips (C, T) float32 at 16 kHz out.

Resampled by scipy's polyphase filter, each clip with its neighbourhood, so that clips have no edges of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput

SHORTEST = 0.5  # s; *chosen*: no detector scores less
AROUND = 100  # output steps of the resampler that are read on each side of a clip; its filter reaches 10


@dataclass(frozen=True)
class Header:
    """Of a recording's files, which agree."""

    rate: int  # Hz
    channels: int  # that a clip gets
    n_samples: int
    exact: bool  # 16 bits at 16 kHz: clips keep the very samples

    @property
    def ratio(self) -> tuple[int, int]:
        """Resampling by up / down."""
        common = math.gcd(RATE, self.rate)
        return RATE // common, self.rate // common

    def cuts(self, seconds: float) -> list[tuple[int, int]]:
        """(first, last) sample of each clip; a recording of up to `seconds` is one clip, a rest is left out."""
        up, down = self.ratio
        length = max(1, round(seconds * RATE / up)) * down
        n = self.n_samples // length
        return [(i * length, (i + 1) * length) for i in range(n)] or [(0, self.n_samples)]


def header(paths: Sequence[Path], channels: Sequence[int] | None) -> Header:
    """Raises BadInput for files that cannot be read, are too short, or have other channels than those wanted."""
    infos = [_info(path) for path in paths]
    name, first = paths[0].name, infos[0]
    if len(paths) == 2 and (infos[1].samplerate != first.samplerate or abs(infos[1].duration - first.duration) > 0.1):
        raise BadInput(f"{paths[1].name}: {infos[1].duration:.2f} s at {infos[1].samplerate} Hz, unlike {name}")
    if first.duration < SHORTEST:
        raise BadInput(f"{name}: {first.duration:.2f} s, at least {SHORTEST} expected")
    wanted = channels or range(1 if len(paths) == 2 else first.channels)
    if max(wanted) >= first.channels or len(wanted) > 2:
        raise BadInput(
            f"{name}: {first.channels} channels (from 0); name one of them, or near and far: --channels 0 or 0,1"
        )
    exact = all(info.samplerate == RATE and info.subtype == "PCM_16" for info in infos)
    return Header(first.samplerate, len(paths) * len(wanted), min(info.frames for info in infos), exact)


def _info(path: Path) -> soundfile._SoundFileInfo:
    try:
        return soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not a readable recording ({error})") from error


def clip(paths: Sequence[Path], head: Header, channels: Sequence[int] | None, first: int, last: int) -> Wave:
    """(C, T) of the recording's samples from `first` to before `last`."""
    from scipy.signal import resample_poly  # slow to import

    up, down = head.ratio
    begin, end = max(0, first - AROUND * down), min(head.n_samples, last + AROUND * down)
    wave = np.concatenate([_read(path, channels, begin, end) for path in paths])  # (C, n)
    if up == down:
        return wave[:, first - begin : last - begin]
    skip, length = (first - begin) * up // down, math.ceil((last - first) * up / down)
    return resample_poly(wave, up, down, axis=1)[:, skip : skip + length].astype(np.float32)


def _read(path: Path, channels: Sequence[int] | None, begin: int, end: int) -> np.ndarray:
    samples, _ = soundfile.read(path, start=begin, stop=end, dtype="float32", always_2d=True)  # (n, C)
    return samples[:, list(channels)].T if channels else samples.T
