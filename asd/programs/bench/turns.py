"""Turns: two ways of the same work, A B A B, and the row of the table that tells them and their ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int  # of each pair
    clips: int  # of 10 s, for a training
    seconds: float  # of sound that is separated


FULL, QUICK = Size(5, 100, 10.0), Size(2, 16, 2.0)


@dataclass(frozen=True)
class Row:
    what: str
    plain: str
    ours: str
    ratio: str  # above 1: ours is better

    @property
    def cells(self) -> list[str]:
        return [self.what, self.plain, self.ours, self.ratio]


def core_seconds(work: Callable[[], object]) -> float:
    """Of this process: a busy neighbour does not count."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def in_turn(
    what: str, unit: str, amount: float, plain: Callable[[], object], ours: Callable[[], object], rounds: int
) -> Row:
    """Each call does `amount` of the unit, say "steps/s"; one round before does not count."""
    seconds = [(core_seconds(plain), core_seconds(ours)) for _ in range(rounds + 1)][1:]
    ratios = [a / b for a, b in seconds]
    theirs, ours_ = (f"{np.median([amount / s for s in of]):.3g} {unit}" for of in zip(*seconds, strict=True))
    return Row(what, theirs, ours_, f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def left_out(what: str, why: str) -> Row:
    return Row(what, "", "", f"left out: {why}")
