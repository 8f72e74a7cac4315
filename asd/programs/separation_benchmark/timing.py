"""Times: seconds that a method needs for clips of 10 s, on one core and on all. All are timed in one run. Table II."""

from __future__ import annotations

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
from asd.jobs import cpus
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.separators import Separator

TIMED = 10  # s of the clip that is timed
ROUNDS = 10  # of timing, each on another clip
LEAST = 3  # rounds, for a spread
PATIENCE = 8.0  # s after which a slow method is timed no further


@dataclass(frozen=True)
class Times:
    """Seconds per clip, the mean over clips."""

    one_core: float
    spread: float  # standard deviation over clips, on one core
    all_cores: float


def timings(bench: Bench, names: Sequence[str]) -> dict[str, Times]:
    """Of all methods in one run, so that their ratios mean something; kept for the same methods on as many cores."""
    record = {**bench.record, "methods": sorted(names), "cores": cores(), "timing code": code(_columns)}
    found = bench.once("timing", record, partial(_columns, bench, names))
    seconds = zip(*(found[column].tolist() for column in ("one_core", "spread", "all_cores")), strict=True)
    return {name: Times(*of_method) for name, of_method in zip(found["method"].tolist(), seconds, strict=True)}


def _columns(bench: Bench, names: Sequence[str]) -> Arrays:
    one_core, spread, all_cores = zip(*(timing(bench, name) for name in names), strict=True)
    columns = {"one_core": one_core, "spread": spread, "all_cores": all_cores, "cores": cores(), "method": names}
    return {name: np.array(column) for name, column in columns.items()}


def timing(bench: Bench, name: str) -> tuple[float, float, float]:
    """Seconds on one core, mean and standard deviation, and mean seconds on all."""
    separator = METHODS[name].open(bench)
    waves = [tiled(m.wave, TIMED * RATE) for m in bench.test[:: max(1, len(bench.test) // ROUNDS)]]
    alone = seconds_of(separator.separate, waves)
    return float(np.mean(alone)), float(np.std(alone)), float(np.mean(seconds_on_all_cores(separator, waves)))


def tiled(wave: Wave, length: int) -> Wave:
    """(C, T) -> (C, length), repeated or cut."""
    return np.ascontiguousarray(np.tile(wave, -(-length // wave.shape[1]))[:, :length])


def seconds_on_all_cores(separator: Separator, waves: Sequence[Wave]) -> list[float]:
    threaded = separator.threaded
    if threaded is None:
        with threads(cores()):
            return seconds_of(separator.separate, waves)
    with threads(1):  # each of the method's own threads is one for torch
        return seconds_of(lambda wave: threaded(wave, cores()), waves)


def seconds_of(call: Callable[[Wave], object], waves: Sequence[Wave]) -> list[float]:
    """Of each call, after a first one that does not count; ROUNDS calls, less where they take long."""
    call(waves[0])
    found: list[float] = []
    while len(found) < LEAST or (len(found) < ROUNDS and sum(found) < PATIENCE):
        begun = time.perf_counter()
        call(waves[len(found) % len(waves)])
        found.append(time.perf_counter() - begun)
    return found


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
    return cpus()
