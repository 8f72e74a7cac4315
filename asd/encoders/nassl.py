"""Noise-aware encoders, which hear near and far. sound (2, T) at 16 kHz -> (n, D)"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from asd.clips import RATE
from asd.contracts import Feature, Wave
from asd.encoders.pooling import Mean, Pooling
from asd.errors import check, check_least
from asd.pretrained.checkpoints import found
from asd.pretrained.nassl import NASSL, sources, two_inputs
from asd.pretrained.windows import heard, rows


@dataclass(frozen=True)
class Nassl:
    """The user's package `nassl` with a checkpoint of its authors'; a clip is embedded whole."""

    needs_far: ClassVar = True

    checkpoint: str = ""
    pooling: Pooling = Mean()
    device: str = "cpu"  # cpu | cuda
    n_parameters: int = 0  # of the network, for the package's total; it cannot be counted from here

    def __post_init__(self) -> None:
        check_least(self, 0, "n_parameters")

    def files(self) -> tuple[Path, ...]:
        return (found(self.checkpoint, NASSL), *sources())

    def embed(self, sound: Wave) -> Feature:
        channels = f"{len(sound)} channel{'s' * (len(sound) != 1)} of sound"
        check("Nassl hears", channels, len(sound) == 2, "2 (near, far; the front-end NearAndFar)")
        near, far = (heard(channel[None], RATE)[None] for channel in sound)  # (1, T) each
        return self.pooling.pool(rows(two_inputs(found(self.checkpoint, NASSL), self.device)(near, far), 1))
