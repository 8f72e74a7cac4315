"""Writing: from what lies in the store, a system's result files; from these and the truth, its Ω table."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asd import data, evaluation, guard
from asd.clips import RATE, Clip
from asd.evaluation import Result
from asd.programs.selection import select
from asd.programs.session import Session, section_of, truth_in
from asd.programs.versions import versions_here
from asd.results import ResultFolder, Scored, read_run
from asd.store import write_text
from asd.system import ClipScore, FittedSystem
from asd.training import kind

NO_HISTORY = np.zeros((0, 3))  # of a detector that trains nothing


def write(session: Session, name: str) -> str:
    """The name's score files from what lies in the store. What had to give way for them, in words."""
    if session.is_undecided(name):
        session.members[name] = select(session, name)
    clips = {machine.name: session.of_data(machine) for machine in session.machines}
    gone = session.folder(name).begin(session.resolved(name), clips)
    for machine in session.machines:
        _write_machine(session, name, machine)
    return gone


def _write_machine(session: Session, name: str, machine: data.Machine) -> None:
    folder, clips, members = session.folder(name), machine.test, session.members[name]
    folder.unproven(machine.name)
    with session.fitting(machine, *session.training_features(list(dict(members)), machine)):
        fitted = session.fitted(name, machine)  # from the store; trained here only if something was deleted there
    chains = [(session.chains[system, machine.name], seed) for system, seed in members]
    with session.hearing(machine):
        raw = [(chain.raw_scores(clips, seed), chain.domains(clips, seed)) for chain, seed in chains]
    for member in fitted.members:
        folder.write_history(member.label, machine.name, getattr(member.scorer, "history", NO_HISTORY))
    for part, content in files_of_many(fitted, machine, clips, raw).items():
        folder.write(part, machine.name, section_of(machine), content)
    record = _record(session, name, fitted, machine)
    files = folder.proof(machine.name, section_of(machine))
    written = {"numbers": folder.numbers(), "files": files, "verified": False}
    folder.record(versions(session), machine.name, {**record, **written})


def _record(session: Session, name: str, fitted: FittedSystem, machine: data.Machine) -> dict[str, object]:
    """What run.json says of one machine, without its files."""
    wave = data.read_wave(machine.train[0])
    seconds: dict[str, object] = {"clip_seconds": wave.shape[1] / RATE}  # of the clip whose MACs are recorded
    seconds["train_seconds"] = machine.train_seconds
    made = {"made_by": session.made_by(name), "section": section_of(machine)}
    return {"data": session.of_data(machine), **made, **fitted.record(wave), **seconds}


def versions(session: Session) -> dict[str, object]:
    """What run.json says of the whole run."""
    known = {**versions_here(), "device": kind(session.device), "threads": 1}
    return {**known, "written": time.strftime("%Y-%m-%d %H:%M:%S")}


# ---- what the files hold ---------------------------------------------------------------------------------------------


def files_of(
    fitted: FittedSystem, machine: data.Machine, clips: Sequence[Clip], scored: Sequence[ClipScore]
) -> dict[str, Scored]:
    """What the result files of a name ("") and of each of its members (their labels) hold."""
    names, train = [clip.path.name for clip in clips], [clip.path.name for clip in machine.train]

    def of(scores: Iterable[float], decisions: Iterable[int], train_scores: np.ndarray) -> Scored:
        columns = dict(zip(names, scores, strict=True)), dict(zip(names, decisions, strict=True))
        return Scored(*columns, by_name(train, train_scores))

    parts = zip(fitted.members, fitted.member_train_scores, strict=True)
    members = {
        member.label: of((s.members[i] for s in scored), (s.member_decisions[i] for s in scored), train_scores)
        for i, (member, train_scores) in enumerate(parts)
    }
    return {"": of((s.score for s in scored), (s.decision for s in scored), fitted.train_scores), **members}


def by_name(names: Sequence[str], train_scores: np.ndarray) -> dict[str, float]:
    """Of the clips that were scored as unseen."""
    found = zip(names, train_scores.tolist(), strict=True)
    return {name: score for name, score in found if not math.isnan(score)}


def files_of_many(
    fitted: FittedSystem, machine: data.Machine, clips: Sequence[Clip], raw: Sequence[Sequence[np.ndarray]]
) -> dict[str, Scored]:
    """The same from the detectors' own scores and domains of all clips, (N,) per member, held in the guard's array."""
    if not clips:  # training only
        return files_of(fitted, machine, clips, [])
    names, train = [clip.path.name for clip in clips], [clip.path.name for clip in machine.train]

    def of(scores: guard.TestScores, threshold: float, train_scores: np.ndarray) -> Scored:
        decided = guard.released((scores > threshold).astype(int))
        decisions = {name: int(decision) for name, decision in decided.items()}
        return Scored(guard.released(scores), decisions, by_name(train, train_scores))

    def guarded(column: np.ndarray) -> guard.TestScores:
        return guard.TestScores(dict(zip(names, column.tolist(), strict=True)))

    members = [fitted.standardised(i, *map(guarded, columns)) for i, columns in enumerate(raw)]
    parts = zip(members, fitted.thresholds, fitted.member_train_scores, strict=True)
    labels = [member.label for member in fitted.members]
    of_members = {label: of(*part) for label, part in zip(labels, parts, strict=True)}
    return {"": of(guard.mean_of(members, fitted.weights), fitted.threshold, fitted.train_scores), **of_members}


# ---- evaluation ------------------------------------------------------------------------------------------------------


def evaluate(session: Session, name: str) -> list[tuple[str, ...]]:
    """The Ω table of all machines in the name's folder whose truth is known, as cells, also written to omega.csv.

    [] where none is. Raises BadInput where the folder holds results of other numbers or members.
    """
    folder = session.folder(name)
    folder.check(session.resolved(name))
    scored = {m: record for m, record in read_run(folder.folder).items() if record["data"]["n_test"]}
    results = [result for machine, record in scored.items() if (result := _result(session, folder, machine, record))]
    table = evaluation.rows(results) if results else []
    if table:
        write_text(folder.folder / "omega.csv", "".join(",".join(row) + "\n" for row in table))
    return table


def _result(session: Session, folder: ResultFolder, machine: str, record: Mapping[str, Any]) -> Result | None:
    """Of a machine that this run or an earlier one has written."""
    kind, section = session.request.kind, record.get("section", "00")
    place = session.request.data if machine in [m.name for m in session.machines] else Path(record["data"]["folder"])
    scores, decisions = folder.scores(machine, section), folder.decisions(machine, section)
    truth = truth_in(place / data.KINDS[kind] / "raw" / machine, list(scores))
    if truth is None or (kind == "eval" and not evaluation.has_all_kinds(truth)):
        return None
    return evaluation.evaluate(machine, scores, decisions, truth)
