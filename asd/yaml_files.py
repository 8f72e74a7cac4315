"""Yaml files that people bring: read_yaml(path) -> the mapping of plain values in it; yaml_fault tells the errors.

`Plain` is the one dialect of what the kit reads for itself. The meta.yaml of a package is for others to read, and is
checked as PyYAML reads it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from asd.errors import BadInput
from asd.text_files import read_text


class Plain(yaml.SafeLoader):
    """Of PyYAML's values only the plain ones, true, false, null, decimal numbers; yes, 010, dates and more are text."""

    yaml_implicit_resolvers = {}


class _Unique(Plain):
    """PyYAML lets a duplicate key win silently; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            where = f"{node.start_mark.name}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise BadInput(f"{where}: a list or mapping as key, `field: value` expected")
            if key.value in seen:
                raise BadInput(f"{where}: duplicate key '{key.value}'")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _kind, _form in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|nan)",
}.items():
    Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form})\Z"), None)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a yaml file; an empty file is no departure at all."""
    text = read_text(path)
    try:
        loader = _Unique(text)
        loader.name = str(path)
        found = loader.get_single_data()
    except BadInput:
        raise
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        line, reason = yaml_fault(error)
        raise BadInput(f"{path}{line}: not yaml ({reason})") from error
    if not isinstance(found or {}, dict):
        raise BadInput(f"{path}: a {type(found).__name__}, expected `field: value` lines")
    return found or {}


def yaml_fault(error: Exception) -> tuple[str, str]:
    """`:line` where it is known, and why: PyYAML's own errors, and others that it lets through."""
    if isinstance(error, RecursionError):
        return "", "nested without end"
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or str(error) or type(error).__name__
    return f":{mark.line + 1}" if mark else "", reason.splitlines()[0]
