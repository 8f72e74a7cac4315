"""Planning: a session in; what its run would take on this machine out, from a few real steps of each training.

Nothing is trained, and nothing written. Features that the store lacks are stood in for by noise of their size.
"""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from asd.clips import RATE, Clip
from asd.contracts import (
    AnyDetector,
    Arrays,
    Feature,
    FittedFrontEnd,
    Pace,
    TrainedDetector,
    TrainedFrontEnd,
    Workplace,
)
from asd.fingerprint import canonical, digest, numbers
from asd.jobs import PATH
from asd.process import largest_mb
from asd.programs.fitting import missing
from asd.programs.session import Session
from asd.progress import duration
from asd.system import Chain, described, fitted_scorers, scores_of
from asd.tables import rendered

TRIED = 8  # clips whose features, fit and scores are timed
Untrained = Mapping[str, FittedFrontEnd]  # by `key`, in the place of those that have to be trained
LONG = 600.0  # seconds; a run that takes longer tells so before it begins
SLOWEST = 0.05  # seconds of one core for a second of sound and an epoch; 0.012 for the 512-wide autoencoder


@dataclass(frozen=True)
class Estimate:
    """Of one training with its scorings, or of a front-end's; all seconds are of one core."""

    names: tuple[str, ...]
    jobs: int  # of a front-end: machines
    stored: int  # jobs of the same kind whose scores are in the store already
    paces: tuple[Pace, ...]  # of one job; several trainings follow one another in some systems; none: all are trained
    scoring: float  # seconds a job: its process begins, fits and scores
    bytes: int  # of one job's weights

    @property
    def training(self) -> float:
        """Seconds a job."""
        return sum(pace.epochs * pace.epoch_seconds for pace in self.paces)


@dataclass(frozen=True)
class Plan:
    estimates: tuple[Estimate, ...]
    features: float  # seconds of one core
    features_bytes: int
    frontends: tuple[Estimate, ...]  # trained by run.py itself, a machine after another; by workers of a scheduler
    workers: int
    scheduler: str = ""

    @property
    def seconds(self) -> float:
        """Wall-clock time, an upper bound: jobs of one kind after those of another."""
        jobs = sum(self.rounds(e) * (e.training + e.scoring) for e in self.estimates)
        frontends = sum((self.rounds(e) if self.scheduler else e.jobs) * e.training for e in self.frontends)
        return self.features / self.workers + frontends + jobs

    def rounds(self, estimate: Estimate) -> int:
        """How many of its jobs one worker does, the last round with idle ones."""
        return math.ceil(estimate.jobs / self.workers)


def planned(session: Session) -> Plan:
    frontends, untrained = frontends_missing(session)
    groups: dict[str, list[Share]] = {}
    for (machine, _, seeds), names in missing(session).items():
        chain = session.chains[names[0], machine]
        trained = all(chain.is_trained(seed) for seed in seeds)
        groups.setdefault(f"{trained} {alike(chain, len(seeds))}", []).append(Share(machine, seeds, names, trained))
    seconds, size = features_missing(session, untrained)
    estimates = tuple(estimated(session, of, untrained) for of in groups.values())
    return Plan(estimates, seconds, size, frontends, session.request.workers, session.request.scheduler)


@dataclass(frozen=True)
class Share:
    """One job: a training of some seeds on one machine, and the systems that score by it."""

    machine: str
    seeds: tuple[int, ...]
    names: list[str]
    trained: bool  # already: scoring alone is left


def alike(chain: Chain, n_seeds: int) -> str:
    """Trainings of equal numbers on as many bytes of clips take equally long, whatever the machine."""
    assert isinstance(chain.system.detector, TrainedDetector)
    recipe = [numbers(part) for part in (chain.system.detector.trainer, chain.system.features, chain.system.frontend)]
    return digest(canonical([recipe, *sizes(chain), n_seeds]))


def sizes(chain: Chain) -> tuple[int, int]:
    """Clips and bytes to train on."""
    return len(chain.train), sum(clip.path.stat().st_size for clip in chain.train)


