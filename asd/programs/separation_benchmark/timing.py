"""Times: seconds that a method needs for a clip of 10 s, on one core and on all. All are timed in one run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from asd.clips import RATE
from asd.contracts import Arrays, Wave
from asd.fingerprint import code
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.separators import Separator

TIMED = 10  # s of the clip that is timed
ROUNDS = 5  # of timing, the median counts
PATIENCE = 8.0  # s after which a slow method is timed no further


@dataclass(frozen=True)
class Times:
    """Seconds per clip."""

    one_core: float
    all_cores: float


def timings(bench: Bench, names: Sequence[str]) -> dict[str, Times]:
    """Of all methods in one run, so that their ratios mean something; kept for the same methods on as many cores."""
    record = {**bench.record, "methods": sorted(names), "cores": cores(), "timing code": code(_columns)}
    found = bench.once("timing", record, partial(_columns, bench, names))
    seconds = zip(found["one_core"].tolist(), found["all_cores"].tolist(), strict=True)
    return {name: Times(*pair) for name, pair in zip(found["method"].tolist(), seconds, strict=True)}


def _columns(bench: Bench, names: Sequence[str]) -> Arrays:
    one_core, all_cores = zip(*(timing(bench, name) for name in names), strict=True)
    columns = {"method": names, "one_core": one_core, "all_cores": all_cores, "cores": cores()}
    return {name: np.array(column) for name, column in columns.items()}


def timing(bench: Bench, name: str) -> tuple[float, float]:
    """Median seconds on one core and on all."""
    separator = METHODS[name].open(bench)
    wave = tiled(bench.test[0].wave, TIMED * RATE)
    return seconds_of(lambda: separator.separate(wave)), seconds_on_all_cores(separator, wave)


def tiled(wave: Wave, length: int) -> Wave:
    """(C, T) -> (C, length), repeated or cut."""
    return np.ascontiguousarray(np.tile(wave, -(-length // wave.shape[1]))[:, :length])


def seconds_on_all_cores(separator: Separator, wave: Wave) -> float:
    threaded = separator.threaded
    if threaded is None:
        with threads(cores()):
            return seconds_of(lambda: separator.separate(wave))
    with threads(1):  # each of the method's own threads is one for torch
        return seconds_of(lambda: threaded(wave, cores()))


def seconds_of(call: Callable[[], object]) -> float:
    """Median, after a first call that does not count."""
    call()
    found: list[float] = []
    while len(found) < ROUNDS and sum(found) < PATIENCE:
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return float(np.median(found))


@contextmanager
def threads(n_torch: int) -> Iterator[None]:
    """All cores for the libraries behind NumPy and SciPy, `n_torch` for torch; outside of it one for each."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(cores()):
        torch.set_num_threads(n_torch)
        try:
            yield
        finally:
            torch.set_num_threads(1)


def cores() -> int:
    return len(os.sched_getaffinity(0))
