"""Jobs: commands in, finished processes of one thread each out, here or on a cluster.

A job that fails is told with its log and does not stop the others; one whose process was killed is begun again.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from asd.errors import BadInput
from asd.locks import tried
from asd.process import Ending, finished
from asd.progress import EPOCH, Progress

ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # a job finds asd/ and systems/
TAIL = 15  # lines of the log of a job that refused its input, in the error
LOCK = ".lock"  # in the folder of logs: of the run that writes there
TRIES = 3  # begins of a job whose process is killed
LOOK = 2.0  # seconds between two looks at the logs


class JobFailed(RuntimeError):
    """A job's process ended with an error."""


@dataclass(frozen=True)
class Job:
    name: str  # shown while it runs, and the log's name
    command: tuple[str, ...]
    kind: str = ""  # jobs of one kind take about as long


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
    by_name, kinds = {job.name: path for job, path in paths.items()}, {job.name: job.kind for job in jobs}
    with pool, Progress(by_name, kinds) as shown:
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
                    shown.failed(job.name)
                    shown.say(f"failed: {failures[job]}")
            shown.look([job.name for job in pending.values()], pool.waiting())
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


def cpus() -> int:
    """Cores that this process may use: by affinity, and by its control group where that gives less."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(known, int(quota) // int(period)))
    except (OSError, ValueError):  # no control group of this kind, or no limit ("max")
        return known
