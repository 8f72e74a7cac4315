"""Cutting: a recording, one file or near and far as two, in; clips (C, T) float32 at 16 kHz out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput
from asd.resampling import ratio, stretch
from asd.sound_files import sound_header
from asd.tables import counted

SHORTEST = 0.5  # s; *chosen*: no detector scores less


@dataclass(frozen=True)
class RecordingHeader:
    """Of a recording's files, which agree."""

    rate: int  # Hz
    channels: int  # that a clip gets
    n_samples: int
    exact: bool  # 16 bits at 16 kHz: clips keep the very samples

    def cuts(self, seconds: float) -> list[tuple[int, int]]:
        """(first, last) sample of each clip; a recording of up to `seconds` is one clip, a rest is left out."""
        up, down = ratio(self.rate)
        length = max(1, round(seconds * RATE / up)) * down
        n = self.n_samples // length
        return [(i * length, (i + 1) * length) for i in range(n)] or [(0, self.n_samples)]


def header(paths: Sequence[Path], channels: Sequence[int] | None) -> RecordingHeader:
    """Raises BadInput for files that cannot be read, are too short, or have other channels than those wanted."""
    heads = [sound_header(path) for path in paths]
    name, first, last = paths[0], heads[0], heads[-1]
    lengths = [head.seconds for head in heads]
    if last.rate != first.rate or abs(lengths[-1] - lengths[0]) > 0.1:
        raise BadInput(
            f"{paths[-1]}: {lengths[-1]:.2f} s at {last.rate} Hz, unlike {lengths[0]:.2f} s at {first.rate} Hz of "
            f"{name.name} (are they of one recording?)"
        )
    if lengths[0] < SHORTEST:
        raise BadInput(f"{name}: {lengths[0]:.2f} s, at least {SHORTEST} s expected")
    n_wanted = [
        len(_wanted(path, head.channels, channels, 3 - len(paths))) for path, head in zip(paths, heads, strict=True)
    ]
    exact = all(head.rate == RATE and head.subtype == "PCM_16" for head in heads)
    return RecordingHeader(first.rate, sum(n_wanted), min(head.n_samples for head in heads), exact)


def _wanted(path: Path, n: int, channels: Sequence[int] | None, most: int) -> Sequence[int]:
    """The channels to take of a file of n, `most` at most. Raises BadInput with the option that cures it."""
    wanted, has = channels or range(n), f"{path}: {counted(n, 'channel')}"
    if max(wanted) >= n:
        there = "0 alone is" if n == 1 else f"0 to {n - 1} are"
        raise BadInput(f"{has}, --channels {','.join(map(str, wanted))} counts from 0: {there} there")
    if len(wanted) > most:
        cure = "--channels 0 takes the first" + (", --channels 0,1 the first two as near and far" if most > 1 else "")
        raise BadInput(f"{has}, {'one or two' if most > 1 else 'one of each file of a pair'} expected; {cure}")
    return wanted


def clip(paths: Sequence[Path], head: RecordingHeader, channels: Sequence[int] | None, first: int, last: int) -> Wave:
    """(C, T) of the recording's samples from `first` to before `last`."""
    return stretch(paths, head.rate, head.n_samples, channels, first, last)
