"""The store: named arrays under the hash of everything they depend on, each file written whole.

    fingerprint(part) -> str     the part's numbers, its nested parts' numbers, and the code that gives them meaning
    Store(root).load / .save     Arrays <-> <root>/<kind>/<key>.npz (plain NumPy arrays, never pickle)

A file that is there is complete: it is written under a temporary name in the same folder, fsynced and renamed.
No locks: two jobs that make the same file write the same bytes.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from asd.contracts import Arrays
from asd.errors import BadInput

OURS = ("asd", "systems")
PIECE = 1 << 20  # bytes of a file held at once: a checkpoint has gigabytes
NEUTRAL = ("asd.clips", "asd.contracts", "asd.errors", "asd.store")  # corridors whose code gives no number its value


def digest(*pieces: str | bytes) -> str:
    """Hash of the pieces and their boundaries, 32 hex digits."""
    h = hashlib.sha256()
    for piece in pieces:
        raw = piece.encode() if isinstance(piece, str) else piece
        h.update(len(raw).to_bytes(8, "little") + raw)
    return h.hexdigest()[:32]


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


def numbers(part: object) -> object:
    """A part as plain JSON: nested dataclasses become {"part": class name, field: ...}."""
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = {f.name: numbers(getattr(part, f.name)) for f in dataclasses.fields(part)}
        return {"part": type(part).__name__, **fields}
    if isinstance(part, (tuple, list)):
        return [numbers(p) for p in part]
    return part


def _modules(part: object) -> set[str]:
    if not dataclasses.is_dataclass(part):
        return set().union(*map(_modules, part)) if isinstance(part, (tuple, list)) else set()
    nested = (_modules(getattr(part, f.name)) for f in dataclasses.fields(part))
    return {type(part).__module__}.union(*nested)


@cache
def _syntax(module: str) -> ast.Module:
    """The module's syntax tree without its docstrings: comments and prose do not change what code does."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise BadInput(f"module {module}: no source file found, so its results could not be named")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return tree


def _imports(tree: ast.Module) -> Iterator[str]:
    """Modules of this kit that a module imports, by their full names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in OURS)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            submodules = [name for name in inside if Path(_folder(), *name.split(".")).with_suffix(".py").exists()]
            yield from submodules or [node.module]


def _folder() -> Path:
    return Path(__file__).resolve().parent.parent


@cache
def code(module: str) -> str:
    """Hash of the code a module's numbers depend on: its own and, in turn, that of the modules it imports."""
    todo, seen = [module], set[str]()
    while todo:
        name = todo.pop()
        if name not in seen and name not in NEUTRAL:
            seen.add(name)
            todo += _imports(_syntax(name))
    return digest(*(ast.dump(_syntax(name)) for name in sorted(seen)))


def fingerprint(*parts: object, modules: tuple[str, ...] = ()) -> str:
    """Hash of the parts' numbers and of the code of their modules and of `modules`."""
    names = sorted(set(modules).union(*map(_modules, parts)))
    return digest(json.dumps([numbers(p) for p in parts], sort_keys=True), *map(code, names))


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears at `path` complete, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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


@dataclasses.dataclass(frozen=True)
class Store:
    """Arrays by kind (features, weights, scorer, ...) and key (32 hex digits)."""

    root: Path

    def path(self, kind: str, key: str, suffix: str = ".npz") -> Path:
        return self.root / kind / (key + suffix)

    def load(self, kind: str, key: str) -> Arrays | None:
        path = self.path(kind, key)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                return dict(file.items())
        except Exception as error:  # whatever zip or NumPy makes of a damaged file
            raise BadInput(
                f"{path}: not readable ({error}); the disk or a copy damaged it: delete it, run again"
            ) from error

    def save(self, kind: str, key: str, arrays: Arrays) -> None:
        with written_whole(self.path(kind, key)) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def once(self, kind: str, key: str, compute: Callable[[], Arrays]) -> Arrays:
        """The arrays in the store, computed and saved first where they are missing."""
        found = self.load(kind, key)
        if found is None:
            found = compute()
            self.save(kind, key, found)
        return found
