"""Jobs: commands in, finished processes of one thread each out; a failed one raises with the end of its log.

A job's log may have lines `epoch 3 of 100 ...`: from them one line tells how far the whole run is.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from asd.errors import BadInput

logger = logging.getLogger(__name__)
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # a job finds asd/ and systems/
TAIL = 15  # lines of a failed job's log in the error
EPOCH = re.compile(rb"^epoch (\d+) of (\d+)", re.MULTILINE)
LOOK = 2.0  # seconds between two looks at the logs
TELL = 20.0  # seconds between two lines, where there is no terminal


class JobFailed(RuntimeError):
    """A job's process ended with an error."""


@dataclass(frozen=True)
class Job:
    name: str  # shown while it runs, and the log's name
    command: tuple[str, ...]


@dataclass
class _Pool:
    """The running processes, so that they can be ended together."""

    logs: Path
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    done: int = 0
    ended: bool = False

    def run(self, job: Job) -> None:
        if self.ended:
            return
        log = self.log(job.name)
        with open(log, "wb") as file:
            process = subprocess.Popen(
                job.command,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": PATH},
            )
            self.running[job.name] = process
            if self.ended:  # since it was asked for; nobody else ends it now
                process.terminate()
            code = process.wait()
            del self.running[job.name]
        self.done += 1
        if code != 0 and not self.ended:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
            raise (BadInput(end) if code == 2 else JobFailed(f"{job.name}: {ending(code)}, log {log}:\n{end}"))

    def end(self) -> None:
        self.ended = True
        for process in list(self.running.values()):
            process.terminate()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def ending(code: int) -> str:
    """Of a process, in words."""
    if code >= 0:
        return f"exit code {code}"
    told = f"ended by signal {signal.Signals(-code).name}"
    if -code != signal.SIGKILL:
        return told
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # KiB on Linux
    return (
        f"{told}: by the system, if memory ran out (the largest process so far had {largest:,.0f} MB; give fewer "
        "--workers), or by a person"
    )


def run_all(jobs: Sequence[Job], workers: int, logs: Path) -> None:
    """Run `jobs`, `workers` at a time. The first failure, or Ctrl-C, ends the others; finished work stays."""
    logs.mkdir(parents=True, exist_ok=True)
    pool = _Pool(logs)
    with ThreadPoolExecutor(workers) as threads, _Shown(pool, len(jobs)) as shown:
        pending: set[Future] = {threads.submit(pool.run, job) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, LOOK, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                shown.look()
        finally:
            pool.end()


class _Shown:
    """A bar on a terminal, a line now and then elsewhere: jobs done, with the share of those that run."""

    def __init__(self, pool: _Pool, total: int) -> None:
        self.pool, self.total = pool, total
        self.most: dict[str, float] = {}  # share of each job: one with two trainings counts epochs twice
        self.begun = self.told = time.monotonic()
        form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed} gone]"
        self.bar = tqdm(total=total, disable=None, bar_format=form)

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def look(self) -> None:
        shares = {name: share_done(self.pool.log(name)) for name in list(self.pool.running)}
        for name, (of, total) in shares.items():
            self.most[name] = max(self.most.get(name, 0.0), of / total if total else 0.0)
        work = self.pool.done + sum(self.most[name] for name in shares)
        self.bar.n = work
        self.bar.set_description_str(told := self.line(work, shares))
        now = time.monotonic()
        if self.bar.disable and now - self.told >= TELL:
            logger.info(told)
            self.told = now

    def line(self, work: float, shares: dict[str, tuple[int, int]]) -> str:
        left = (time.monotonic() - self.begun) * (self.total - work) / work if work else 0.0
        running = ", ".join(f"{n} (epoch {of} of {t})" if t else n for n, (of, t) in shares.items())
        estimate = f", about {duration(left)} left" if left else ""
        return f"{self.pool.done} of {self.total} jobs done{estimate}; running: {running or 'none'}"


def share_done(log: Path) -> tuple[int, int]:
    """The last epoch that a log tells and how many there will be; (0, 0) where it tells none."""
    try:
        found = EPOCH.findall(log.read_bytes())
    except OSError:
        return 0, 0
    return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)


def duration(seconds: float) -> str:
    """
    >>> duration(50), duration(400), duration(9000)
    ('50 s', '7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def cpus() -> int:
    """Cores that this process may use: by affinity, and by its control group where that gives less."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(known, int(quota) // int(period)))
    except (OSError, ValueError):  # no control group of this kind, or no limit ("max")
        return known


def end_with_parent(parent: int) -> None:
    """End this process once the one that started it, process id `parent`, is gone: no orphan goes on training."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