def may_be_long(session: Session) -> bool:
    """Whether it is worth measuring if the run is LONG: by a bound that needs no measurement."""
    if not session.request.may_train:
        return False
    trainings = [(session.chains[of[0], m], len(seeds)) for (m, _, seeds), of in missing(session).items()]
    frontends = {key(chain): chain for chain in session.chains.values() if lacks_frontend(chain)}
    parts = [(chain, n * epochs_of(chain.system.detector) / session.request.workers) for chain, n in trainings]
    parts += [(chain, epochs_of(chain.system.frontend)) for chain in frontends.values()]
    return sum(epochs * heard(session, chain) for chain, epochs in parts) * SLOWEST > LONG


def heard(session: Session, chain: Chain) -> float:
    """Seconds of sound to train on."""
    return sizes(chain)[1] / (2 * RATE * session.machine(chain.train[0].machine).channels)


def epochs_of(part: object) -> int:
    return getattr(getattr(part, "training", None), "epochs", 1)


def lacks_frontend(chain: Chain) -> bool:
    return isinstance(chain.system.frontend, TrainedFrontEnd) and not chain.has_frontend


# ---- measuring -------------------------------------------------------------------------------------------------------


def frontends_missing(session: Session) -> tuple[tuple[Estimate, ...], Untrained]:
    """Of those that have to be trained, and untrained ones in their place."""
    groups: dict[str, dict[str, list[Chain]]] = {}  # equal front-ends on as many clips -> key -> its chains
    for chain in filter(lacks_frontend, session.chains.values()):
        like = digest(canonical([numbers(chain.system.frontend), *sizes(chain)]))
        groups.setdefault(like, {}).setdefault(key(chain), []).append(chain)
    estimates, untrained = list[Estimate](), dict[str, FittedFrontEnd]()
    for of in groups.values():
        chains = [chain for several in of.values() for chain in several]
        recipe = chains[0].system.frontend
        assert isinstance(recipe, TrainedFrontEnd)
        fitted, paces = recipe.rehearse(chains[0].waves(chains[0].train), session.device)
        untrained |= dict.fromkeys(of, fitted)
        size = sum(array.nbytes for array in fitted.arrays().values())
        names = tuple(dict.fromkeys(chain.name for chain in chains))
        estimates.append(Estimate(names, len(of), 0, tuple(paces), 0.0, size))
    return tuple(estimates), untrained


def key(chain: Chain) -> str:
    """Of what its front-end learns."""
    return digest(canonical(chain.frontend_record))


@cache
def start() -> float:
    """Seconds until a job's process has imported what it needs; measured once."""
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import asd.programs.fitting"], check=True, env={**os.environ, "PYTHONPATH": PATH}
    )
    return time.monotonic() - begun


def estimated(session: Session, group: Sequence[Share], untrained: Untrained) -> Estimate:
    first = group[0]
    name, seeds = first.names[0], first.seeds
    chain, n_test = session.chains[name, first.machine], len(session.machine(first.machine).test)
    features, paces = stand_ins(chain, chain.train, untrained), list[Pace]()
    trained = (
        chain.trained(seeds) if first.trained else rehearsed(chain, features, seeds, session.device, paces, untrained)
    )
    some = spread_over_domains(chain.is_target)
    few = [features[int(i)] for i in some], chain.is_target[some]
    detectors = [session.request.trained[of].detector for of in first.names]
    scoring = scored(detectors, trained[0], seeds[0], *few, len(chain.train), n_test)
    weights = sum(array.nbytes for arrays in trained for array in arrays.values()) * (not first.trained)
    like = alike(chain, len(seeds))
    stored = sum(
        session.chains[name, m.name].is_done(m.test, seed)
        for m in session.machines
        if alike(session.chains[name, m.name], len(seeds)) == like
        for seed in session.request.seeds_of(name)
    )
    return Estimate(tuple(first.names), len(group), stored, tuple(paces), start() + len(seeds) * scoring, weights)


def rehearsed(
    chain: Chain,
    features: Sequence[Feature],
    seeds: tuple[int, ...],
    device: str,
    paces: list[Pace],
    untrained: Untrained,
) -> list[Arrays]:
    """Untrained weights; what each training would take goes into `paces`."""
    assert isinstance(chain.system.detector, TrainedDetector)
    with TemporaryDirectory() as scratch:
        noise = stand_ins(chain, chain.heard_noise, untrained) if chain.heard_noise else ()
        place = Workplace(seeds, device, Path(scratch), noise, paces)
        return chain.system.detector.trainer.train(features, chain.is_target, place)


