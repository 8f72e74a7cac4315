"""Jobs: commands in, finished processes of one thread each out; a failed one raises with the end of its log."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from asd.errors import BadInput

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # a job finds asd/ and systems/
TAIL = 15  # lines of a failed job's log in the error


class JobFailed(RuntimeError):
    """A job's process ended with an error."""


@dataclass(frozen=True)
class Job:
    name: str  # shown in the progress bar, and the log's name
    command: tuple[str, ...]


@dataclass
class _Pool:
    """The running processes, so that they can be ended together."""

    logs: Path
    running: set[subprocess.Popen] = field(default_factory=set)
    ended: bool = False

    def run(self, job: Job) -> None:
        if self.ended:
            return
        log = self.logs / f"{job.name}.log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                job.command,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": PATH},
            )
            self.running.add(process)
            code = process.wait()
            self.running.discard(process)
        if code != 0 and not self.ended:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
            raise (BadInput(end) if code == 2 else JobFailed(f"{job.name}: exit code {code}, log {log}:\n{end}"))

    def end(self) -> None:
        self.ended = True
        for process in list(self.running):
            process.terminate()


def run_all(jobs: Sequence[Job], workers: int, logs: Path) -> None:
    """Run `jobs`, `workers` at a time. The first failure, or Ctrl-C, ends the others; finished work stays."""
    logs.mkdir(parents=True, exist_ok=True)
    pool = _Pool(logs)
    with ThreadPoolExecutor(workers) as threads, tqdm(total=len(jobs), disable=None, unit="job") as bar:
        futures = [threads.submit(pool.run, job) for job in jobs]
        for future in futures:
            future.add_done_callback(lambda _: bar.update())
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            _raise_first(done)
        finally:
            pool.end()


def _raise_first(futures: set[Future]) -> None:
    for future in futures:
        future.result()


def end_with_parent(parent: int) -> None:
    """End this process once the one that started it, process id `parent`, is gone: no orphan goes on training."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
