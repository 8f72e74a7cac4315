"""Listening: a loaded system and a recording that goes on, in; readings to whoever watches, out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput
from asd.monitoring import FORMATS, Alarm, Entry, Gap, Monitor, News, Reading, Watch
from asd.programs.loading import LoadedSystem

Tell = Callable[[str], None]
DAY = 86_400.0  # s, the longest window, interval or block
COSTS = 10_000  # blocks that the summary's median is of: the last ones


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


def monitor_of(found: LoadedSystem, times: Times) -> Monitor:
    """Of a loaded system. Raises BadInput for a window too short for its detector."""
    window = int(times.window * RATE) if times.window else found.n_samples
    check_window(found, window)
    return Monitor(found.fitted, window, int(times.every * RATE), found.channels)


def check_window(found: LoadedSystem, window: int) -> None:
    """By a window of noise."""
    noise = np.random.default_rng(0).normal(0, 0.01, (found.channels, window)).astype(np.float32)
    try:
        if window < found.n_samples:
            found.fitted.features(noise)
    except BadInput as error:
        raise BadInput(f"--window {window / RATE:g}: too short; {window} samples, {error}") from error


class Watcher(Protocol):
    """Who watches while listening; asd.monitoring.Board is one."""

    def heard(self, block: np.ndarray, end: float) -> None:
        """A block (C, n) whose last sample is at `end` s."""

    def told(self, entry: Entry) -> None: ...

    def noted(self, text: str) -> None:
        """What is late, missing or over."""


@dataclass(frozen=True)
class Lines:
    """Readings as lines of a format to `tell`, whatever else there is to say to `note`."""

    style: str  # of FORMATS
    tell: Tell
    note: Tell

    def __post_init__(self) -> None:
        if head := FORMATS[self.style][0]:
            self.tell(head)

    def heard(self, block: np.ndarray, end: float) -> None:
        """Sound is not written."""

    def told(self, entry: Entry) -> None:
        self.tell(FORMATS[self.style][1](entry))

    def noted(self, text: str) -> None:
        self.note(text)


def listen(monitor: Monitor, source: Iterable[News], rule: Alarm, watchers: Sequence[Watcher]) -> None:
    """Until the source ends; a summary is the last that is noted. Raises BadInput where nothing could be scored."""
    watch, costs = Watch(rule, monitor.threshold), Costs()
    for news in source:
        begun = time.perf_counter()
        if isinstance(news, np.ndarray):
            readings = monitor.push(news)
            costs.add(news.shape[1], time.perf_counter() - begun)
            for watcher in watchers:
                watcher.heard(news, monitor.end)
        else:
            readings = monitor.go_on_after(news.n) if isinstance(news, Gap) else []
            note(watchers, f"{monitor.end:.1f} s  {news}")
        tell(watchers, readings, watch, time.perf_counter() - begun, costs)
    begun = time.perf_counter()
    tell(watchers, monitor.finish(), watch, time.perf_counter() - begun, costs)
    if not costs.readings:
        raise BadInput(nothing_scored(costs.heard, monitor.window))
    note(watchers, costs.summary(monitor.streams))


def note(watchers: Sequence[Watcher], text: str) -> None:
    for watcher in watchers:
        watcher.noted(text)


def tell(watchers: Sequence[Watcher], readings: Sequence[Reading], watch: Watch, seconds: float, costs: Costs) -> None:
    costs.readings += len(readings)
    for reading in readings:
        entry = entry_of(reading, watch, seconds)
        for watcher in watchers:
            watcher.told(entry)


def entry_of(r: Reading, watch: Watch, seconds: float) -> Entry:
    event = watch.event(r.score)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    ms = round(1000 * seconds, 3)
    return Entry(now, r.end, r.score, watch.threshold, r.decision, int(watch.is_on), event, ms)


@dataclass
class Costs:
    """What listening has cost; of fixed size."""

    heard: float = 0.0  # s of sound
    readings: int = 0
    seconds: float = 0.0  # of computing, of all blocks
    last: deque[float] = field(default_factory=lambda: deque(maxlen=COSTS))  # the same, of each of the last blocks

    def add(self, n: int, seconds: float) -> None:
        """Of a block of n samples."""
        self.heard += n / RATE
        self.seconds += seconds
        self.last.append(seconds)

    def summary(self, streams: bool) -> str:
        ms = 1000 * np.array(self.last)
        how = "every sample heard once" if streams else "every window heard anew"
        return (
            f"{self.heard:.1f} s heard, {self.readings} reading{'s' * (self.readings != 1)} ({how}); a block took "
            f"{np.median(ms):.1f} ms in the median, {np.percentile(ms, 95):.1f} ms at 95 %, {ms.max():.1f} ms at most; "
            f"real-time factor {self.seconds / self.heard:.4f}"
        )


def nothing_scored(heard: float, window: float) -> str:
    if not heard:
        return "nothing heard: the recording has no samples (did its sender start?)"
    return (
        f"{heard:.1f} s heard, a score is of {window:.1f} s (--window): the recording, or each piece between two "
        "gaps, is too short for one; give a longer recording, or a shorter --window"
    )
