"""The guard on files: while a policy holds, what lies below the protected folders opens only where it is allowed.

    with policy(protected=[raw], allowed=[raw / "fan" / "train"]):   fit: the training clips and nothing else
    with hearing(protected=[raw], allowed=[]) as files: files.allow_only(clip.path); ...  scoring: one clip at a time

While test clips are heard, no file or folder is written, made, renamed, linked or deleted but below `writable` (the
store's features and scores; in the proof nothing): what one clip leaves there the next could read. Caches of compiled
code, devices, pipes and nameless temporary files are no such place. A file that was opened before is told by `state`.

A policy holds for all threads of the process, one at a time: make the next when the one before has ended. It rests
on Python's audit events; the hook is installed at the first policy, never removed, and does nothing without one. What
libsndfile and torch open in C raises no event, so their openers are made to announce it. No process may be started,
since nobody could see what it opens.

Out of reach: data already in memory and files already open; an existing hard link elsewhere; `dir_fd` of os.open;
sizes and times of files (os.stat), pipes with names (os.mkfifo); C code that opens files itself without a word (ctypes,
cffi, safetensors, HDF5 and Arrow readers, gdbm, torch._C); openers kept under another name before the first policy, or
in a library imported during one (torch); processes started earlier, and the network. The guard is there for mistakes:
code that means to get around it can.
"""

from __future__ import annotations

import functools
import importlib
import os
import site
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import soundfile  # noqa: F401  so that the first policy covers its opener

from asd.errors import BadInput

LOOKS = ("open", "os.listdir", "os.scandir", "sqlite3.connect")
Places = tuple[tuple[int, int | None], ...]
# Of an event that changes files: where its paths stand among its arguments, each with the descriptor of the folder that
# it may be relative to. What a symbolic link holds is text, no path that is opened.
CHANGES: dict[str, Places] = {
    "os.link": ((0, 2), (1, 3)),
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
}
FILES: dict[str, Places] = {**dict.fromkeys(LOOKS, ((0, None),)), **CHANGES}
FOLDERS: dict[str, Places] = {"os.mkdir": ((0, 2),), "os.rmdir": ((0, 1),)}  # their names can hold what a file can
PLACES = {**FILES, **FOLDERS}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PROCESSES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
    | {"os.startfile", "_winapi.CreateProcess", "_posixsubprocess.fork_exec"}
)
KIT = Path(__file__).resolve().parents[2]
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
        self._allowed |= self._linked(paths)

    def _linked(self, paths: Sequence[Path]) -> frozenset[str]:
        """What symbolic links below the paths lead to, outside the protected folders."""
        targets = (t for t in _link_targets(paths) if not self._holds_all(t))
        return frozenset(t for t in targets if not _below(os.path.dirname(t), self._protected))

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

    def judge_process(self, event: str, subject: object) -> None:
        """Raises ForbiddenFile, and remembers it."""
        self._refuse(
            f"{event} {subject!r}: no process may be started while files are guarded, nobody could see what it "
            "opens (a DataLoader with workers, a process pool, librosa.load's first search for decoders?)"
        )

    def judge(self, event: str, path: str, writes: bool) -> None:
        """Raises ForbiddenFile, and remembers it, where the event is not allowed on this path."""
        if any(self._forbids(name) for name in _names([path])):
            self._refuse(
                f"{path}: {event} refused; below {_listed(self._own)} only {_listed(self._allowed)} may be opened "
                "(does a fit look at test clips, or the scoring of one clip at another?)"
            )
        if writes:
            self.judge_writing(event, path)

    def judge_writing(self, event: str, path: str) -> None:
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
    """The same while test clips are heard: besides, no file changes but below `writable`, which may be read as well."""

    def __init__(self, protected: Sequence[Path], allowed: Sequence[Path], writable: Sequence[Path]) -> None:
        super().__init__(protected, allowed)
        self._writable = _names(writable) | self._linked(writable)

    def judge_writing(self, event: str, path: str) -> None:
        is_open_place = event == "open" and os.path.exists(path) and not os.path.isfile(path)
        is_there = event == "os.mkdir" and os.path.isdir(path)
        if not is_open_place and not is_there and not all(self._may_change(name) for name in _names([path])):
            self._refuse(
                f"{path}: {event}, writing refused while test clips are heard: what one clip leaves in a file or its "
                "name, the scoring of the next could read (write it in fit, or keep it within one call)"
            )

    def _may_change(self, name: str) -> bool:
        return _below(name, self._writable) or (_is_compiled(name) and not _below(name, self._protected))

    def _forbids(self, name: str) -> bool:
        return not _below(name, self._writable) and super()._forbids(name)


def policy(protected: Sequence[Path], allowed: Sequence[Path]) -> FilePolicy:
    """`protected` are folders that exist or not, `allowed` files or folders, most often below them."""
    return FilePolicy(protected, allowed)


def hearing(protected: Sequence[Path], allowed: Sequence[Path], writable: Sequence[Path] = ()) -> FilePolicy:
    """A policy for code that hears test clips; below `writable` it may read and write."""
    return HearingPolicy(protected, allowed, writable)


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
    if holding is not None and event in PROCESSES:
        holding.judge_process(event, arguments[0] if arguments else None)
    if holding is not None and event in FILES:
        for path in _paths(event, arguments):
            holding.judge(event, path, _writes(event, arguments))
    if holding is not None and event in FOLDERS:
        for path in _paths(event, arguments):
            holding.judge_writing(event, path)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _writes(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether a file is changed, made, or opened so that it can be; a data base may be written to."""
    if event == "open":
        return isinstance(arguments[-1], int) and bool(arguments[-1] & WRITING)
    return event in CHANGES or event == "sqlite3.connect"


def _paths(event: str, arguments: tuple[object, ...]) -> Iterator[str]:
    for position, folder in PLACES[event]:
        path = _path(arguments[position] if len(arguments) > position else None)
        base = arguments[folder] if folder is not None and len(arguments) > folder else None
        if path is not None:
            inside = _path_of_descriptor(base) if isinstance(base, int) and base >= 0 else None
            yield os.path.join(inside or "", path)


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
    return found if found.startswith(os.sep) and not found.endswith(" (deleted)") else None


def _names(paths: Iterable[str | Path]) -> frozenset[str]:
    """Where each path stands and where its symbolic links lead."""
    return frozenset(name for path in paths for name in (os.path.abspath(path), os.path.realpath(path)))


def _link_targets(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for place, inner, files in os.walk(folder) if os.path.isdir(folder) else ():
            paths = (os.path.join(place, name) for name in (*inner, *files))
            yield from (os.path.realpath(path) for path in paths if os.path.islink(path))


def _is_compiled(name: str) -> bool:
    """Whether Python or numba keep compiled code there: beside installed code, beside the kit's, or in their own."""
    beside = _names(filter(None, [sys.prefix, sys.base_prefix, site.USER_SITE, KIT]))
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    own = _names(filter(None, [sys.pycache_prefix, os.environ.get("NUMBA_CACHE_DIR"), os.path.join(caches, "numba")]))
    return _below(name, own) or ("__pycache__" in name.split(os.sep) and _below(name, beside))


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
