"""Writing: from what lies in the store, a system's result files; from these and the truth, its Ω table."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version

import numpy as np

from asd import data, evaluation, guard
from asd.clips import RATE, Clip
from asd.evaluation import Result
from asd.programs.selection import select
from asd.programs.session import Session, section_of, truth_of
from asd.results import Scored
from asd.store import write_text
from asd.system import ClipScore, FittedSystem, clips_key

PACKAGES = ("torch", "numpy", "scipy", "librosa", "scikit-learn", "soundfile")
NO_HISTORY = np.zeros((0, 3))  # of a detector that trains nothing


def write(session: Session, name: str) -> bool:
    """The name's score files from what lies in the store. True if results of other numbers had to give way."""
    if session.is_undecided(name):
        session.members[name] = select(session, name)
    stale = session.folder(name).begin(session.resolved(name))
    for machine in session.machines:
        _write_machine(session, name, machine)
    return stale


def _write_machine(session: Session, name: str, machine: data.Machine) -> None:
    folder, clips, members = session.folder(name), machine.test, session.members[name]
    folder.unproven(machine.name)
    with session.fitting(machine, *session.training_features(list(dict(members)), machine)):
        fitted = session.fitted(name, machine)  # from the store; trained here only if something was deleted there
    chains = [(session.chains[system, machine.name], seed) for system, seed in members]
    raw = [(chain.raw_scores(clips, seed), chain.domains(clips, seed)) for chain, seed in chains]
    for member in fitted.members:
        folder.write_history(member.label, machine.name, getattr(member.scorer, "history", NO_HISTORY))
    for part, content in files_of_many(fitted, machine, clips, raw).items():
        folder.write(part, machine.name, section_of(machine), content)
    folder.record(versions(session), machine.name, _record(session, fitted, machine))


def _record(session: Session, fitted: FittedSystem, machine: data.Machine) -> dict[str, object]:
    """What run.json says of one machine."""
    place = {"folder": str(session.request.data.resolve()), "channels": machine.channels}
    groups = {"train": machine.train, "test": machine.test, "clean": machine.clean, "noise": machine.noise}
    fingerprints = {group: clips_key(clips) for group, clips in groups.items()}
    counts = {f"n_{group}": len(clips) for group, clips in groups.items()} | {"n_target": int(machine.is_target.sum())}
    wave = data.read_wave(machine.train[0])
    seconds = {"clip_seconds": wave.shape[1] / RATE}  # of the clip whose MACs are recorded
    return {"data": {**place, **fingerprints, **counts}, **fitted.record(wave), **seconds, "verified": False}


def versions(session: Session) -> dict[str, object]:
    """What run.json says of the whole run."""
    packages = {name: version(name) for name in PACKAGES}
    return {**packages, "device": session.device, "threads": 1, "written": time.strftime("%Y-%m-%d %H:%M:%S")}


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
    """The Ω table of the machines whose truth is known, as cells, also written to omega.csv; [] where none is."""
    results = [result for machine in session.machines if (result := _result(session, name, machine))]
    table = evaluation.rows(results) if results else []
    if table:
        write_text(session.folder(name).folder / "omega.csv", "".join(",".join(row) + "\n" for row in table))
    return table


def _result(session: Session, name: str, machine: data.Machine) -> Result | None:
    truth = truth_of(machine)
    if truth is None or (session.request.kind == "eval" and not evaluation.has_all_kinds(truth)):
        return None
    folder, section = session.folder(name), section_of(machine)
    scores, decisions = folder.scores(machine.name, section), folder.decisions(machine.name, section)
    return evaluation.evaluate(machine.name, scores, decisions, truth)
