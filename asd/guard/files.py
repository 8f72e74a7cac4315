"""The guard on files: while a policy holds, what lies below the protected folders opens only where it is allowed.

    with policy(protected=[raw], allowed=[raw / "fan" / "train"]):   fit: the training clips and nothing else
    with hearing(protected=[raw], allowed=[]) as files: files.allow_only(clip.path); ...  scoring: one clip at a time

While test clips are heard, nothing may be written outside the protected folders either: what one clip leaves in a
file the next could read. caches of compiled code, devices, pipes and nameless temporary files are no such
place. A file that was opened before is told by `state`.

A policy holds for all threads of the process, one at a time: make the next when the one before has ended. It rests
on Python's audit events; the hook is installed at the first policy, never removed, and does nothing without one. What
libsndfile and torch open in C raises no event, so their openers are made to announce it. No process may be started,
since nobody could see what it opens.

Out of reach: data already in memory and files already open; an existing hard link elsewhere; `dir_fd` of os.open;
sizes and times of files (os.stat), names of folders; C code that opens files itself without a word (ctypes, cffi,
safetensors, HDF5 and Arrow readers, gdbm, torch._C); openers kept under another name before the first policy, or in a
library imported during one (torch); processes started earlier, and the network. The guard is there for mistakes: code
that means to get around it can.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import soundfile  # noqa: F401  so that the first policy covers its opener

from asd.errors import BadInput

FILES = frozenset({"open", "os.listdir", "os.scandir", "os.link", "os.rename", "sqlite3.connect"})  # of a path first
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PROCESSES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
    | {"os.startfile", "_winapi.CreateProcess", "_posixsubprocess.fork_exec"}
)
CACHES = frozenset({"__pycache__", "numba"})  # folders where Python and numba keep compiled code, by name
SOUND_WRITING = 0x20  # in libsndfile's mode: SFM_WRITE or SFM_RDWR
SHOWN = 5  # paths or violations in an error


class ForbiddenFile(BadInput):
    """A file, folder or process that the policy of the moment does not allow."""


class FilePolicy:
    """A context: below `protected` only what equals or lies below `allowed` may be opened or listed.

    Symbolic links count by their own place and by what they lead to; links inside the protected folders protect
    what they lead to as well. `violations` of the last time remain; the exit raises ForbiddenFile if there were any,
    so that code which swallows the error is caught too.
    """

    def __init__(self, protected: Sequence[Path], allowed: Sequence[Path]) -> None:
        self._own = _names(protected)
        self._protected = self._own | {t for t in _link_targets(protected) if not self._holds_all(t)}
        self.violations: list[str] = []
        self.allow_only(*allowed)

    def allow_only(self, *paths: Path) -> None:
        """From now on these, and no longer the ones before."""
        self._allowed = _names(paths)  # before the walk, which the policy itself may be watching
        targets = (t for t in _link_targets(paths) if not self._holds_all(t))
        self._allowed |= {t for t in targets if not _below(os.path.dirname(t), self._protected)}

    def __enter__(self) -> FilePolicy:
        self.violations = []
        _cover()
        _exchange(None, self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        _exchange(self, None)
        unheard = error is None or (isinstance(error, Exception) and not isinstance(error, ForbiddenFile))
        if self.violations and unheard:
            raise ForbiddenFile("\n".join(["refused, and the code went on all the same:", *_first(self.violations)]))

    def judge(self, event: str, subject: object, flags: int) -> None:
        """Raises ForbiddenFile, and remembers it, where the event is not allowed; flags are those of os.open."""
        if event in PROCESSES:
            self._refuse(
                f"{event} {subject!r}: no process may be started while files are guarded, nobody could see what it "
                "opens (a DataLoader with workers, a process pool, librosa.load's first search for decoders?)"
            )
        path = _path(subject)
        if path is not None and any(self._forbids(name) for name in _names([path])):
            self._refuse(
                f"{path}: {event} refused; below {_listed(self._own)} only {_listed(self._allowed)} may be opened "
                "(does a fit look at test clips, or the scoring of one clip at another?)"
            )
        if path is not None and flags & WRITING:
            self.judge_writing(path)

    def judge_writing(self, path: str) -> None:
        """A fit may write where it likes: it has heard no test clip."""

    def _forbids(self, name: str) -> bool:
        return _below(name, self._protected) and not _below(name, self._allowed)

    def _holds_all(self, target: str) -> bool:
        """Whether a link leads to a protected folder itself or above it: such a link says nothing of its target."""
        return any(_below(own, frozenset({target})) for own in self._own)

    def _refuse(self, message: str) -> None:
        self.violations.append(message)
        raise ForbiddenFile(message)


class HearingPolicy(FilePolicy):
    """The same while test clips are heard: besides, no file outside the protected folders opens for writing."""

    def judge_writing(self, path: str) -> None:
        is_cache = not CACHES.isdisjoint(path.split(os.sep)[:-1])
        is_kept = os.path.isfile(path) or not os.path.exists(path)  # else a device, a pipe, or a nameless file's folder
        if is_kept and not is_cache and not any(_below(name, self._protected) for name in _names([path])):
            self._refuse(
                f"{path}: writing refused while test clips are heard: what one clip leaves in a file, the scoring of "
                "the next could read (write it in fit, or keep it within one call)"
            )


def policy(protected: Sequence[Path], allowed: Sequence[Path]) -> FilePolicy:
    """`protected` are folders that exist or not, `allowed` files or folders, most often below them."""
    return FilePolicy(protected, allowed)


def hearing(protected: Sequence[Path], allowed: Sequence[Path]) -> FilePolicy:
    """A policy for code that hears test clips."""
    return HearingPolicy(protected, allowed)


_current: FilePolicy | None = None
_lock = threading.Lock()


def _exchange(old: FilePolicy | None, new: FilePolicy | None) -> None:
    global _current
    with _lock:
        if _current is not old:
            raise BadInput("a file policy holds already; one at a time (use its allow_only, or leave it first)")
        _current = new


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    holding = _current  # another thread may leave its policy meanwhile
    if holding is not None and (event in FILES or event in PROCESSES):
        holding.judge(event, arguments[0] if arguments else None, _flags(event, arguments))


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _flags(event: str, arguments: tuple[object, ...]) -> int:
    """With which a file is opened, as os.open has them; a data base may be written to."""
    if event == "open" and isinstance(arguments[-1], int):
        return arguments[-1]
    return os.O_RDWR if event == "sqlite3.connect" else 0


def _path(subject: object) -> str | None:
    """The path an event is about; None for a pipe, a socket, a data base in memory, or an object that is no path."""
    if subject == ":memory:":
        return None
    if subject is None:
        return os.getcwd()  # os.listdir()
    if isinstance(subject, int):
        return _path_of_descriptor(subject)
    return os.fsdecode(subject) if isinstance(subject, (str, bytes, os.PathLike)) else None


def _path_of_descriptor(descriptor: int) -> str | None:
    try:
        found = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None
    return found if found.startswith(os.sep) else None


def _names(paths: Iterable[str | Path]) -> frozenset[str]:
    """Where each path stands and where its symbolic links lead."""
    return frozenset(name for path in paths for name in (os.path.abspath(path), os.path.realpath(path)))


def _link_targets(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for place, inner, files in os.walk(folder) if os.path.isdir(folder) else ():
            paths = (os.path.join(place, name) for name in (*inner, *files))
            yield from (os.path.realpath(path) for path in paths if os.path.islink(path))


def _below(path: str, folders: frozenset[str]) -> bool:
    """Whether `path` is one of the folders or lies below one."""
    while path not in folders:
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
    return True


def _first(lines: Sequence[str]) -> list[str]:
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(_first(sorted(names))) or "nothing"


class Opener(NamedTuple):
    """A function that opens a file or starts a process without an audit event, and the event it then raises."""

    module: str
    name: str  # dotted, inside the module
    position: int  # of the path among its arguments
    keyword: str
    event: str = "open"
    mode: int | None = None  # position of libsndfile's mode among its arguments
    flags: int = os.O_RDONLY


OPENERS = (
    Opener("soundfile", "SoundFile._open", 1, "file", mode=2),
    Opener("torch", "from_file", 0, "filename"),
    Opener("torch", "UntypedStorage.from_file", 0, "filename"),
    Opener("torch", "save", 1, "f", flags=os.O_WRONLY),
    Opener("torch.jit", "load", 0, "f"),
    Opener("_posixsubprocess", "fork_exec", 0, "args", "_posixsubprocess.fork_exec"),  # multiprocessing's "spawn"
)


def _cover() -> None:
    """Install the hook, and make the openers of the libraries loaded by now announce what they open."""
    _install()
    for opener in OPENERS:
        if opener.module in sys.modules:
            _cover_one(opener)


@functools.cache
def _cover_one(opener: Opener) -> None:
    *owners, name = opener.name.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(opener.module))
    announced = _announced(getattr(owner, name), opener)
    is_static = bool(owners) and opener.position == 0
    setattr(owner, name, staticmethod(announced) if is_static else announced)


def _announced(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    def announced(*arguments: Any, **options: Any) -> Any:
        given = len(arguments) > opener.position
        subject = arguments[opener.position] if given else options.get(opener.keyword)
        writes = opener.mode is not None and arguments[opener.mode] & SOUND_WRITING
        sys.audit(opener.event, subject, None, os.O_WRONLY if writes else opener.flags)
        return function(*arguments, **options)

    return announced
