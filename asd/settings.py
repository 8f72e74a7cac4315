"""Settings: a recipe (nested frozen dataclasses) and departing numbers in, the resolved recipe out.

A dataclass's fields are the only list of known keys and the only home of a default. Departures come from
`yaml/<system>.yaml` and from `--set part.field=value`; a value is coerced by its field's type, and every error is
reported at once with the nearest known key.
"""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from asd.errors import BadInput, did_you_mean

T = TypeVar("T")
UNFIT = object()  # stands for a value that was refused; the problem is on the list


class _NoDoubles(yaml.SafeLoader):
    """PyYAML lets a key that stands twice win silently; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        line = {key.value: key.start_mark.line + 1 for key, _ in node.value}
        for key in {k for k in keys if keys.count(k) > 1}:
            raise BadInput(f"{node.start_mark.name}:{line[key]}: key '{key}' stands twice")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a yaml file; an empty file is no departure at all."""
    with open(path, encoding="utf-8") as file:
        try:
            found = yaml.load(file, Loader=_NoDoubles)  # noqa: S506, a SafeLoader
        except yaml.YAMLError as error:
            raise BadInput(f"{path}: not yaml ({error})") from error
    if not isinstance(found or {}, dict):
        raise BadInput(f"{path}: a {type(found).__name__}, expected `field: value` lines")
    return found or {}


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
    types = typing.get_type_hints(type(part))
    known = [f.name for f in dataclasses.fields(part)]
    changes = {}
    for key, value in departures.items():
        if key not in known:
            problems.append(_unknown(prefix + str(key), [prefix + k for k in known], list(leaves(part, prefix))))
        elif dataclasses.is_dataclass(getattr(part, key)):
            changes[key] = _part(getattr(part, key), value, f"{prefix}{key}", problems)
        else:
            changes[key] = _number(value, types[key], f"{prefix}{key}", problems)
    fit = {key: value for key, value in changes.items() if value is not UNFIT}
    try:
        return dataclasses.replace(part, **fit)
    except BadInput as error:
        problems.append(f"{prefix.rstrip('.') or type(part).__name__}: {error}")
        return part


def _unknown(key: str, known: list[str], everything: list[str]) -> str:
    hint = did_you_mean(key, [*known, *everything], cutoff=0.5)
    return f"unknown key '{key}'{hint} (known: {', '.join(known)})"


def _part(old: Any, value: Any, name: str, problems: list[str]) -> Any:
    """A part given by name (`refsub`), by `{part: RefSub, field: ...}`, or by departures from the one that is there."""
    if isinstance(value, Mapping):
        rest = {k: v for k, v in value.items() if k != "part"}
        chosen = _named(old, str(value["part"]), name, problems) if "part" in value else old
        return _replaced(chosen, rest, f"{name}.", problems)
    return _named(old, str(value), name, problems)


def _named(old: Any, wanted: str, name: str, problems: list[str]) -> Any:
    """The part of the same room with that class name (any case), at its defaults."""
    if wanted.lower() == type(old).__name__.lower():
        return old
    choices = parts_of_room(type(old).__module__)
    if wanted.lower() in choices:
        return choices[wanted.lower()]()
    hint = did_you_mean(wanted.lower(), choices, cutoff=0.5)
    problems.append(f"{name}: unknown part '{wanted}'{hint} (known: {', '.join(sorted(choices))})")
    return old


def parts_of_room(module: str) -> dict[str, Any]:
    """Lower-case class name -> class, of the parts the room of `module` offers: exports, or what can fit."""
    room = importlib.import_module(".".join(module.split(".")[:2]))
    found = {name: value for name, value in vars(room).items() if dataclasses.is_dataclass(value)}
    offered = getattr(room, "__all__", [name for name, part in found.items() if hasattr(part, "fit")])
    return {name.lower(): found[name] for name in offered if name in found}


def _number(value: Any, kind: Any, name: str, problems: list[str]) -> Any:
    try:
        return coerced(value, kind)
    except (TypeError, ValueError, OverflowError):
        readable = getattr(kind, "__name__", str(kind))
        problems.append(f"{name}: {value!r} is not {'an' if readable[0] in 'aeiou' else 'a'} {readable}")
        return UNFIT


def coerced(value: Any, kind: Any) -> Any:
    """`value` (from yaml or the command line) as the field's type: yaml reads 1e-3 as text, on as True.

    >>> coerced("1e-3", float), coerced("3,1", tuple[int, ...])
    (0.001, (3, 1))
    """
    if typing.get_origin(kind) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(coerced(item, typing.get_args(kind)[0]) for item in items if item != "")
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise ValueError(value)
        return str(value).lower() == "true"
    if isinstance(value, bool) or (kind is int and float(value) != int(float(value))):
        raise ValueError(value)
    return int(float(value)) if kind is int else kind(value)
