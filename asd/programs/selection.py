"""What the development set decides: an ensemble's members, or one number of a system.

`-d` chooses by development Ω and writes results/dev/<system>/selected.json, with what it was chosen from; `-e` and
every later reading only read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asd import evaluation
from asd.errors import BadInput
from asd.fingerprint import canonical, digest, numbers
from asd.programs.request import Request, Seed
from asd.store import write_json
from asd.system import Selected, mean

if TYPE_CHECKING:
    from asd.programs.session import Session


def select(session: Session, name: str) -> list[Seed]:
    """Choose by development Ω and write the choice down, with what it was chosen from."""
    recipe = session.request.recipes[name]
    assert isinstance(recipe, Selected)
    candidates = session.request.candidates(name)
    omegas = {label: omega(session, name, members) for label, members in candidates.items()}
    chosen = recipe.choose(omegas)
    machines = [machine.name for machine in session.machines]
    _keep_larger_selection(session.request, name, machines, len(omegas))
    record = {
        "chosen": {label: candidates[label] for label in chosen},
        "omega": omegas,
        "machines": machines,
        "numbers": _numbers(session.request, name),
    }
    write_json(selection_file(session.request, name), record)
    return [member for label in chosen for member in candidates[label]]


def omega(session: Session, name: str, members: list[Seed]) -> float:
    """Development Ω over the session's machines of the mean of some members' scores."""
    terms: list[float] = []
    for machine in session.machines:
        columns = [_scores(session, name, system, seed, machine.name) for system, seed in members]
        scores = {clip.path.name: mean(row) for clip, row in zip(machine.test, zip(*columns, strict=True), strict=True)}
        terms += evaluation.terms_of(machine.name, scores, evaluation.truth_of_names(scores))
    return evaluation.omega(terms)


def _scores(session: Session, name: str, system: str, seed: int, machine: str) -> np.ndarray:
    """(N,) a member's standardised scores of a machine's test clips."""
    chain = session.chains[system, machine]
    member = chain.member(seed, "", session.request.recipes[name].calibration)
    return np.array([member.calibrated(float(a)) for a in chain.raw_scores(session.machine(machine).test, seed)])


def _keep_larger_selection(request: Request, name: str, machines: list[str], n_candidates: int) -> None:
    """Raises BadInput rather than replace a choice that was made on more machines or candidates."""
    path = selection_file(request, name)
    old = _read(path) if path.exists() else {"machines": [], "omega": {}, "numbers": {}}
    larger = len(old["machines"]) > len(machines) or len(old["omega"]) > n_candidates
    if larger and old["numbers"] == _numbers(request, name):
        raise BadInput(
            f"{path}: was chosen among {len(old['omega'])} on {', '.join(old['machines'])}, more than now; "
            "it is kept (run with all machines and seeds, or delete it to choose anew)"
        )


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
    chosen = [candidates.get(label, members) for label, members in record["chosen"].items()]
    return [(system, seed) for members in chosen for system, seed in members]


def _what(request: Request, name: str) -> str:
    number = getattr(request.recipes[name], "number", "")
    if number:
        return f"{number} of {name} is chosen on the development set (or given with --set {number}=...)"
    return f"{name}'s members are chosen on the development set"


def _read(path: Path) -> Mapping[str, Any]:
    record = json.loads(path.read_text(encoding="utf-8"))
    if not {"chosen", "omega", "machines", "numbers"} <= record.keys():
        raise BadInput(f"{path}: not what this version of the kit writes; delete it and run -d again")
    return record


def _numbers(request: Request, name: str) -> dict[str, str]:
    """Hash of the numbers of each system that candidates come from."""
    systems = dict.fromkeys(system for members in request.candidates(name).values() for system, _ in members)
    return {system: digest(canonical(numbers(request.trained[system]))) for system in systems}


def selection_file(request: Request, name: str) -> Path:
    return request.results / "dev" / name / "selected.json"
