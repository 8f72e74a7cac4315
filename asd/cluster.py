"""Cluster: jobs on the workers of a Dask scheduler, in place of processes of this machine; the extra `cluster`.

A job whose worker is lost is run again by Dask on another one. A job ends with its client, and with its worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future

from asd import process
from asd.errors import BadInput, needed, present
from asd.process import Ending

ANSWER = 20  # seconds for the scheduler to answer


class Cluster:
    """A pool of jobs (asd/jobs.py) behind `address`: tcp://host:8786, or the path of a scheduler file (.json)."""

    def __init__(self, address: str, path: str) -> None:
        """`path`: PYTHONPATH of the jobs. Raises BadInput where no scheduler answers."""
        distributed = needed("distributed", "cluster")
        needed("cloudpickle", "cluster").register_pickle_by_value(process)  # a worker need not find this kit itself
        self.path, self.killed = path, distributed.KilledWorker
        try:
            self.client = distributed.Client(**_place(address), timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError) as error:
            what = f"--scheduler {address}: no Dask scheduler answers within {ANSWER} s ({error})"
            raise BadInput(f"{what}; start one with `dask scheduler`, and workers (tools/cluster.md)") from error
        self.executor = self.client.get_executor(pure=False)

    def submit(self, command: Sequence[str], log: str) -> Future[Ending]:
        finished, words = process.finished_on_dask, (command, os.path.abspath(log), os.getcwd(), self.path)
        return self.executor.submit(lambda: finished(*words))  # by value, as a named function would not be

    def waiting(self) -> str:
        """What a person should know where nothing runs; empty otherwise."""
        return "" if self.client.scheduler_info()["workers"] else "the scheduler has no workers yet"

    def lost(self, error: Exception) -> bool:
        """Dask gives a job up whose workers were killed four times."""
        return isinstance(error, self.killed)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what still runs."""
        self.executor.shutdown(wait=False)
        self.client.close()


def _place(address: str) -> dict[str, str]:
    if not address.endswith(".json"):
        return {"address": address}
    what = "a scheduler file, or tcp://host:8786, is expected (`dask scheduler --scheduler-file PATH` writes one)"
    return {"scheduler_file": str(present(address, what, f"--scheduler {address}"))}
