"""A yaml file with the line of each key, so that checks of its fields say where: bytes in, values and problems out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from asd.errors import BadInput, did_you_mean
from asd.text_files import decoded
from asd.yaml_files import yaml_fault

LEFTOVER = re.compile(
    r"\s*(<.*>|\[.*\]|\?+|(TODO|FIXME|XXX|TBD)\b.*|lorem ipsum.*|your (name|team|institut|affiliation|system|email).*)",
    re.IGNORECASE | re.DOTALL,
)
MOST_KEYS = 5000  # of one file, references (*name) written out

Path = tuple[str | int, ...]  # keys from the top


@dataclass
class Located:
    """A parsed file: its values and the line of each key; problems are collected with both."""

    where: str
    value: Any
    lines: dict[Path, int]
    written: dict[Path, str] = field(default_factory=dict)  # single values as they stand in the file
    problems: list[str] = field(default_factory=list)

    def get(self, path: Path) -> Any:
        found = self.value
        for key in path:
            found = found[key]
        return found

    def tell(self, path: Path, problem: str) -> None:
        line = next(self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines)
        self.problems.append(f"{self.where}:{line}: {'.'.join(map(str, path))}{': ' * bool(path)}{problem}")


def parse(raw: bytes, where: str, dialect: type[yaml.SafeLoader] = yaml.SafeLoader) -> Located:
    """Problems only, and no value, where it is not a yaml mapping."""
    try:
        text = decoded(raw, where)
        loader = dialect(text)
        root = loader.get_single_node()
        places = list(islice(_lines(root, ()), MOST_KEYS + 1)) if root else []
        value = loader.construct_document(root) if root and len(places) <= MOST_KEYS else None
    except BadInput as error:
        return Located(where, None, {}, problems=[str(error)])
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        line, reason = yaml_fault(error)  # what is not YAMLError: wrong !!tags
        return Located(
            where, None, {}, problems=[f"{where}{line}: not yaml ({reason}); is a value with a colon not quoted?"]
        )
    if len(places) > MOST_KEYS:
        return Located(where, None, {}, problems=[f"{where}: more than {MOST_KEYS} keys (does it refer to itself?)"])
    if not isinstance(value, dict):
        return Located(where, None, {}, problems=[f"{where}:1: no `key: value` lines in it"])
    located = Located(where, value, {(): 1}, {path: text for path, _, text in places})
    for path, at, _ in places:
        if path in located.lines:
            located.problems.append(f"{where}:{at}: {'.'.join(map(str, path))}: duplicate key")
        located.lines[path] = at
    return located


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int, str]]:
    """Every key and list item below a node, its line and, of a single value, what is written there."""
    items: list[tuple[Any, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        items = [(key.value, key, value) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        items = [(i, item, item) for i, item in enumerate(node.value)]
    for key, where, value in items:
        text = value.value if isinstance(value, yaml.ScalarNode) else ""
        yield (*path, key), where.start_mark.line + 1, text
        yield from _lines(value, (*path, key))


def keys(meta: Located, path: Path, expected: Sequence[str], optional: Sequence[str] = ()) -> bool:
    """Whether a mapping has exactly the expected keys; tells what is missing or unknown. True if none is missing."""
    found = meta.get(path)
    if not isinstance(found, dict):
        meta.tell(path, f"{found!r}, expected {', '.join(expected)} below it")
        return False
    missing = [key for key in expected if key not in found]
    for key in found:
        if key not in (*expected, *optional):
            meta.tell((*path, key), f"unknown key{did_you_mean(str(key), expected, cutoff=0.6)}")
    if missing:
        meta.tell(path, f"missing {', '.join(missing)} (put !!null where it does not apply)")
    return not missing


def leftovers(meta: Located, path: Path, value: Any) -> None:
    """Template text anywhere."""
    if isinstance(value, dict):
        for key, inner in value.items():
            leftovers(meta, (*path, key), inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            leftovers(meta, (*path, i), inner)
    elif isinstance(value, str) and (match := LEFTOVER.fullmatch(value)):
        meta.tell(path, f"{match.group()!r} looks like text of the template; say what your system does")


def text_at(meta: Located, path: Path) -> bool:
    value = meta.get(path)
    if isinstance(value, str) and value.strip():
        return True
    written = meta.written.get(path, "").strip()
    hint = f" (write it in quotes: yaml reads a bare {written} as something else)" if written not in ("", "~") else ""
    meta.tell(path, f"{value!r}, expected text{hint}")
    return False


def one_alone(meta: Located, path: Path) -> bool:
    """Tells a text that holds several values where one is expected."""
    several = ";" in meta.get(path)
    if several:
        meta.tell(path, f"{meta.get(path)!r} holds several; give each an item of its own, in a line that begins `- `")
    return not several


def list_at(meta: Located, path: Path, expected: str) -> bool:
    if isinstance(meta.get(path), list):
        return True
    what = "a text" if isinstance(meta.get(path), str) else repr(meta.get(path))[:80]
    meta.tell(path, f"{what}, expected {expected}; each item in a line of its own that begins `- `")
    return False
