"""Shapes: what JSON and YAML that people may have edited must hold, by name and type.

    misfit(value, shape)      where a value is not of a shape, in words, or ""

A shape is a type (a float is finite, and may be whole), [shape] a list of such, (shape, shape) a list of just these,
{"name": shape} a mapping with these names at least ("name?": it may lack), {...: shape} one of any names.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

LARGEST = sys.float_info.max
IN_WORDS = {dict: "a mapping", list: "a list", str: "a text", int: "a whole number", float: "a number"}
IN_WORDS |= {bool: "true or false", type(None): "nothing"}


def misfit(value: Any, shape: Any, name: str = "") -> str:
    """
    >>> misfit({"a": {"b": [1, "x"]}}, {"a": {"b": [int]}, "c?": str})
    'a.b.1: a text, a whole number expected'
    """
    at, head = (f"{name}: ", f"{name}.") if name else ("", "")
    kind = shape if isinstance(shape, type) else list if isinstance(shape, tuple) else type(shape)
    if not _is(value, kind):
        return f"{at}{_word(type(value))}, {_word(kind)} expected"
    if kind is float and not -LARGEST <= value <= LARGEST:
        return f"{at}not finite, a number expected"
    if isinstance(shape, tuple) and len(value) != len(shape):
        return f"{at}{len(value)} items, {len(shape)} expected"
    names = [n for n in shape if n is not ... and not n.endswith("?")] if isinstance(shape, dict) else []
    if lacking := [n for n in names if n not in value]:
        return f"no {head}{lacking[0]}"
    found = (misfit(inner, of, f"{head}{key}") for key, inner, of in _inside(value, shape))
    return next(filter(None, found), "")


def _inside(value: Any, shape: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Name or number, value and shape of what a mapping or list holds."""
    if isinstance(shape, dict):
        for key, inner in value.items():
            yield key, inner, shape.get(key, shape.get(f"{key}?", shape.get(..., object)))
    elif isinstance(shape, (list, tuple)):
        shapes = shape * len(value) if isinstance(shape, list) else shape
        yield from zip(range(len(value)), value, shapes, strict=True)


def _is(value: Any, kind: type) -> bool:
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _word(kind: type) -> str:
    return IN_WORDS.get(kind, kind.__name__)
