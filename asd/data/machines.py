"""Machines: what a machine's folder holds, with every problem found, and the checked clips of one without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.clips import Clip, ClipName, is_noise
from asd.errors import BadInput

CHANNELS = (1, 2)  # of a machine: near, or near and far
SHOWN = 20  # problems listed in one error


@dataclass(frozen=True)
class ClipInfo:
    """What a wav header says, before any sample is read."""

    clip: Clip
    split: str  # train | test | supplemental
    rate: int  # Hz
    channels: int
    n_samples: int
    subtype: str  # PCM_16, FLOAT, ...


@dataclass(frozen=True)
class Survey:
    """All that one machine's folder holds, with every problem found; `machine()` refuses when there is any."""

    name: str
    folder: Path
    infos: tuple[ClipInfo, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()  # what looks wrong and need not stop a run

    def clips(self, split: str) -> tuple[Clip, ...]:
        return tuple(info.clip for info in self.infos if info.split == split)

    def machine(self) -> Machine:
        if self.problems:
            raise BadInput(listed(self.problems))
        train = self.clips("train")
        is_target = np.array([ClipName.parse(clip.path.name).domain == "target" for clip in train], dtype=bool)
        infos = [info for info in self.infos if info.split == "train"]
        seconds = [info.n_samples / info.rate for info in infos]
        channels, lengths = infos[0].channels, (min(seconds), max(seconds))
        rest = self.clips("test"), self.clips("supplemental")
        return Machine(self.name, self.folder, channels, lengths, train, is_target, *rest, self.warnings)


@dataclass(frozen=True)
class Machine:
    """One machine's checked clips, sorted by file name."""

    name: str
    folder: Path
    channels: int  # 1 (near) or 2 (near, far), alike in training and test clips
    train_seconds: tuple[float, float]  # of the shortest and the longest training clip
    train: tuple[Clip, ...]
    is_target: np.ndarray  # (N,) bool, domain of each training clip
    test: tuple[Clip, ...]
    supplemental: tuple[Clip, ...]  # clean-machine or noise-only clips, where the data set has them
    warnings: tuple[str, ...] = ()  # what looks wrong in headers, names and the attribute table

    @property
    def clean(self) -> tuple[Clip, ...]:
        """The supplemental clips of the machine alone."""
        return tuple(clip for clip in self.supplemental if not is_noise(clip.path.name))

    @property
    def noise(self) -> tuple[Clip, ...]:
        """The supplemental clips of noise alone."""
        return tuple(clip for clip in self.supplemental if is_noise(clip.path.name))


def listed(problems: tuple[str, ...]) -> str:
    """The first SHOWN problems, one a line, and how many more there are."""
    more = [f"... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return "\n".join([*problems[:SHOWN], *more])
