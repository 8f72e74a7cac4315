"""Developing: one call from a request to written, proven and evaluated results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from asd.programs.fitting import fit
from asd.programs.hours import fitted_into
from asd.programs.opening import recorded_request
from asd.programs.planning import LONG, may_be_long, planned
from asd.programs.planning import told as planned_text
from asd.programs.proving import prove
from asd.programs.request import Request
from asd.programs.selected import told
from asd.programs.session import Session, writable
from asd.programs.soundness import check_soundness
from asd.programs.writing import evaluate, write

Tell = Callable[[str], None]


def develop(request: Request, tell: Tell, proof: bool = False) -> Session:
    """Train what is missing, write every name's files, and with `proof` re-derive them all."""
    writable(request.results)
    session = Session(request)
    for warning in check_soundness(session):
        tell(f"warning: {warning}")
    machines = ", ".join(machine.name for machine in session.machines)
    tell(f"{', '.join(session.members)} on {machines}: features, trainings and scores that the store lacks ...")
    if may_be_long(session):
        tell("measuring a few real steps of each training, as this run may be long ...")
        found = planned(session)
        if found.seconds > LONG:
            tell(planned_text(found, session))
    fit(session)
    for name in session.members:
        if session.is_undecided(name) and "test" not in request.splits:
            tell(f"{name}: trained; what it averages is chosen once the development set's test clips are scored")
            continue
        if write(session, name):
            tell(f"{session.folder(name).folder}: results of other numbers removed; the store keeps what was trained")
        if session.is_undecided(name):
            tell(told(request, name))
    if proof:
        tell("proving every score in fresh processes ...")
        prove_and_tell(session, tell)
    return session


def plan(request: Request, hours: float | None, tell: Tell) -> Request:
    """Tell what the request would take; with `hours`, the request cut to fit into them."""
    session = Session(request)
    tell("measuring a few real steps of each training ...")
    found = planned(session)
    tell(planned_text(found, session))
    if hours is None:
        return request
    fitting, changes = fitted_into(found, request, hours)
    tell(changes)
    return fitting


def prove_recorded(
    folder: Path, data: Path | None, machines: Sequence[str] | None, workers: int, tell: Tell
) -> Session:
    """Re-derive the files that lie in results/<dev|eval>/<system>, by the numbers, seeds and members it records."""
    session = Session(recorded_request(folder, data, machines, workers=workers))
    prove_and_tell(session, tell)
    return session


def prove_and_tell(session: Session, tell: Tell) -> None:
    prove(session)
    tell("verified: every score and decision re-derived byte for byte from its clip alone")


def show(session: Session, describe: Callable[[str], str], tell: Tell) -> None:
    """Each name's Ω table, where the truth is known."""
    for name in session.members:
        tell(f"\n{name}: {describe(name)}\nresults in {session.folder(name).folder}")
        table = evaluate(session, name)
        if table:
            tell(short(table))
    tell(following(session))


def following(session: Session) -> str:
    """What a person does next."""
    request, (name, *_) = session.request, session.members
    data, results = f" --data {request.data}", f" --results {request.results}"
    report = f"python tools/report.py {session.folder(name).folder}{data}"
    if "test" not in request.splits:
        return f"\nnext: the same command without --train-only, once the test clips are in {request.data}"
    if request.kind == "dev":
        return f"\nnext: python tools/omega.py {request.results / 'dev'} --ci    (systems side by side)\n      {report}"
    package = f"python tools/package.py{data}{results}"
    return f"\nnext: {package}    (submission/team.yaml, and -d of the same systems)\n      {report}"


def short(table: Sequence[Sequence[str]]) -> str:
    """The table without precision and recall, which stay in omega.csv, and Ω over all machines."""
    rows = [[*row[:5], *row[9:]] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{c:{'<' if i == 0 else '>'}{widths[i]}}" for i, c in enumerate(row)) for row in rows]
    return "\n".join([*lines, f"Ω = {table[-1][4]}  (precision and recall: omega.csv)"])
