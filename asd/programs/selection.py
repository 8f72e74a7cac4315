"""Selection: what the development set decides, an ensemble's members or one number of a system, by development Ω."""

from __future__ import annotations

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
    fitted, chains = session.fitted_to(name, machine, members), [session.chains[s, machine.name] for s, _ in members]
    columns = [
        fitted.standardised(i, chain.raw_scores(machine.test, seed), chain.domains(machine.test, seed)).tolist()
        for i, (chain, (_, seed)) in enumerate(zip(chains, members, strict=True))
    ]
    scores = {clip.path.name: mean(row) for clip, row in zip(machine.test, zip(*columns, strict=True), strict=True)}
    return evaluation.terms_of(machine.name, scores, evaluation.truth_of_names(scores))
