"""Developing: one call from a request to written, proven and evaluated results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from asd import evaluation
from asd.data import KINDS
from asd.programs.fitting import fit
from asd.programs.hours import fitted_into
from asd.programs.opening import recorded_request
from asd.programs.planning import LONG, may_be_long, planned
from asd.programs.planning import told as planned_text
from asd.programs.proving import Task, proofs, prove, still_proven, tasks_of
from asd.programs.request import Request
from asd.programs.selected import told
from asd.programs.session import Session, writable
from asd.programs.soundness import warn
from asd.programs.writing import evaluate, write
from asd.truth_list import FILE_NAME

Tell = Callable[[str], None]


def develop(request: Request, tell: Tell, proof: bool = False) -> Session:
    """Train what is missing, write every name's files, and with `proof` re-derive them all."""
    with developed(request, tell, proof) as session:
        return session


@contextmanager
def developed(request: Request, tell: Tell, proof: bool = False) -> Iterator[Session]:
    """The same; while it lasts, the results folders are this run's alone, so that it shows its own."""
    writable(request.results)
    session = Session(request)
    with claimed(session):
        warn(session, tell)
        machines = ", ".join(machine.name for machine in session.machines)
        tell(f"{', '.join(session.members)} on {machines}: what the store lacks of features, trainings, scores ...")
        if may_be_long(session):
            tell("measuring a few real steps of each training, as this run may be long ...")
            found = planned(session)
            if found.seconds > LONG:
                tell(planned_text(found, session))
        fit(session)
        with locked(session):
            before = proofs(session) if proof else {}
            for name in session.members:
                write_and_tell(session, name, tell)
            if proof:
                prove_what_is_new(session, before, tell)
            yield session


@contextmanager
def claimed(session: Session) -> Iterator[None]:
    """No run of other numbers works in the session's folders. Raises BadInput where one does, or for other clips."""
    clips = {machine.name: session.of_data(machine) for machine in session.machines}
    with ExitStack() as claims:
        for name in sorted(session.members):
            folder = session.folder(name)
            claims.enter_context(folder.claimed(session.numbers(name)))
            if folder.is_of(session.resolved(name)):
                folder.replaced(clips)
        yield


@contextmanager
def locked(session: Session) -> Iterator[None]:
    """The session's folders are this run's alone; in one order, so that two runs cannot wait for each other."""
    with ExitStack() as locks:
        for name in sorted(session.members):
            locks.enter_context(session.folder(name).locked())
        yield


def write_and_tell(session: Session, name: str, tell: Tell) -> None:
    if session.is_undecided(name) and "test" not in session.request.splits:
        tell(f"{name}: trained; what it averages is chosen once the development set's test clips are scored")
        return
    if gone := write(session, name):
        tell(f"{session.folder(name).folder}: {gone}")
    if session.is_undecided(name):
        tell(told(session.request, name))


def plan(request: Request, hours: float | None, tell: Tell) -> Request:
    """Tell what the request would take; with `hours`, the request cut to fit into them."""
    session = Session(request)
    warn(session, tell)
    tell("measuring a few real steps of each training ...")
    found = planned(session)
    tell(planned_text(found, session))
    if hours is None:
        return request
    fitting, changes = fitted_into(found, request, hours)
    tell(changes)
    return fitting


@contextmanager
def proven(
    folder: Path, data: Path | None, machines: Sequence[str] | None, tell: Tell, **rest: Any
) -> Iterator[Session]:
    """The files in results/<dev|eval>/<system>, re-derived by the numbers, seeds and members that it records.

    `rest`: workers or scheduler. While it lasts, the folder is this run's alone.
    """
    session = Session(recorded_request(folder, data, machines, **rest))
    with locked(session):
        prove_and_tell(session, tell)
        yield session


def prove_what_is_new(session: Session, before: Mapping, tell: Tell) -> None:
    """All but files that an earlier proof is of, see proving.proofs."""
    standing = still_proven(session, before)
    if standing:
        files = ", ".join(f"{name} on {machine}" for name, machine in standing)
        tell(f"proven already, nothing has changed since: {files} (--verify proves again)")
    if others := [task for task in tasks_of(session) if task not in standing]:
        tell("proving every score in fresh processes ...")
        prove_and_tell(session, tell, others)


def prove_and_tell(session: Session, tell: Tell, tasks: Sequence[Task] | None = None) -> None:
    prove(session, tasks)
    tell("verified: every score and decision re-derived byte for byte from its clip alone")


def show(session: Session, describe: Callable[[str], str], tell: Tell) -> None:
    """Each name's Ω table, where the truth is known."""
    for name in session.members:
        tell(f"\n{name}: {describe(name)}\nresults in {session.folder(name).folder}")
        if is_written(session, name) and (table := evaluate(session, name)):
            tell("\n".join([short(table), *notes(session, table)]))
    tell(following(session))


def is_written(session: Session, name: str) -> bool:
    """Not where a selection waits for test clips."""
    return not session.is_undecided(name) or "test" in session.request.splits


def notes(session: Session, table: Sequence[Sequence[str]]) -> list[str]:
    """What a reader of the table must know besides: which rows are not of this run, whether figures mean anything."""
    others = [row[0] for row in table[1:-1] if row[0] not in [machine.name for machine in session.machines]]
    told = [f"{', '.join(others)}: of other runs with the same numbers and members"] if others else []
    return [*told, evaluation.QUICK] if session.request.quick else told


def following(session: Session) -> str:
    """What a person does next."""
    request, (name, *_) = session.request, session.members
    data, results = f" --data {request.data}", f" --results {request.results}"
    report = f"python tools/report.py {session.folder(name).folder}{data}"
    if "test" not in request.splits:
        return f"\nnext: the same command without --train-only, once the test clips are in {request.data}"
    if request.kind == "dev":
        return f"\nnext: python tools/omega.py {request.results / 'dev'} --ci    (systems side by side)\n      {report}"
    package = f"python tools/package.py{data}{results}    (submission/team.yaml, and -d of the same systems)"
    export = f"python tools/export.py {session.folder(name).folder} {session.machines[0].name}    (to listen elsewhere)"
    truth = f"python tools/evaluate.py {session.folder(name).folder} --ground-truth {request.data}"
    has_truth = (request.data / KINDS["eval"] / FILE_NAME).is_file()  # imported or simulated, not the challenge's
    return "\nnext: " + "\n      ".join([truth, report, export, package] if has_truth else [package, report, export])


def short(table: Sequence[Sequence[str]]) -> str:
    """The table without precision and recall, which stay in omega.csv, and Ω over all machines."""
    rows = [[*row[:5], *row[9:]] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{c:{'<' if i == 0 else '>'}{widths[i]}}" for i, c in enumerate(row)) for row in rows]
    return "\n".join([*lines, f"Ω = {table[-1][4]}  (precision and recall: omega.csv)"])
