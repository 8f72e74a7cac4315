"""Fitting: features of all clips, every missing training in worker processes, and what trains nothing in this one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from asd import data
from asd.cluster import Cluster
from asd.jobs import PATH, Job, Pool, Processes, run_all
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.versions import versions_here
from asd.system import fit_together, prepare, score_together
from asd.training import stacks


def fit(session: Session) -> None:
    """Afterwards all that the session's systems learn, and their scores, lie in the store."""
    if session.request.may_train and session.request.scheduler:
        run(feature_jobs(session), session.request)
    extract(session)
    if session.request.may_train:
        run(jobs(session), session.request)
        for name in session.untrained(session.used):
            for machine in session.machines:
                fit_seeds(session, [name], machine, session.request.trained[name].seeds[:1])


def run(jobs: Sequence[Job], request: Request) -> None:
    """On the scheduler's workers, or in processes of this machine."""
    if not jobs:
        return
    pool: Pool = Cluster(request.scheduler, PATH) if request.scheduler else Processes(request.workers)
    run_all(jobs, pool, request.results / "logs")


def extract(session: Session) -> None:
    """Features of all clips, each clip read once for all systems; front-ends are fitted on the way."""
    for machine in session.machines:
        chains = [session.chains[name, machine.name] for name in session.used]
        if session.request.may_train:
            with session.fitting(machine):
                _ = [chain.frontend for chain in chains]
            prepare(chains, machine.train, session.request.workers)
            for chain in chains:
                prepare([chain], chain.heard_noise, session.request.workers)
        with session.hearing(machine):
            prepare(chains, machine.test, session.request.workers)


def feature_jobs(session: Session) -> list[Job]:
    """One for each machine of which the store lacks features or a front-end; each clip is read once, as here."""
    request, members = session.request, {name: tuple(of) for name, of in session.members.items()}
    return [
        Job(
            f"{request.kind}_{machine.name}_features",
            worker(session, "extract", share_of(session, machines=[machine.name], members=members, may_select=False)),
            "features",
        )
        for machine in session.machines
        if lacks_features(session, machine)
    ]


def lacks_features(session: Session, machine: data.Machine) -> bool:
    chains = [session.chains[name, machine.name] for name in session.used]
    of = [(chain, clips) for chain in chains for clips in (chain.train, machine.test, chain.heard_noise) if clips]
    blocks = [chain.block(clips) for chain, clips in of]
    return not all(chain.has_frontend for chain in chains) or not all(block.is_stored for block in blocks)


def jobs(session: Session) -> list[Job]:
    """A job for each share of what is not in the store."""
    return [_job(session, names, machine, seeds) for (machine, _, seeds), names in missing(session).items()]


def missing(session: Session) -> dict[tuple[str, str, tuple[int, ...]], list[str]]:
    """(machine, training's key, seeds) -> the systems that share it: each training and seed that is not in the store
    (on a GPU one per training, its seeds stacked).
    """
    groups: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    wanted = dict.fromkeys(seed for members in session.members.values() for seed in members)
    for (name, machine), chain in session.chains.items():
        clips = session.machine(machine).test
        todo = tuple(seed for system, seed in wanted if system == name and not chain.is_done(clips, seed))
        shares = [todo] if stacks(session.device) else [(seed,) for seed in todo]
        for share in shares if todo and chain.training_key else []:
            groups.setdefault((machine, chain.training_key, share), []).append(name)
    return groups


def _job(session: Session, names: list[str], machine: str, seeds: tuple[int, ...]) -> Job:
    """One machine, systems that share a training, some seeds."""
    own = {name: session.request.trained[name] for name in names}
    members = {name: [(name, seed) for seed in seeds] for name in names}
    share = share_of(session, recipes=own, trained=own, members=members, machines=[machine], may_select=False)
    label = f"{share.kind}_{machine}_seed_{'-'.join(map(str, seeds))}_{'+'.join(names)}"
    trained = all(session.chains[names[0], machine].is_trained(seed) for seed in seeds)
    kind = f"{'+'.join(names)}{' (scoring alone)' * trained}"
    return Job(label.replace(":", "_")[:200], worker(session, "work", share), kind)


def share_of(session: Session, **departing: Any) -> Request:
    """What one process is asked for: of the session's request a part, on the device that the session has chosen."""
    return replace(session.request, workers=1, scheduler="", device=session.device, **departing)


def worker(session: Session, task: str, share: Request) -> tuple[str, ...]:
    """The command line of a process that does this share of the session, with the versions that this one has."""
    codes = {name: code for name, code in session.codes().items() if name.removeprefix("code of ") in share.trained}
    versions = json.dumps({"packages": versions_here(), "codes": codes})
    return sys.executable, "-m", "asd.programs.worker", task, versions, share.text()


def work(session: Session) -> None:
    """A worker's share."""
    (machine,), names = session.machines, list(session.members)
    fit_seeds(session, names, machine, [seed for _, seed in session.members[names[0]]])


def fit_seeds(session: Session, names: Sequence[str], machine: data.Machine, seeds: Sequence[int]) -> None:
    """Train and fit what is missing, then score the machine's test clips."""
    chains = [session.chains[name, machine.name] for name in names]
    with session.fitting(machine, *session.training_features(names, machine)):
        for chain in chains:
            if chain.training_key:
                chain.trained(tuple(seeds))  # all in one stack where the device trains so
        for seed in seeds:
            fit_together(chains, seed)
    with session.hearing(machine):
        for seed in seeds:
            score_together(chains, machine.test, seed)
