"""What the encoders of a network that hears windows of ten seconds have in common."""

from __future__ import annotations

from dataclasses import dataclass

from asd.encoders.pooling import Mean, Pooling
from asd.errors import check


@dataclass(frozen=True)
class HeardInWindows:
    checkpoint: str = ""
    pooling: Pooling = Mean()
    device: str = "cpu"  # cpu | cuda
    batch: int = 4  # windows of ten seconds at once, where a clip is longer than one

    def __post_init__(self) -> None:
        check("batch", self.batch, self.batch >= 1, "at least 1")