def scored(
    detectors: Sequence[AnyDetector],
    trained: Arrays,
    seed: int,
    features: Sequence[Feature],
    is_target: np.ndarray,
    n_train: int,
    n_test: int,
) -> float:
    """Seconds to fit the scorings of one training to n_train clips and score n_test, from these few."""
    begun = time.monotonic()
    scorers = fitted_scorers(detectors, trained, seed, features, is_target)
    fitted = time.monotonic()
    scores_of(scorers, features)
    return (n_train * (fitted - begun) + n_test * (time.monotonic() - fitted)) / len(features)


def spread_over_domains(is_target: np.ndarray) -> np.ndarray:
    """TRIED clips of both domains, as far as there are any."""
    target = np.flatnonzero(is_target)[: TRIED // 2]
    source = np.flatnonzero(~is_target)[: TRIED - len(target)]
    return np.sort(np.concatenate([source, target]))


def stand_ins(chain: Chain, clips: Sequence[Clip], untrained: Untrained) -> list[Feature]:
    """The clips' features where the store has them, else noise of their size."""
    block = chain.block(clips)
    if block.is_stored:
        return list(block)
    sample, rng = first_feature(chain, untrained), np.random.default_rng(0)
    sizes = np.array([clip.path.stat().st_size for clip in clips])
    of_sample = chain.train[0].path.stat().st_size
    counts = np.maximum(np.round(len(sample) * sizes / of_sample).astype(int), 1)  # frames of each clip
    mean, spread = sample.mean(), sample.std() + 1e-3
    return [rng.normal(mean, spread, (n, sample.shape[1])).astype(np.float32) for n in counts]


def first_feature(chain: Chain, untrained: Untrained) -> Feature:
    """Of the first training clip; the front-end is fitted to it alone unless it has been fitted to all, or trains."""
    wave = chain.read(chain.train[0])
    if chain.has_frontend:
        return described(chain.frontend, chain.system.features, wave)
    return described(untrained.get(key(chain)) or chain.system.frontend.fit([wave]), chain.system.features, wave)


def features_missing(session: Session, untrained: Untrained) -> tuple[float, int]:
    """Seconds of one core, and bytes, of all features that the store lacks."""
    seconds, size, seen = 0.0, 0, set[Path]()
    for (_, machine), chain in session.chains.items():
        for clips in (chain.train, session.machine(machine).test):
            block = chain.block(clips)
            if clips and not block.is_stored and block.path not in seen:
                seen.add(block.path)
                begun = time.monotonic()
                sample = first_feature(chain, untrained)
                seconds += len(clips) * (time.monotonic() - begun)
                size += len(clips) * sample.nbytes
    return seconds, size


# ---- telling ---------------------------------------------------------------------------------------------------------


def told(plan: Plan, session: Session) -> str:
    rows = [["training of", "jobs", "in the store", "epochs x steps", "a job", "all"]]
    rows += [row(e, "front-end of ") for e in plan.frontends] + [row(e) for e in plan.estimates]
    lines = [rendered("Plan", rows, "text")] if len(rows) > 1 else ["nothing is left to train"]
    disk = plan.features_bytes + sum(e.jobs * e.bytes for e in (*plan.frontends, *plan.estimates))
    memory = largest_mb(resource.RUSAGE_SELF)
    lines.append(f"features: {duration(plan.features)} of one core")
    lines.append(
        f"about {duration(plan.seconds)} with {plan.workers} workers of about {memory:,.0f} MB each, and "
        f"{disk / 1e6:,.0f} MB more in {session.store.root}"
    )
    return "\n".join(lines)


def row(e: Estimate, of: str = "") -> list[str]:
    steps = " + ".join(f"{pace.epochs} x {pace.steps}" for pace in e.paces)
    names = dict.fromkeys(name.partition(":")[0] for name in e.names)  # variants of a system share its training
    job = e.training + e.scoring
    return [of + ", ".join(names), str(e.jobs), str(e.stored), steps, duration(job), duration(e.jobs * job)]
