"""The store: named arrays under the hash of everything they depend on, each file written whole.

    Store(root).load / .save / .once     Arrays <-> <root>/<kind>/<key>.npz (plain NumPy arrays, never pickle)
    Store(root).folder                   <root>/<kind>/<key>/ for files that name what they depend on besides the record
    key_of(record) -> str                the record's hash: a record names all that the arrays depend on
    Store(root).differences(...)         what the nearest stored record has otherwise, so that an error can tell it

A file that is there is complete: it is written under a temporary name in the same folder, fsynced and renamed. It
carries its record and a seal; one that is damaged is told, deleted and made again where that is allowed. Reading and
writing take no lock: two jobs that make the same file write the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from asd.contracts import Arrays, Record
from asd.errors import BadInput
from asd.fingerprint import canonical, digest
from asd.locks import locked
from asd.sealed import PIECE, damage, seal

T = TypeVar("T")
logger = logging.getLogger(__name__)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a write may meet
RECORD = "record.json"  # name of the record among a file's arrays


@cache
def file_digest(path: Path, size: int, changed_ns: int) -> str:
    """`digest` of a file's bytes, read in pieces; size and time stamp only keep the memo honest within one process."""
    with path.open("rb") as file:
        h = hashlib.sha256(os.fstat(file.fileno()).st_size.to_bytes(8, "little"))
        while piece := file.read(PIECE):
            h.update(piece)
    return h.hexdigest()[:32]


def content(path: Path) -> str:
    """Content hash of the file at `path`: a replaced clip gets another name in the store."""
    stat = path.stat()
    return file_digest(path, stat.st_size, stat.st_mtime_ns)


def key_of(record: Record) -> str:
    """32 hex digits, the name of what is stored under this record."""
    return digest(canonical(record))


def flattened(record: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested mappings as dotted names.

    >>> flattened({"seed": 3, "detector": {"training": {"epochs": 20}}})
    {'seed': 3, 'detector.training.epochs': 20}
    """
    flat: dict[str, object] = {}
    for name, value in record.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears at `path` complete, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent, os.getpid())
    mark = f"{_where_processes_are_numbered()}.{os.getpid()}."
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.{mark}")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)  # a write tells none
        raise


@cache
def _sweep(folder: Path, process: int) -> None:
    """Remove what killed processes of this host have left half written there; once a folder and process."""
    half_written = re.compile(rf"\..+\.{re.escape(_where_processes_are_numbered())}\.(\d+)\.[^.]+")
    for entry in os.scandir(folder):
        left = half_written.fullmatch(entry.name)
        if left and not _is_running(int(left[1])):
            Path(entry.path).unlink(missing_ok=True)


@cache
def _where_processes_are_numbered() -> str:
    """Host, and on Linux its container: a process number says nothing elsewhere."""
    try:
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        space = ""
    return f"{socket.gethostname()}-{space}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_array(path: Path, array: np.ndarray) -> None:
    """A sealed .npy file, whole."""
    with written_whole(path) as file:
        np.save(file, array, allow_pickle=False)
        seal(file)


def write_arrays(path: Path, arrays: Arrays) -> None:
    """A sealed .npz file, whole."""
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        seal(file)


def read_arrays(path: Path) -> Arrays:
    """Raises BadInput for a file that is not sealed, or not as it was written."""
    try:
        wrong = damage(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    if wrong:
        raise BadInput(f"{path}: {wrong}; copy or make it again")
    return _read(path, dict)


def is_kept(path: Path) -> bool:
    """Whether a sealed file is there; a damaged one is told and deleted, so that it is made again."""
    if not path.exists():
        return False
    if wrong := damage(path):
        logger.warning("%s: %s; deleted, to be made again", path, wrong)
        path.unlink(missing_ok=True)
    return not wrong


def opened_array(path: Path) -> np.ndarray:
    """The array in a .npy file, read only; what is used of it is read then."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


@dataclass(frozen=True)
class OnDemand(Sequence[T]):
    """Things by number, each read when it is asked for: many clips as one sequence without holding them."""

    length: int
    read: Callable[[int], T]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: Any) -> Any:
        return self.read(range(self.length)[i])


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden neighbour to fill, renamed to `folder` on success and removed on failure."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        os.rename(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@lru_cache
def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """UTF-8, LF, whole."""
    with written_whole(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, record: object) -> None:
    write_text(path, json.dumps(record, indent=1, sort_keys=True) + "\n")


@dataclass(frozen=True)
class Store:
    """Arrays by kind (features, weights, scorers, ...) and by the record of what they depend on."""

    root: Path

    def path(self, kind: str, record: Record) -> Path:
        return self.root / kind / f"{key_of(record)}.npz"

    def has(self, kind: str, record: Record) -> bool:
        return is_kept(self.path(kind, record))

    def load(self, kind: str, record: Record) -> Arrays | None:
        path = self.path(kind, record)
        if not is_kept(path):
            return None
        arrays: Arrays = _read(path, dict)
        arrays.pop(RECORD, None)
        return arrays

    def save(self, kind: str, record: Record, arrays: Arrays) -> None:
        told = np.frombuffer(canonical(record).encode(), np.uint8)
        write_arrays(self.path(kind, record), {**arrays, RECORD: told})

    def once(self, kind: str, record: Record, compute: Callable[[], Arrays]) -> Arrays:
        """The arrays in the store, computed and saved first where they are missing."""
        found = self.load(kind, record)
        if found is None:
            found = compute()
            self.save(kind, record, found)
        return found

    @contextmanager
    def scratch(self, kind: str, record: Record) -> Iterator[Path]:
        """A folder for work under way, the same for the same record; removed once the work has succeeded.

        One process at a time has it: one that had to wait looks first whether the work is done.
        """
        folder = self.root / "scratch" / kind / key_of(record)
        lock = folder.with_suffix(".lock")
        with locked(lock):
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)

    def folder(self, kind: str, record: Record) -> Path:
        """A folder that stays, for files named by what they depend on besides the record, which lies beside them."""
        folder = self.root / kind / key_of(record)
        if not (folder / RECORD).exists():
            write_json(folder / RECORD, record)
        return folder

    def differences(self, kind: str, record: Record) -> dict[str, tuple[object, object]] | None:
        """Name -> (stored, wanted) of the stored record that differs in the fewest places; None where there is none.

        A value that one side lacks is None.
        """
        wanted = flattened(record)
        nearest: dict[str, tuple[object, object]] | None = None
        for path in sorted((self.root / kind).glob("*.npz")):
            if damage(path):
                continue
            stored = flattened(_record_in(path))
            names = dict.fromkeys([*stored, *wanted])
            other = {n: (stored.get(n), wanted.get(n)) for n in names if stored.get(n) != wanted.get(n)}
            nearest = other if nearest is None or len(other) < len(nearest) else nearest
        return nearest


def _record_in(path: Path) -> Mapping:
    return json.loads(_read(path, lambda file: file[RECORD].tobytes() if RECORD in file else b"{}"))


def _read(path: Path, take: Callable[[Any], T]) -> T:
    """What `take` makes of an opened file of arrays."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return take(file)
    except Exception as error:  # whatever zip or NumPy makes of a damaged file
        raise BadInput(
            f"{path}: not readable ({error}); the disk or a copy damaged it: delete it, run again"
        ) from error
