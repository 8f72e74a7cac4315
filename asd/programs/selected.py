"""results/dev/<system>/selected.json: what the development set decided, with what it was chosen from.

`-d` writes it; `-e` and every later reading only read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asd.errors import BadInput
from asd.fingerprint import canonical, digest, numbers
from asd.json_files import read_json
from asd.programs.request import Request, Seed
from asd.store import write_json
from asd.system import SelectedSystem

Candidates = Mapping[str, Sequence[Seed]]  # label -> the members it stands for
SELECTED = {"chosen": {...: [(str, int)]}, "omega": {...: float}, "machines": [str], "numbers": {...: str}}


def refuse_smaller(request: Request, name: str, machines: Sequence[str]) -> None:
    """Raises BadInput rather than let a choice be replaced that was made on more machines or candidates."""
    path = selection_file(request, name)
    if not path.exists():
        return
    old, n_candidates = _read(path), len(request.candidates(name))
    larger = len(old["machines"]) > len(machines) or len(old["omega"]) > n_candidates
    if larger and old["numbers"] == _numbers(request, name):
        raise BadInput(
            f"{path}: was chosen among {len(old['omega'])} on {', '.join(old['machines'])}, more than now; "
            "it is kept (run with all machines and seeds, or delete it to choose anew)"
        )


def write_selection(
    request: Request, name: str, chosen: Candidates, omegas: Mapping[str, float], machines: Sequence[str]
) -> None:
    refuse_smaller(request, name, machines)
    record = {"chosen": chosen, "omega": dict(omegas), "machines": list(machines)}
    write_json(selection_file(request, name), {**record, "numbers": _numbers(request, name)})


def read_selection(request: Request, name: str) -> list[Seed]:
    """The choice that was made on the development set. Raises BadInput where there is none, or of other numbers."""
    path = selection_file(request, name)
    if not path.exists():
        raise BadInput(f"{path}: no such file; {_what(request, name)}: run `-d {name}` first")
    record, now = _read(path), _numbers(request, name)
    other = [system for system in now if record["numbers"].get(system) != now[system]]
    if other:
        raise BadInput(f"{path}: chosen with other numbers of {', '.join(other)}; run `-d {name}` again with these")
    candidates = request.candidates(name)  # of the --seeds of now; a seed that is none of them was chosen by itself
    chosen: dict = {label: of for label, of in candidates.items() if label in record["chosen"]}
    chosen |= {label: of for label, of in record["chosen"].items() if label not in candidates}
    found = [(system, seed) for members in chosen.values() for system, seed in members]
    if not found or not {system for system, _ in found} <= request.trained.keys():
        raise BadInput(f"{path}: chosen: none, or none of {', '.join(request.trained)}; run `-d {name}` again")
    return found


def told(request: Request, name: str) -> str:
    """The choice in one line, with what it was chosen from, and what it leaves out."""
    path = selection_file(request, name)
    record, recipe = _read(path), request.recipes[name]
    chosen, omegas = record["chosen"], record["omega"]
    order = sorted(omegas, key=lambda label: (label not in chosen, -omegas[label]))
    ranked = ", ".join(f"{label} {omegas[label]:.4f}" for label in order)
    note = recipe.note(chosen) if isinstance(recipe, SelectedSystem) else ""
    return f"{path}: {', '.join(chosen)} chosen by Ω ({ranked}){note and f'; note: {note}'}"


def _what(request: Request, name: str) -> str:
    number = getattr(request.recipes[name], "number", "")
    if number:
        return f"{number} of {name} is chosen on the development set (or given with --set {number}=...)"
    return f"{name}'s members are chosen on the development set"


def _read(path: Path) -> Mapping[str, Any]:
    return read_json(path, "this version of the kit", SELECTED, "delete it and run -d again")


def _numbers(request: Request, name: str) -> dict[str, str]:
    """Hash of the system's own numbers and of those of each system that candidates come from."""
    sources = dict.fromkeys(source for members in request.candidates(name).values() for source, _ in members)
    recipes = {name: request.recipes[name], **{source: request.trained[source] for source in sources}}
    return {key: digest(canonical(numbers(recipe))) for key, recipe in recipes.items()}


def selection_file(request: Request, name: str) -> Path:
    return request.results / "dev" / name / "selected.json"
