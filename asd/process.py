"""A job's process: a command in; how it ended, on which host and with how much memory, out.

What runs here may run on another host, which gets this module by value: it imports the standard library alone, and
Dask where a Dask worker calls it.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
PARENT = "ASD_PARENT"  # environment variable: process id of whoever started a job
CHECK = 0.2  # seconds between two looks whether a job is still wanted
Ending = tuple[int, str, float]  # exit code, minus the signal where one ended it; host; MB of the largest process


def finished(command: Sequence[str], log: str, folder: str, path: str, wanted: Callable[[], bool]) -> Ending:
    """Run the command in `folder` with PYTHONPATH `path`, its output into `log`; end it once it is no longer wanted."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": path, PARENT: str(os.getpid())}
    with open(log, "wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment
        )
    while (code := _code(process)) is None:
        if not wanted():
            process.terminate()
    return code, socket.gethostname(), largest_mb(resource.RUSAGE_CHILDREN)


def largest_mb(who: int) -> float:
    """MB that this process (resource.RUSAGE_SELF), or the largest it has started, has had at most."""
    return resource.getrusage(who).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _code(process: subprocess.Popen) -> int | None:
    try:
        return process.wait(CHECK)
    except subprocess.TimeoutExpired:
        return None


def finished_on_dask(command: Sequence[str], log: str, folder: str, path: str) -> Ending:
    """The same in a thread of a Dask worker: wanted while the worker has its scheduler and this has the client."""
    from distributed.worker import get_worker, thread_state

    worker, key = get_worker(), thread_state.key
    tasks = worker.state.tasks

    def wanted() -> bool:
        is_there = worker.status.name not in ("closing", "closed", "failed")
        return is_there and key in tasks and tasks[key].state == "executing"

    return finished(command, log, folder, path, wanted)


def end_with_parent() -> None:
    """End this process once the one that started it as a job is gone: no orphan goes on training."""
    parent = int(os.environ[PARENT])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
