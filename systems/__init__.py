"""Systems: one file each; `SYSTEM` is the recipe, the docstring's first line its description.

A new system is one file, `systems/<name>.py`. Where numbers depart from the code's, `yaml/<name>.yaml` holds them. A
file may also have `QUICK`, departures ("part.field=value") that make it small enough to try in seconds, for
`run.py --quick` and the contract tests. `NEEDS` names a module that the kit does not bring and the system cannot do
without; its tests skip where it is not installed.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from asd.system import Ensemble, Recipe, System

HERE = Path(__file__).resolve().parent
YAML = HERE.parent / "yaml"


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("[!_]*.py"))


def description(name: str) -> str:
    """First line of the system's docstring, read without importing it."""
    docstring = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8")))
    return (docstring or "no docstring").splitlines()[0]


def check_known(name: str) -> None:
    """Raises BadInput for an unknown name; nothing heavy is imported for it."""
    from asd.errors import BadInput, did_you_mean

    if name not in names():
        hint = did_you_mean(name, names(), cutoff=0.4)
        rest = " (`python run.py --list` shows all)" if hint else f" (known: {', '.join(names())})"
        raise BadInput(f"unknown system '{name}'{hint}{rest}")


def module(name: str) -> ModuleType:
    """Raises BadInput for an unknown name."""
    check_known(name)
    return importlib.import_module(f"systems.{name}")


def quick(name: str) -> tuple[str, ...]:
    """Departures that make the system small enough to try in seconds; its scores then mean nothing."""
    return tuple(getattr(module(name), "QUICK", ()))


def lacks(name: str) -> str:
    """What the system's `NEEDS` names and is not there: a module, or a number (a checkpoint) that a person gives."""
    from asd.fingerprint import numbers
    from asd.store import flattened

    wanted = getattr(module(name), "NEEDS", "")
    if "." in wanted:
        return "" if flattened(numbers(module(name).SYSTEM))[wanted] else wanted  # type: ignore[arg-type]
    return "" if not wanted or importlib.util.find_spec(wanted) else wanted


def on_one_channel() -> list[str]:
    """The systems that need no far channel, as they stand in this folder."""
    return [name for name in names() if _is_for_one_channel(name)]


def _is_for_one_channel(name: str) -> bool:
    try:
        return not lacks(name) and not any(s.far_parts for s in load_trained(name, load(name)).values())
    except Exception:  # whatever a draft that does not import raises
        return False


def load(name: str, assignments: Sequence[str] = ()) -> Recipe:
    """The recipe with its yaml's and then the assignments' departures. Raises BadInput for unknown names."""
    from asd.settings import assignment, resolve
    from asd.system import Ensemble, SelectedSystem
    from asd.yaml_files import read_yaml

    recipe = module(name).SYSTEM
    path = YAML / f"{name}.yaml"
    departures = read_yaml(path) if path.exists() else {}
    recipe = resolve(recipe, departures, path.name)
    for text in assignments:
        if not isinstance(recipe, Ensemble) or _is_own(recipe, text):  # else its members'
            recipe = resolve(recipe, assignment(text), f"--set {text} ({name})")
    if not isinstance(recipe, Ensemble):
        recipe.check_channels()
    if isinstance(recipe, SelectedSystem) and _is_given(recipe.number, departures, assignments):
        return recipe.plain
    return recipe


def _is_own(recipe: Ensemble, text: str) -> bool:
    return text.split(".")[0].split("=")[0] in vars(recipe)


def _is_given(number: str, departures: Mapping[str, Any], assignments: Sequence[str]) -> bool:
    """Whether a number that would be chosen on the development set is given by a person."""
    from asd.store import flattened

    return number in flattened(departures) or any(text.partition("=")[0].strip() == number for text in assignments)


def load_trained(name: str, recipe: Recipe, assignments: Sequence[str] = ()) -> dict[str, System]:
    """The systems behind a recipe that train, by name: itself, an ensemble's members, or `<name>:<number>=<value>`.

    Departures that are an ensemble's own are not its members'; the others are for the members that have such a number.
    """
    from asd.errors import BadInput
    from asd.system import Ensemble, SelectedSystem

    if isinstance(recipe, SelectedSystem):
        return {f"{name}:{label}": system for label, system in recipe.variants().items()}
    if not isinstance(recipe, Ensemble):
        return {name: recipe}
    theirs = [text for text in assignments if not _is_own(recipe, text)]
    taken: dict[str, list[str]] = {member: [] for member in recipe.members}
    for text in theirs:
        having = [member for member, before in taken.items() if _has(load(member, before), text)]
        for member in having or taken:  # where none has it, each refuses it with the names that are known
            taken[member].append(text)
    members: dict[str, System] = {}
    for member, of in taken.items():
        found = load(member, of)
        if isinstance(found, Ensemble):
            raise BadInput(f"member '{member}' is an ensemble itself; only systems that train can be members")
        if isinstance(found, SelectedSystem):
            raise BadInput(
                f"member '{member}': the development set decides its {found.number}; "
                f"give the number in yaml/{member}.yaml"
            )
        members[member] = found
    return members


def _has(recipe: Recipe, text: str) -> bool:
    """Whether the number or part that a departure names is one of the recipe's."""
    from asd.fingerprint import numbers
    from asd.store import flattened

    wanted = text.partition("=")[0].strip()
    return any(f"{number}.".startswith(f"{wanted}.") for number in flattened(numbers(recipe)))  # type: ignore[arg-type]


def rebuilt(name: str, numbers: Mapping[str, Any], where: str) -> Recipe:
    """A recipe from all its recorded numbers; `name` may be that of a variant, `<name>:<number>=<value>`."""
    from asd.settings import resolve

    base = module(name.partition(":")[0]).SYSTEM
    if numbers.get("part") == "System":
        base = getattr(base, "plain", base)
    return resolve(base, {key: value for key, value in numbers.items() if key != "part"}, where)
