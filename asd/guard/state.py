"""The guard on state: a hash of all a fitted object holds, equal before and after scoring when scoring keeps nothing.

    state_digest(fitted) -> 32 hex digits        in_training_state(fitted) -> ["scorers[0].network", ...]

Reached are fields, slots and attributes, data kept on the class, containers, arrays, tensors and their modules'
flags, random generators, and what functions hold (closures, defaults, attributes). A functools.cached_property is a
memo of the rest and left out. An open file counts by its position, size and time of change. Not reached: module
globals, running generators, C objects that cannot be reduced.
"""

from __future__ import annotations

import functools
import io
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from asd.fingerprint import digest

Child = tuple[str, Any]  # how a child is reached from its parent (".field", "[0]"), and the child
ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray, np.generic)
NAMED = (type, ModuleType, CodeType)  # known by name: they hold no state of the object
DATA = (*ATOMS, list, tuple, dict, set, frozenset, deque, np.ndarray)  # what a class may keep for its objects
OPEN_FILES = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)
LEFT_OUT = frozenset({"__dict__", "__weakref__"})


def state_digest(obj: object) -> str:
    """Equal for equal state; shared and copied parts count alike, the order of dicts and sets does not count."""
    return _Digests().of(obj)


def in_training_state(obj: object) -> list[str]:
    """Paths of the reachable torch modules whose `training` is True: dropout acts, batch norm learns from what it sees.

    A module inside one that is listed already is listed too.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    paths = [path for path, found in _walk(obj) if isinstance(found, torch.nn.Module) and found.training]
    return [re.sub(r"(^|\.)_modules\['([^']*)'\]", r"\1\2", path) or "." for path in paths]


class _Digests:
    """Digests by object, each computed once; holds the objects, so that no id is used twice."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}
        self._open: list[int] = []

    def of(self, obj: object) -> str:
        if (own := _own(obj)) is not None:
            return digest(_kind(obj), own)
        if id(obj) in self._known:
            return self._known[id(obj)][1]
        if id(obj) in self._open:
            return digest("cycle", str(self._open.index(id(obj))))
        self._open.append(id(obj))
        pieces = sorted(f"{label} {self.of(child)}" for label, child in _children(obj))
        self._open.pop()
        self._known[id(obj)] = (obj, digest(_kind(obj), *pieces))
        return self._known[id(obj)][1]


def _walk(obj: object) -> Iterator[tuple[str, object]]:
    """Everything reachable, once, with the path it was first reached by."""
    todo: list[Child] = [("", obj)]
    seen: dict[int, object] = {}
    while todo:
        path, found = todo.pop()
        if id(found) not in seen and _own(found) is None:
            seen[id(found)] = found
            yield path.removeprefix("."), found
            todo += [(path + label, child) for label, child in reversed(_children(found))]


def _kind(obj: object) -> str:
    return f"{type(obj).__module__}.{type(obj).__qualname__}"


def _own(obj: object) -> bytes | None:
    """The bytes of what has no parts; None for what has."""
    if isinstance(obj, np.generic):
        return f"{obj.dtype}".encode() + obj.tobytes()
    if isinstance(obj, (bytes, bytearray)):
        return bytes(obj)
    if isinstance(obj, ATOMS):
        return repr(obj).encode(errors="surrogatepass")
    if isinstance(obj, NAMED):
        return f"{getattr(obj, '__module__', '')}.{getattr(obj, '__qualname__', '')}".encode()
    if isinstance(obj, np.ndarray) and not obj.dtype.hasobject:
        return f"{obj.dtype} {obj.shape}".encode() + obj.tobytes()
    return _place_in(obj) if isinstance(obj, OPEN_FILES) else _tensor_bytes(obj)


def _place_in(file: Any) -> bytes:
    """Of an open file; the process's own output, a pipe and a closed file have none."""
    try:
        if file.fileno() <= 2:
            return b""
        place, status = file.tell(), os.fstat(file.fileno())
        return f"{place} {status.st_size} {status.st_mtime_ns}".encode()
    except (OSError, ValueError):
        return b""


