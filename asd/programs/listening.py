"""Listening: a loaded system and a recording that goes on, in; a line per reading, and a summary, out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput
from asd.monitoring import Monitor, Reading
from asd.programs.loading import LoadedSystem

Tell = Callable[[str], None]
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


def listen(monitor: Monitor, source: Iterable[np.ndarray], csv: Path | None, tell: Tell) -> None:
    """Tell each reading, and at the end how long the blocks took; `csv` gets the readings too."""
    costs, heard, n_readings = [], 0.0, 0
    with log_at(csv) as log:
        log.write("end_seconds,score,threshold,decision\n")
        for readings, seconds, n in steps(monitor, source):
            costs.append(seconds)
            heard += n / RATE
            n_readings += len(readings)
            for r in readings:
                tell(told(r, monitor.threshold, seconds))
                log.write(f"{r.end!r},{r.score!r},{monitor.threshold!r},{r.decision}\n")
    tell(summary(costs, heard, n_readings, monitor.streams))


def steps(monitor: Monitor, source: Iterable[np.ndarray]) -> Iterator[tuple[list[Reading], float, int]]:
    """The readings of each block and of the recording's end, the seconds they took, and the block's samples."""
    for block in source:
        begun = time.perf_counter()
        yield monitor.push(block), time.perf_counter() - begun, block.shape[1]
    begun = time.perf_counter()
    yield monitor.finish(), time.perf_counter() - begun, 0


@contextmanager
def log_at(csv: Path | None) -> Iterator[TextIO]:
    """A text file written line by line, not whole at the end: a recording may go on until somebody interrupts it."""
    csv = csv or Path(os.devnull)
    try:
        csv.parent.mkdir(parents=True, exist_ok=True)
        file = csv.open("w", buffering=1, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"--csv {csv}: cannot be written ({error.strerror}); the name of a file expected") from error
    with file:
        yield file


def told(r: Reading, threshold: float, seconds: float) -> str:
    verdict = "ANOMALOUS" if r.decision else "normal"
    return (
        f"{r.end:9.1f} s  score {r.score:9.4f}  threshold {threshold:.4f}  {verdict:9}  block {1000 * seconds:6.1f} ms"
    )


def summary(costs: list[float], heard: float, n_readings: int, streams: bool) -> str:
    """`costs`: seconds of computing per block."""
    if not heard:
        return "nothing heard"
    ms = 1000 * np.array(costs)
    how = "every sample heard once" if streams else "every window heard anew"
    return (
        f"{heard:.1f} s heard, {n_readings} readings ({how}); a block took {np.median(ms):.1f} ms in the median, "
        f"{np.percentile(ms, 95):.1f} ms at 95 %, {ms.max():.1f} ms at most; real-time factor {sum(costs) / heard:.4f}"
        + ("" if n_readings else "; no full window: --window is longer than the recording")
    )
