"""Errors that a person can act on: what was found, what was expected, and the likely mistake."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class BadInput(ValueError):
    """The caller's data or arguments are at fault; the message says what, found, allowed and the likely mistake.

    It repeats names and values from files that others made, so it is `printable`, line by line.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(map(printable, message.split("\n"))))


def printable(text: str) -> str:
    """Control characters, marks of writing direction and undecodable bytes as escapes: no name steers a terminal.

    >>> printable("fan\\x1b[2J")
    'fan\\\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


LOOKS_LIKE = str.maketrans("oil", "011")  # small letters that are read as digits


def did_you_mean(wanted: str, known: Iterable[str], cutoff: float) -> str:
    """`, did you mean '<nearest>'?`, or nothing where no known name is as near as `cutoff` (0 to 1).

    >>> did_you_mean("sO", ["s0", "s6"], 0.4)
    ", did you mean 's0'?"
    """
    names = {_seen(name): name for name in known}
    near = difflib.get_close_matches(_seen(wanted), names, n=1, cutoff=cutoff)
    return f", did you mean '{names[near[0]]}'?" if near else ""


def _seen(name: str) -> str:
    """Letters as a hasty eye tells them apart."""
    return name.lower().translate(LOOKS_LIKE)


def needed(module: str, extra: str) -> Any:
    """A module that one of the kit's optional extras brings, imported. Raises BadInput with the command for it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        what = f"{module}: not importable ({error})"
        raise BadInput(f"{what}; it comes with the extra `{extra}`: pip install '.[{extra}]'") from error


def unknown_machine(where: object, name: str, machines: Sequence[str]) -> BadInput:
    """The error to raise where `machines` are all that there are."""
    return BadInput(f"{where}: no machine '{name}'{did_you_mean(name, machines, 0.4)} (there: {', '.join(machines)})")


def unlike_written(where: object, by: str, wrong: object, remedy: str) -> BadInput:
    """The error to raise for what `by` has written and somebody has edited or cut short.

    >>> str(unlike_written("run.json", "run.py", "no machines", "delete it, then run again"))
    'run.json: not what run.py writes (no machines); delete it, then run again'
    """
    return BadInput(f"{where}: not what {by} writes ({wrong}); {remedy}")


def check(field: str, value: object, is_right: bool, expected: str) -> None:
    """Raises BadInput, `<field> <value>: <expected> expected`, unless it is right."""
    if not is_right:
        raise BadInput(f"{field} {value}: {expected} expected")


def check_least(part: object, least: float, *fields: str) -> None:
    """Raises BadInput for the first of a part's fields below `least`."""
    for field in fields:
        value = getattr(part, field)
        check(field, value, least <= value < float("inf"), f"at least {least}")


def check_above_0(part: object, *fields: str) -> None:
    for field in fields:
        value = getattr(part, field)
        check(field, value, 0 < value < float("inf"), "above 0")


def present(path: str, what: object, name: str = "") -> Path:
    """Raises BadInput, with what the file is and where it comes from, where it is missing or no path is given."""
    found = Path(path).expanduser() if path.startswith("~/") else Path(path)
    if not path or not found.exists():
        raise BadInput(f"{name or path}: no such file; {what}")
    return found
