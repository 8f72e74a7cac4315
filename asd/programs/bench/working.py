"""Rows about many jobs: the same trainings on one worker and on two, by the clock, which a busy machine spoils."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asd import simulation
from asd.jobs import ROOT
from asd.programs.bench.turns import QUICK, Row, Size, left_out

SEEDS, EPOCHS = 10, 30
WORKERS = f"{SEEDS} seeds of baseline_mse on two workers against one"
DASK = f"{SEEDS} seeds of baseline_mse on two Dask workers against one"


def rows(size: Size) -> Iterator[Row]:
    if size == QUICK:
        yield from (left_out(what, "by --quick") for what in (WORKERS, DASK))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, machines = folder / "data" / "dev_data" / "raw", simulation.pick(["fan"], "dev_data")
        simulation.WRITERS["dev_data"](raw, machines[0], simulation.sized("small", None, None, None, 2), 2026)
        run(folder, "features", 1, ["--seeds", "0,", "--set", "detector.training.epochs=1"])
        seconds = [trained(folder, workers, ["--workers", str(workers)]) for workers in (1, 2)]
        yield row(WORKERS, seconds)
        if not importlib.util.find_spec("distributed"):
            yield left_out(DASK, "needs the extra `cluster` (pip install -e '.[cluster]')")
            return
        yield row(DASK, [on_dask(folder, workers) for workers in (1, 2)])


def row(what: str, seconds: list[float]) -> Row:
    one, two = seconds
    return Row(what, f"{one:.0f} s", f"{two:.0f} s", f"{one / two:.2f}")


def trained(folder: Path, workers: int, how: list[str]) -> float:
    """Seconds of the clock, features not counted."""
    results = f"results-{time.monotonic_ns()}"
    shutil.copytree(folder / "features", folder / results)
    begun = time.monotonic()
    run(folder, results, workers, [*how, "--seeds", str(SEEDS), "--set", f"detector.training.epochs={EPOCHS}"])
    return time.monotonic() - begun


def run(folder: Path, results: str, workers: int, words: list[str]) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "-d", "baseline_mse", "--data", str(folder / "data")]
    told = [*command, "--results", str(folder / results), "--machines", "fan", *words]
    subprocess.run(told, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def on_dask(folder: Path, workers: int) -> float:
    with cluster(folder, workers) as address:
        return trained(folder, workers, ["--scheduler", address])


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """The scheduler's file of so many workers of one thread on this machine."""
    file = folder / f"scheduler-{workers}.json"
    words = ("--no-dashboard", "--scheduler-file", str(file))

    def start(program: str, *more: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{program}", *words, *more]
        return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)

    processes = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
    processes += [start("dask_worker", "--nthreads", "1", "--memory-limit", "0", "--no-nanny") for _ in range(workers)]
    try:
        while not file.exists() and processes[0].poll() is None:
            time.sleep(0.1)
        yield str(file)
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()
