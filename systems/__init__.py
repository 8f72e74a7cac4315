"""Systems: one file each, named like its yaml; `SYSTEM` is the recipe, the docstring's first line its description.

A new system is two files, `systems/<name>.py` and `yaml/<name>.yaml`; nothing else needs to know of it.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asd.system import Ensemble, System

HERE = Path(__file__).resolve().parent
YAML = HERE.parent / "yaml"


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("[!_]*.py"))


def description(name: str) -> str:
    """First line of the system's docstring, read without importing it."""
    docstring = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8")))
    return (docstring or "no docstring").splitlines()[0]


def load(name: str, assignments: Sequence[str] = ()) -> System | Ensemble:
    """The recipe with its yaml's and then the command line's departures. Raises BadInput for unknown names."""
    from asd.errors import BadInput, did_you_mean
    from asd.settings import assignment, read_yaml, resolve
    from asd.system import Ensemble

    if name not in names():
        hint = did_you_mean(name, names(), cutoff=0.4)
        raise BadInput(f"unknown system '{name}'{hint} (known: {', '.join(names())})")
    recipe = importlib.import_module(f"systems.{name}").SYSTEM
    path = YAML / f"{name}.yaml"
    if not path.exists():
        raise BadInput(f"{path}: no such file; every system has its yaml of departing numbers (an empty one will do)")
    recipe = resolve(recipe, read_yaml(path), path.name)
    for text in assignments:
        if not isinstance(recipe, Ensemble) or text.split(".")[0].split("=")[0] in vars(recipe):  # else its members'
            recipe = resolve(recipe, assignment(text), f"--set {text} ({name})")
    return recipe


def load_members(recipe: Ensemble, assignments: Sequence[str] = ()) -> dict[str, System]:
    """The systems whose scores an ensemble averages; departures that are the ensemble's own are not theirs."""
    from asd.errors import BadInput
    from asd.system import Ensemble

    theirs = [text for text in assignments if text.split(".")[0].split("=")[0] not in vars(recipe)]
    members = {name: load(name, theirs) for name in recipe.members}
    for name, member in members.items():
        if isinstance(member, Ensemble):
            raise BadInput(f"member '{name}' is an ensemble itself; only systems that train can be members")
    return members  # type: ignore[return-value]
