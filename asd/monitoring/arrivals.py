"""Arrivals: what a source yields, blocks (C, n) and word of what is late or missing; sources read ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import numpy as np

from asd.clips import RATE

LATE = 5.0  # s without sound that is due, until it is told; chosen: longer than a sender's pauses
AHEAD = 60.0  # s of sound that may wait to be scored; chosen: a slow start is caught up with, memory stays small


@dataclass(frozen=True)
class Late:
    """Sound is due and does not come."""

    seconds: float
    cure: str = ""

    def __str__(self) -> str:
        return f"late: no sound for {self.seconds:.1f} s" + (f"; {self.cure}" if self.cure else "")


@dataclass(frozen=True)
class Again:
    """Sound has come after `Late`; the recording goes on where it stopped."""

    seconds: float

    def __str__(self) -> str:
        return f"sound again after {self.seconds:.1f} s"


@dataclass(frozen=True)
class Gap:
    """What follows does not join what came before: no window may hold both."""

    n: int  # samples missing in between, 0 where nobody knows
    why: str

    def __str__(self) -> str:
        return f"gap: {self.why}" + (f"; {self.n / RATE:.2f} s are missing" if self.n else "")


@dataclass(frozen=True)
class Ignored:
    """Sound files of other formats in a folder of wavs."""

    first: Path
    n: int

    def __str__(self) -> str:
        return f"{self.first}: not heard, as all files but .wav in a folder (of such recordings: {self.n})"


News = np.ndarray | Late | Again | Gap | Ignored


@dataclass(eq=False)
class Clock:
    """How long nothing has come: told once when that is longer than expected, and once when it is over."""

    since: float = field(default_factory=time.monotonic)
    is_late: bool = False
    cure: str = ""  # of being late

    @property
    def waited(self) -> float:
        return time.monotonic() - self.since

    def came(self) -> list[News]:
        over: list[News] = [Again(self.waited)] if self.is_late else []
        self.since, self.is_late = time.monotonic(), False
        return over

    def nothing_came(self, patience: float) -> list[News]:
        if self.is_late or self.waited < patience:
            return []
        self.is_late = True
        return [Late(self.waited, self.cure)]


def queue_of(n: int) -> Queue:
    """For blocks of n samples; its size is fixed."""
    return Queue(max(2, int(AHEAD * RATE / n)))


def read_ahead(blocks: Iterator[np.ndarray], n: int) -> Iterator[News]:
    """Blocks of n samples of a source that may stall; its sender waits while the queue is full."""
    waiting = queue_of(n)
    threading.Thread(target=_fill, args=(waiting, blocks), daemon=True).start()
    yield from taken(waiting, n, lambda: None)


def _fill(waiting: Queue, blocks: Iterator[np.ndarray]) -> None:
    try:
        for block in blocks:
            waiting.put(block)
        waiting.put(None)
    except Exception as error:  # raised again where the blocks are taken
        waiting.put(error)


def taken(waiting: Queue, n: int, check: Callable[[], None]) -> Iterator[News]:
    """What is put into a queue until None; an exception is raised. `check` is called whenever nothing has come."""
    clock, patience = Clock(), LATE + n / RATE
    while True:
        try:
            news = waiting.get(timeout=patience)
        except Empty:
            check()
            yield from clock.nothing_came(patience)
            continue
        yield from clock.came()
        if news is None:
            return
        if isinstance(news, Exception):
            raise news
        yield news