def _tensor_bytes(obj: object) -> bytes | None:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(obj, (torch.Tensor, torch.Generator)):
        return None
    tensor = obj.get_state() if isinstance(obj, torch.Generator) else obj.detach()
    dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
    flat = dense.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return f"{tensor.dtype} {tuple(tensor.shape)}".encode() + flat.view(torch.uint8).numpy().tobytes()


def _children(obj: Any) -> list[Child]:
    attributes, shared = _attributes(obj), _class_data(type(obj))
    for kinds, parts in PARTS:
        if isinstance(obj, kinds):
            return [*parts(obj), *attributes, *shared]
    has_place = hasattr(obj, "__dict__") or any(_slots(type(obj)))
    if has_place and type(obj).__reduce__ is object.__reduce__:
        return [*attributes, *shared]
    return [*_reduced(obj), *attributes, *shared]


def _of_dict(found: dict[Any, Any]) -> list[Child]:
    return [(f"[{_key(key)}]", value) for key, value in found.items()]


def _of_set(found: set[Any]) -> list[Child]:
    return [("", member) for member in found]


def _of_sequence(found: Any) -> list[Child]:
    """List, tuple, deque, or array of objects."""
    members = found.tolist() if isinstance(found, np.ndarray) else found
    return [(f"[{i}]", member) for i, member in enumerate(members)]


def _key(key: object) -> str:
    return repr(key) if isinstance(key, (*ATOMS, tuple)) else _kind(key)


def _of_function(function: FunctionType) -> list[Child]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    by_place: list[Child] = [(str(i), value) for i, value in enumerate(function.__defaults__ or ())]
    return [
        (".__qualname__", function.__qualname__),
        *((f".<{name}>", _content(cell)) for name, cell in cells),
        *((f".<default {name}>", value) for name, value in [*by_place, *(function.__kwdefaults__ or {}).items()]),
    ]


def _of_method(method: MethodType) -> list[Child]:
    return [(".__self__", method.__self__), (".__func__", method.__func__)]


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that is not assigned yet
        return None


def _attributes(obj: object) -> list[Child]:
    """Fields, slots and __dict__."""
    memos = {n for cls in type(obj).__mro__ for n, v in vars(cls).items() if isinstance(v, functools.cached_property)}
    own = {name: value for name, value in getattr(obj, "__dict__", {}).items() if name not in memos}
    slots = {name: getattr(obj, name) for name in _slots(type(obj)) if hasattr(obj, name)}
    return [(f".{name}", value) for name, value in {**own, **slots}.items()]


def _slots(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        declared = vars(base).get("__slots__", ())
        for name in [declared] if isinstance(declared, str) else declared:
            private = name.startswith("__") and not name.endswith("__")
            if name not in LEFT_OUT:
                yield f"_{base.__name__.lstrip('_')}{name}" if private else name


def _class_data(cls: type) -> list[Child]:
    """Class attributes that are data: a list on the class is kept from one clip to the next as one on the object is."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        found |= {n: v for n, v in vars(base).items() if isinstance(v, DATA) and not n.startswith("__")}
    return [(f".<class>.{name}", value) for name, value in found.items()]


def _reduced(obj: Any) -> list[Child]:
    """The state of an object of C as its own copying sees it: generators of random numbers, partials, trees."""
    if hasattr(type(obj), "get_tree_stats"):  # scikit-learn's trees count their queries among their state
        return [(".get_arrays()", obj.get_arrays())]
    try:
        parts = obj.__reduce_ex__(4)
    except Exception:  # locks, open files, generators: nothing that can be copied
        return []
    return [
        (".<reduced>", parts if isinstance(parts, str) else [list(p) if isinstance(p, Iterator) else p for p in parts])
    ]


PARTS: tuple[tuple[Any, Callable[[Any], list[Child]]], ...] = (
    (dict, _of_dict),
    ((set, frozenset), _of_set),
    ((list, tuple, deque, np.ndarray), _of_sequence),
    (FunctionType, _of_function),
    (MethodType, _of_method),
)
