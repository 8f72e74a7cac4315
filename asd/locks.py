"""Locks: a file that one process holds at a time, or several that claim the same; the system frees them with a process.

They are `flock`s, which Linux keeps between hosts on NFS too; a file system without them is refused by name.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from asd.errors import BadInput

logger = logging.getLogger(__name__)
TRIES = 20  # of a claim, in turn with others that claim the same
PAUSE = 0.05  # seconds between them


class Claimed(Exception):
    """Another process, `holder` in words, holds a claim of other `content`."""

    def __init__(self, holder: str, content: str) -> None:
        super().__init__(holder)
        self.holder, self.content = holder, content


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The file at `path`, made if need be, is this process's alone; waits for another that has it, and says so."""
    with _opened(path) as file:
        if not _locks(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            logger.warning("%s: another run has it; waiting", path)
            _locks(file, fcntl.LOCK_EX)
        yield


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Whether the file at `path`, made if need be, is this process's alone while it lasts."""
    with _opened(path) as file:
        yield _locks(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def claimed(path: Path, content: str) -> Iterator[None]:
    """Hold the file at `path` with all who claim the same content. Raises Claimed where others hold another."""
    with _opened(path) as file:
        for _ in range(TRIES):
            _locks(file, fcntl.LOCK_SH)
            holder, found = _read(file)
            if found == content:
                break
            if _locks(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                _write(file, content)  # and read again: it is nobody's for a moment while the lock becomes a shared one
            else:
                _locks(file, fcntl.LOCK_UN)
                time.sleep(PAUSE)
        else:
            raise Claimed(holder, found)
        yield


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "a+", encoding="utf-8")


def _locks(file: IO[str], how: int) -> bool:
    """Raises BadInput where the file system has no locks."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError as error:
        raise BadInput(
            f"{file.name}: this file system has no locks ({error.strerror}), and two runs would mix here; give another "
            "folder with --results (NFS has them unless mounted with nolock)"
        ) from error
    return True


def _read(file: IO[str]) -> tuple[str, str]:
    file.seek(0)
    holder, _, content = file.read().partition("\n")
    return holder, content


def _write(file: IO[str], content: str) -> None:
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%H:%M')}\n{content}")
    file.flush()
