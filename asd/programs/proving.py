"""Proving: every submitted score and decision, re-derived from its clip alone in a fresh process, byte for byte.

A proof stands where a later run of the same numbers, code, clips and versions writes the same files: `proofs` is asked
before it writes, `still_proven` afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from asd import data, guard
from asd.clips import Clip
from asd.errors import BadInput
from asd.fingerprint import code
from asd.jobs import Job
from asd.programs.fitting import run, share_of, worker
from asd.programs.session import Session, section_of, training_folders
from asd.programs.writing import files_of, versions
from asd.results import Scored
from asd.store import key_of
from asd.system import ClipScore, FittedSystem

Task = tuple[str, str]  # a system's name and a machine's


def tasks_of(session: Session) -> list[Task]:
    return [(name, machine.name) for name in session.members for machine in session.machines]


def proofs(session: Session) -> dict[Task, tuple[object, object]]:
    """The files that are proven by run.json (their hash), and what they were made from and proven by (likewise).

    None of results of other numbers: they give way, and their run.json may be damaged.
    """
    same = [name for name in session.members if session.folder(name).is_of(session.resolved(name))]
    records = {(name, m): session.folder(name).recorded(m) for name, m in tasks_of(session) if name in same}
    return {task: (record.get("verified"), record.get("proven_as")) for task, record in records.items()}


def still_proven(session: Session, before: Mapping[Task, tuple[object, object]]) -> list[Task]:
    """Those whose files are, written anew, what was proven before; run.json says it again."""
    found = [
        task for task in tasks_of(session) if before.get(task) == (_files(session, task), proven_as(session, task))
    ]
    for task in found:
        _mark(session, task, _files(session, task))
    return found


def proven_as(session: Session, task: Task) -> str:
    """Hash of all that a proof depends on besides the files: clips, numbers, code (the proof's too), versions."""
    name, machine = task[0], session.machine(task[1])
    clips = {key: value for key, value in session.of_data(machine).items() if key != "folder"}
    those = {key: value for key, value in versions(session).items() if key != "written"}
    return key_of({"clips": clips, "made_by": session.made_by(name), "versions": those, "proof": code(prove_here)})


def _files(session: Session, task: Task) -> str:
    return session.folder(task[0]).proof(task[1], section_of(session.machine(task[1])))


def _mark(session: Session, task: Task, files: str) -> None:
    session.folder(task[0]).mark(task[1], "proven_as", proven_as(session, task))
    session.folder(task[0]).mark(task[1], "verified", files)


def prove(session: Session, tasks: Sequence[Task] | None = None) -> None:
    """One process per name and machine, all of them by default; raises BadInput where a file differs."""
    request, tasks = session.request, tasks_of(session) if tasks is None else tasks
    for name in dict(tasks):
        session.folder(name).check(session.resolved(name))
    proven = {task: _files(session, task) for task in tasks}
    jobs = []
    for name, machine in tasks:
        members = session.members[name]
        share = share_of(
            session,
            recipes={name: request.recipes[name]},
            trained={system: request.trained[system] for system in dict(members)},
            members={name: members},
            machines=[machine],
            may_train=False,
            may_select=False,
            splits=("train",),  # no test clip is opened beforehand
        )
        jobs.append(Job(f"verify_{name}_{machine}", worker(session, "prove", share), name))
    run(jobs, request)
    for task in tasks:
        _mark(session, task, proven[task])


def prove_here(session: Session) -> None:
    """A worker's share: one name, one machine; each clip alone, in shuffled order, no other test file in reach."""
    (name,), (machine,) = session.members, session.machines
    paths = data.wav_paths(machine.folder / "test")
    clips = [Clip(path, machine.name, section_of(machine)) for path in paths]
    order = np.random.default_rng().permutation(len(clips))
    scored: dict[Clip, ClipScore] = {}
    fitted_anew = session.training_features(session.untrained(session.used), machine)
    allowed = [*training_folders(machine), *session.learnt, *fitted_anew]
    with guard.policy(session.guarded, allowed):
        fitted = session.fitted(name, machine)
        _ = fitted.threshold, fitted.thresholds
        before = guard.state_digest(fitted)
    with guard.hearing(session.guarded, []) as policy:
        for i in order:
            policy.allow_only(clips[i].path)  # no longer the store either
            scored[clips[i]] = fitted(data.read_wave(clips[i]))
        unchanged(fitted, before)
    _compare(session, name, machine, files_of(fitted, machine, clips, [scored[clip] for clip in clips]))


def _compare(session: Session, name: str, machine: data.Machine, rederived: Mapping[str, Scored]) -> None:
    folder = session.folder(name)
    for part, content in rederived.items():
        folder.compare(part, machine.name, section_of(machine), content)


def unchanged(fitted: FittedSystem, before: str) -> None:
    """Raises BadInput where scoring has changed the fitted system since its state digest was `before`."""
    training = guard.in_training_state(fitted)
    if training:
        raise BadInput(f"{', '.join(training[:3])}: in training state while it scores; call its network's eval() first")
    if guard.state_digest(fitted) != before:
        raise BadInput("scoring changed the fitted system: something is kept from one clip to the next")
