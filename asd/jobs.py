"""Jobs: commands in, finished processes of one thread each out, here or on a cluster.

A job that fails is told with its log and does not stop the others; one whose process was killed is begun again. A job's
log may have lines `epoch 3 of 100 ...`: from them one line tells how far the whole run is.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from asd.errors import BadInput
from asd.locks import tried
from asd.process import Ending, finished

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # a job finds asd/ and systems/
TAIL = 15  # lines of the log of a job that refused its input, in the error
LOCK = ".lock"  # in the folder of logs: of the run that writes there
TRIES = 3  # begins of a job whose process is killed
EPOCH = re.compile(rb"^epoch (\d+) of (\d+)", re.MULTILINE)
LOOK = 2.0  # seconds between two looks at the logs
TELL = 20.0  # seconds between two lines, where there is no terminal


class JobFailed(RuntimeError):
    """A job's process ended with an error."""


@dataclass(frozen=True)
class Job:
    name: str  # shown while it runs, and the log's name
    command: tuple[str, ...]


class Pool(Protocol):
    """Where jobs run: `Processes` of this machine, or the workers of a `Cluster`. Leaving it ends what still runs."""

    def submit(self, command: Sequence[str], log: str) -> Future[Ending]: ...

    def waiting(self) -> str: ...

    def lost(self, error: Exception) -> bool:
        """Whether it is what a job's future raises whose workers were killed."""
        ...

    def __enter__(self) -> Pool: ...

    def __exit__(self, *_: object) -> None: ...


class Processes:
    """So many processes of this machine at a time."""

    def __init__(self, workers: int) -> None:
        self.threads, self.left = ThreadPoolExecutor(workers), threading.Event()

    def submit(self, command: Sequence[str], log: str) -> Future[Ending]:
        return self.threads.submit(finished, command, log, os.getcwd(), PATH, lambda: not self.left.is_set())

    def waiting(self) -> str:
        return ""

    def lost(self, error: Exception) -> bool:
        return False

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.left.set()
        self.threads.shutdown(cancel_futures=True)


def run_all(jobs: Sequence[Job], pool: Pool, logs: Path) -> None:
    """Run `jobs` to their ends. Ctrl-C or SIGTERM ends them all; finished work stays.

    Raises, at the end, with every failure: BadInput where all of them are refusals of their input, else JobFailed.
    """
    with tried(logs / LOCK) as alone:  # another run of the same numbers has logs of its own
        _run_all(jobs, pool, logs if alone else logs / str(os.getpid()))


def _run_all(jobs: Sequence[Job], pool: Pool, logs: Path) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    paths = {job: logs / f"{job.name}.log" for job in jobs}
    for path in paths.values():
        path.unlink(missing_ok=True)
    failures, begun = dict[Job, str](), Counter(jobs)
    refused: list[str] = []
    with pool, _Shown(paths) as shown:
        pending = {pool.submit(job.command, str(paths[job])): job for job in jobs}
        while pending:
            for future in wait(pending, LOOK, return_when=FIRST_COMPLETED).done:
                job = pending.pop(future)
                code, told = outcome(future, pool)
                if code < 0 and begun[job] < TRIES:
                    begun[job] += 1
                    shown.say(f"{job.name}: {told}; begun again")
                    pending[pool.submit(job.command, str(paths[job]))] = job
                elif code != 0:
                    failures[job] = f"{job.name}: {told}, log {paths[job]}: {last_line(paths[job])}"
                    refused += [refusal(paths[job]) or failures[job]] if code == 2 else []
                    shown.say(f"failed: {failures[job]}")
            shown.look(pending.values(), pool.waiting())
    if failures and len(refused) == len(failures):
        raise BadInput("\n".join(dict.fromkeys(refused)))
    if failures:
        raise JobFailed(missing_told(list(failures.values()), len(jobs)))


def missing_told(failures: Sequence[str], total: int) -> str:
    lines = "\n".join(failures)
    return (
        f"{len(failures)} of {total} jobs failed, what they would have made is missing, and nothing was written; what "
        f"the others made is kept, the same command goes on from it:\n{lines}"
    )


def outcome(future: Future[Ending], pool: Pool) -> tuple[int, str]:
    """Exit code, below 0 where the process or its workers were killed, and the same in words."""
    try:
        code, host, largest = future.result()
    except CancelledError:
        return 1, "lost, the scheduler has gone"
    except Exception as error:  # of whatever pool: a job that killed its workers, a command that is not there
        return -1 if pool.lost(error) else 1, f"{type(error).__name__}: {str(error).partition('. ')[0]}"
    return code, ending(code, host, largest)


def ending(code: int, host: str, largest: float) -> str:
    """Of a process, in words."""
    if code >= 0:
        return f"exit code {code} on {host}"
    told = f"ended by signal {signal.Signals(-code).name} on {host}"
    if -code != signal.SIGKILL:
        return told
    return (
        f"{told}: by the system, if memory ran out (the largest process so far had {largest:,.0f} MB; give fewer "
        "--workers), or by a person"
    )


def last_line(log: Path) -> str:
    return next(reversed(lines_of(log)), "(empty)")


def refusal(log: Path) -> str:
    """What a job that refused its input says at its end."""
    return "\n".join(lines_of(log)[-TAIL:])


def lines_of(log: Path) -> list[str]:
    """Without the epochs."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # lost with its host
        return []
    return [line for line in lines if line.strip() and not EPOCH.match(line.encode())]


class _Shown:
    """A bar on a terminal, a line now and then elsewhere: jobs done, with the share of those that run."""

    def __init__(self, logs: dict[Job, Path]) -> None:
        self.logs, self.total = logs, len(logs)
        self.most: dict[Job, float] = {}  # share of each job: one with two trainings counts epochs twice
        self.begun = self.told = time.monotonic()
        form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed} gone]"
        self.bar = tqdm(total=self.total, disable=None, bar_format=form)

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        self.bar.write(text, file=sys.stderr)

    def look(self, left: Iterable[Job], waiting: str) -> None:
        """`left`: the jobs that are not done; those that run have a log."""
        left = list(left)
        shares = {job: share_done(self.logs[job]) for job in left if self.logs[job].exists()}
        for job, (of, total) in shares.items():
            self.most[job] = max(self.most.get(job, 0.0), of / total if total else 0.0)
        done = self.total - len(left)
        work = done + sum(self.most[job] for job in shares)
        self.bar.n = work
        self.bar.set_description_str(told := self.line(done, work, shares, waiting))
        now = time.monotonic()
        if self.bar.disable and now - self.told >= TELL:
            logger.info(told)
            self.told = now

    def line(self, done: int, work: float, shares: dict[Job, tuple[int, int]], waiting: str) -> str:
        left = (time.monotonic() - self.begun) * (self.total - work) / work if work else 0.0
        running = ", ".join(f"{job.name} (epoch {of} of {t})" if t else job.name for job, (of, t) in shares.items())
        estimate = f", about {duration(left)} left" if left else ""
        return f"{done} of {self.total} jobs done{estimate}; running: {running or waiting or 'none'}"


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
