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
from asd.monitoring import FORMATS, Alarm, Entry, Gap, Monitor, News, Reading, Times, Watch
from asd.programs.loading import LoadedSystem
from asd.tables import counted

Tell = Callable[[str], None]
COSTS = 10_000  # blocks with a reading that the summary's median is of: the last ones


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


def listen(
    monitor: Monitor, source: Iterable[News], rule: Alarm, watchers: Sequence[Watcher], name: str = "the recording"
) -> None:
    """Until the source ends; a summary is the last that is noted. Raises BadInput where nothing could be scored."""
    watch, costs = Watch(rule, monitor.threshold), Costs()
    for news in source:
        begun, n = time.perf_counter(), 0
        if isinstance(news, np.ndarray):
            readings, n = monitor.push(news), news.shape[1]
        else:
            readings = monitor.go_on_after(news.n) if isinstance(news, Gap) else []
        seconds = costs.add(n, len(readings), time.perf_counter() - begun)
        show(watchers, news, monitor.end)
        tell(watchers, readings, watch, seconds)
    begun = time.perf_counter()
    readings = monitor.finish()
    tell(watchers, readings, watch, costs.add(0, len(readings), time.perf_counter() - begun))
    if not costs.readings:
        raise BadInput(f"{name}: {nothing_scored(costs.heard, monitor.window)}")
    note(watchers, costs.summary(monitor.streams))


def show(watchers: Sequence[Watcher], news: News, end: float) -> None:
    for watcher in watchers:
        if isinstance(news, np.ndarray):
            watcher.heard(news, end)
        else:
            watcher.noted(f"{end:.1f} s  {news}")


def note(watchers: Sequence[Watcher], text: str) -> None:
    for watcher in watchers:
        watcher.noted(text)


def tell(watchers: Sequence[Watcher], readings: Sequence[Reading], watch: Watch, seconds: float) -> None:
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
    last: deque[float] = field(default_factory=lambda: deque(maxlen=COSTS))  # of each of the last that were scored

    def add(self, n: int, readings: int, seconds: float) -> float:
        """Of a block of n samples that brought so many readings; its seconds again."""
        self.heard += n / RATE
        self.readings += readings
        self.seconds += seconds
        self.last.extend([seconds] * bool(readings))
        return seconds

    def summary(self, streams: bool) -> str:
        ms = 1000 * np.array(self.last)
        how = "every sample heard once" if streams else "every window heard anew"
        return (
            f"{self.heard:.1f} s heard, {counted(self.readings, 'reading')} ({how}); a block that "
            f"brought a score took {np.median(ms):.1f} ms in the median, {np.percentile(ms, 95):.1f} ms at 95 %, "
            f"{ms.max():.1f} ms at most; "
            f"real-time factor {self.seconds / self.heard:.4f}"
        )


def nothing_scored(heard: float, window: float) -> str:
    if not heard:
        return "nothing heard, it has no samples (did its sender start?)"
    return (
        f"{heard:.1f} s heard, a score is of {window:.1f} s (--window): the recording, or each piece between two "
        "gaps, is too short for one; give a longer recording, or a shorter --window"
    )
