"""Proving: every submitted score and decision, re-derived from its clip alone in a fresh process, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from asd import data, guard
from asd.clips import Clip
from asd.errors import BadInput
from asd.jobs import Job
from asd.programs.fitting import run, share_of, worker
from asd.programs.session import Session, section_of, training_folders
from asd.programs.writing import files_of
from asd.results import Scored
from asd.system import ClipScore, FittedSystem


def prove(session: Session) -> None:
    """One process per name and machine; raises BadInput where a file differs."""
    request = session.request
    tasks = [(name, machine.name) for name in session.members for machine in session.machines]
    for name in session.members:
        session.folder(name).check(session.resolved(name))
    proven = {(name, m): session.folder(name).proof(m, section_of(session.machine(m))) for name, m in tasks}
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
    for name, machine in tasks:
        session.folder(name).mark(machine, "verified", proven[name, machine])


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
