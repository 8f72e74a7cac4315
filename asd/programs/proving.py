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
Proof = tuple[object, object]  # hash of the files that are proven, and of what they are made from and proven by


def tasks_of(session: Session) -> list[Task]:
    return [(name, machine.name) for name in session.members for machine in session.machines]


def proofs(session: Session) -> dict[Task, Proof]:
    """What run.json says of each.

    Nothing of results of other numbers: they give way, and their run.json may be damaged.
    """
    same = [name for name in session.members if session.folder(name).is_of(session.resolved(name))]
    records = {(name, m): session.folder(name).recorded(m) for name, m in tasks_of(session) if name in same}
    return {task: (record.get("verified"), record.get("proven_as")) for task, record in records.items()}


def still_proven(session: Session, before: Mapping[Task, Proof]) -> list[Task]:
    """Those whose files are, written anew, what was proven before; run.json says it again."""
    now = {task: _proof(session, task) for task in tasks_of(session) if task in before}
    found = [task for task, proof in now.items() if before[task] == proof]
    for task in found:
        _mark(session, task, now[task])
    return found


def proven_as(session: Session, task: Task) -> str:
    """Hash of all that a proof depends on besides the files: clips, numbers, code (the proof's too), versions."""
    name, machine = task[0], session.machine(task[1])
    clips = {key: value for key, value in session.of_data(machine).items() if key != "folder"}
    those = {key: value for key, value in versions(session).items() if key != "written"}
    return key_of({"clips": clips, "made_by": session.made_by(name), "versions": those, "proof": code(prove_here)})


def _proof(session: Session, task: Task) -> Proof:
    name, machine = task
    return session.folder(name).proof(machine, section_of(session.machine(machine))), proven_as(session, task)


def _mark(session: Session, task: Task, proof: Proof) -> None:
    files, made_from = proof
    session.folder(task[0]).mark(task[1], {"verified": files, "proven_as": made_from})


def prove(session: Session, tasks: Sequence[Task] | None = None) -> None:
    """One process per name and machine, all of them by default; raises BadInput where a file differs."""
    request, tasks = session.request, tasks_of(session) if tasks is None else tasks
    for name in dict(tasks):
        session.folder(name).check(session.resolved(name))
    proven = {task: _proof(session, task) for task in tasks}  # as it is now: what changes meanwhile is not proven
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
