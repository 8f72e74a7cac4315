"""Times: what of a recording is scored, and how often, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from asd.clips import RATE
from asd.errors import BadInput

DAY = 86_400.0  # s, the longest window, interval or block


@dataclass(frozen=True)
class Times:
    """In seconds."""

    window: float | None = None  # that a score is of; None: as long as the training clips
    every: float = 1.0  # between scores
    block: float = 0.1  # of sound taken in at a time
    idle: float = float("inf")  # without news that end a folder

    def __post_init__(self) -> None:
        for name in ("window", "every", "block"):
            value = getattr(self, name)
            if value is not None and (not 0 < value <= DAY or int(value * RATE) < 1):
                raise BadInput(
                    f"--{name} {value:g}: seconds expected, from one sample ({1 / RATE:g}) to a day ({DAY:g})"
                )
        if not self.idle > 0:
            raise BadInput(f"--idle {self.idle:g}: above 0 s expected")
