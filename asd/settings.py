"""Settings: a recipe (nested frozen dataclasses) and departing numbers in, the resolved recipe out.

A dataclass's fields are the only list of known keys and the only home of a default. Departures come from
`yaml/<system>.yaml` and from `--set part.field=value`; a value is coerced by its field's type, and every error is
reported at once with the nearest known key. A field that holds a part takes any part of its role: any dataclass whose
methods are those of the protocol that the field is annotated with.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
import re
import reprlib
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from types import FunctionType
from typing import Any, TypeVar

from asd.errors import BadInput, did_you_mean

T = TypeVar("T")
PROGRAMS = "asd.programs"  # hold no parts
LEADING_ZERO = re.compile(r"\s*[-+]?0\d")  # 010 is ten to some and eight to others
UNFIT = object()  # stands for a value that was refused; the problem is on the list


def resolve(recipe: T, departures: Mapping[str, Any], where: str) -> T:
    """`recipe` with the departing numbers put in. Raises BadInput listing every unknown key and unfit value."""
    problems: list[str] = []
    resolved = _replaced(recipe, departures, "", problems)
    if problems:
        raise BadInput("\n".join(f"{where}: {problem}" for problem in problems))
    return resolved


def assignment(text: str) -> dict[str, Any]:
    """`detector.training.epochs=3` -> {'detector': {'training': {'epochs': '3'}}}"""
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise BadInput(f"--set {text}: expected part.field=value, for example detector.training.epochs=3")
    nested: Any = value.strip()
    for name in reversed(path.strip().split(".")):
        nested = {name: nested}
    return nested


def leaves(recipe: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of every number of a recipe."""
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _replaced(part: Any, departures: Mapping[str, Any], prefix: str, problems: list[str]) -> Any:
    roles = typing.get_type_hints(type(part))
    known = [f.name for f in dataclasses.fields(part)]
    changes = {}
    for key, value in departures.items():
        if key not in known:
            problems.append(_unknown(str(key), prefix, known, list(leaves(part, prefix))))
        elif dataclasses.is_dataclass(getattr(part, key)):
            changes[key] = _part(getattr(part, key), roles[key], value, f"{prefix}{key}", problems)
        else:
            changes[key] = _number(value, roles[key], f"{prefix}{key}", problems)
    fit = {key: value for key, value in changes.items() if value is not UNFIT}
    try:
        return dataclasses.replace(part, **fit)
    except ValueError as error:  # a part's own check of its numbers
        problems.append(f"{prefix.rstrip('.') or type(part).__name__}: {error}")
        return part


def _unknown(key: str, prefix: str, known: list[str], everything: list[str]) -> str:
    """An unknown key, with the full names that end in it, or the nearest known one."""
    deeper = [name for name in everything if name.endswith(f".{key}")]
    hint = f", did you mean {' or '.join(repr(name) for name in deeper)}?" if deeper else ""
    hint = hint or did_you_mean(prefix + key, [*(prefix + k for k in known), *everything], cutoff=0.5)
    return f"unknown key '{prefix}{key}'{hint} (known: {', '.join(prefix + k for k in known)})"


def _part(old: Any, role: Any, value: Any, name: str, problems: list[str]) -> Any:
    """A part given by name (`refsub`), by `{part: RefSub, field: ...}`, or by departures from the one that is there."""
    if isinstance(value, Mapping):
        rest = {k: v for k, v in value.items() if k != "part"}
        chosen = _named(old, role, str(value["part"])[:80], name, problems) if "part" in value else old
        return _replaced(chosen, rest, f"{name}.", problems)
    return _named(old, role, value if isinstance(value, str) else reprlib.repr(value), name, problems)


def _named(old: Any, role: Any, wanted: str, name: str, problems: list[str]) -> Any:
    """The part of that class name (any case) that fits the field's role, at its defaults."""
    if wanted.lower() == type(old).__name__.lower():
        return old
    choices = {part.__name__: part for part in parts_for(role)}
    for known, part in choices.items():
        if wanted.lower() == known.lower():
            return part()
    hint = did_you_mean(wanted, choices, cutoff=0.5)
    broken = "".join(f"; {module} does not import ({why})" for module, why in broken_systems.items())
    problems.append(f"{name}: no part '{wanted}' fits here{hint} (fitting: {', '.join(sorted(choices))}){broken}")
    return old


# ---- parts by role ---------------------------------------------------------------------------------------------------


