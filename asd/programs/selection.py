"""Selection: what the development set decides, an ensemble's members or one number of a system, by development Ω."""

from __future__ import annotations

import numpy as np

from asd import evaluation
from asd.data import Machine
from asd.programs.request import Seed
from asd.programs.selected import write_selection
from asd.programs.session import Session
from asd.system import Selected, mean


def select(session: Session, name: str) -> list[Seed]:
    """Choose by development Ω and write the choice down, with what it was chosen from."""
    request, recipe = session.request, session.request.recipes[name]
    assert isinstance(recipe, Selected)
    candidates = request.candidates(name)
    omegas = {label: omega(session, name, members) for label, members in candidates.items()}
    best = recipe.choose(omegas)
    chosen = {label: members for label, members in candidates.items() if label in best}  # in the candidates' order
    write_selection(request, name, chosen, omegas, [machine.name for machine in session.machines])
    return [member for members in chosen.values() for member in members]


def omega(session: Session, name: str, members: list[Seed]) -> float:
    """Development Ω over the session's machines of the mean of some members' scores."""
    return evaluation.omega(t for machine in session.machines for t in terms(session, name, members, machine))


def terms(session: Session, name: str, members: list[Seed], machine: Machine) -> tuple[float, float, float]:
    """AUC_source, AUC_target, pAUC of the mean of some members' scores of one machine."""
    columns = [_scores(session, name, system, seed, machine.name) for system, seed in members]
    scores = {clip.path.name: mean(row) for clip, row in zip(machine.test, zip(*columns, strict=True), strict=True)}
    return evaluation.terms_of(machine.name, scores, evaluation.truth_of_names(scores))


def _scores(session: Session, name: str, system: str, seed: int, machine: str) -> np.ndarray:
    """(N,) a member's standardised scores of a machine's test clips."""
    chain = session.chains[system, machine]
    member = chain.member(seed, "", session.request.recipes[name].calibration)
    return np.array([member.calibrated(float(a)) for a in chain.raw_scores(session.machine(machine).test, seed)])