def alternatives(recipe: Any, prefix: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """(dotted name of a field, class of its part, names of all parts that fit) of each field that holds a part."""
    roles = typing.get_type_hints(type(recipe))
    for field in dataclasses.fields(recipe):
        part = getattr(recipe, field.name)
        if dataclasses.is_dataclass(part):
            fitting = sorted(other.__name__ for other in parts_for(roles[field.name]))
            yield prefix + field.name, type(part).__name__, fitting
            yield from alternatives(part, f"{prefix}{field.name}.")


def parts_for(role: Any) -> list[type]:
    return [part for part in all_parts() if fits(part, role)]


@cache
def all_parts() -> list[type]:
    """Every dataclass of the kit and of the systems' files that can be made without arguments.

    A system's file that does not import, a draft perhaps, is told when a part is not found: `broken_systems`.
    """
    found: dict[str, type] = {}
    for package in ("asd", "systems"):
        for module in _modules(package):
            for part in filter(_is_part, _things_in(module)):
                found[f"{part.__module__}.{part.__name__}"] = part
    return list(found.values())


def _modules(package: str) -> Iterator[str]:
    """Below a package; programs are not even imported, theirs are the slowest imports."""
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if not info.name.startswith((PROGRAMS, f"{package}.__main__")):
            yield info.name
            yield from _modules(info.name) if info.ispkg else ()


broken_systems: dict[str, str] = {}  # module -> why it does not import


def _things_in(module: str) -> list[Any]:
    try:
        return list(vars(importlib.import_module(module)).values())
    except Exception as error:  # whatever a draft raises
        if not module.startswith("systems."):
            raise
        broken_systems[module] = f"{type(error).__name__}: {error}"
        return []


def _is_part(thing: object) -> bool:
    if not (isinstance(thing, type) and dataclasses.is_dataclass(thing)):
        return False
    if inspect.isabstract(thing) or thing.__name__.startswith("_"):
        return False
    needed = (f for f in dataclasses.fields(thing) if f.default is f.default_factory is dataclasses.MISSING)
    return not any(needed)


def fits(part: type, role: Any) -> bool:
    """Whether a class may stand in a field of that annotation: a subclass, or all methods of the protocol."""
    if isinstance(role, types.UnionType) or typing.get_origin(role) is typing.Union:
        return any(fits(part, one) for one in typing.get_args(role))
    if not getattr(role, "_is_protocol", False):
        return isinstance(role, type) and issubclass(part, role)
    protocols = [base for base in role.__mro__ if getattr(base, "_is_protocol", False)]
    members = {name: member for base in protocols for name, member in vars(base).items() if _is_member(name, member)}
    return all(_offers(part, name, member) for name, member in members.items())


def _is_member(name: str, member: object) -> bool:
    return (not name.startswith("_") or name == "__call__") and isinstance(member, (property, FunctionType))


def _offers(part: type, name: str, wanted: object) -> bool:
    """A field or property of that name, or a method with the same parameter names; further ones have defaults."""
    if isinstance(wanted, property):
        return hasattr(part, name) or any(f.name == name for f in dataclasses.fields(part))
    own = getattr(part, name, None)
    if not isinstance(own, FunctionType):
        return False
    expected = list(inspect.signature(wanted).parameters)  # type: ignore[arg-type]
    there = list(inspect.signature(own).parameters.values())
    further = there[len(expected) :]
    names_alike = [p.name for p in there[: len(expected)]][1:] == expected[1:]
    return names_alike and all(p.default is not p.empty for p in further)


def _number(value: Any, kind: Any, name: str, problems: list[str]) -> Any:
    try:
        return coerced(value, kind)
    except (TypeError, ValueError, OverflowError):
        readable = getattr(kind, "__name__", str(kind))
        problems.append(f"{name}: {reprlib.repr(value)} is not {'an' if readable[0] in 'aeiou' else 'a'} {readable}")
        return UNFIT


def coerced(value: Any, kind: Any) -> Any:
    """`value` (from yaml or the command line) as the field's type.

    >>> coerced("1e-3", float), coerced("3,1", tuple[int, ...])
    (0.001, (3, 1))
    """
    options = typing.get_args(kind)
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return _as_one_of(value, options)
    if typing.get_origin(kind) in (tuple, list):
        items = [item for item in (value.split(",") if isinstance(value, str) else value) if item != ""]
        kinds = options if len(options) == len(items) and ... not in options else options[:1] * len(items)
        return typing.get_origin(kind)(coerced(item, one) for item, one in zip(items, kinds, strict=True))
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise ValueError(value)
        return str(value).lower() == "true"
    if isinstance(value, bool):
        raise ValueError(value)
    if kind in (int, float) and isinstance(value, str) and LEADING_ZERO.match(value):
        raise ValueError(value)
    return _whole(value) if kind is int else _finite(value) if kind is float else kind(value)


def _as_one_of(value: Any, options: tuple[Any, ...]) -> Any:
    """The first of the types that takes the value; None as `null` or `None`."""
    if value is None or (str(value).lower() in ("none", "null") and type(None) in options):
        return None
    for option in options:
        with suppress(TypeError, ValueError, OverflowError):
            return coerced(value, option)
    raise ValueError(value)


def _finite(value: Any) -> float:
    if not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


def _whole(value: Any) -> int:
    """7, "7", 7.0 and "1e3"; not 1.5."""
    try:
        return int(value) if not isinstance(value, float) else int(str(value))
    except ValueError:
        if float(value) != int(float(value)):
            raise
        return int(float(value))
