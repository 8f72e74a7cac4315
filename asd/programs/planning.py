"""Planning: a session in; what its run would take on this machine out, from a few real steps of each training.

Nothing is trained, and nothing written. Features that the store lacks are stood in for by noise of their size.
"""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from asd.clips import RATE, Clip
from asd.contracts import AnyDetector, Arrays, Feature, Pace, TrainedDetector, TrainedFrontEnd, Workplace
from asd.fingerprint import canonical, digest, numbers
from asd.process import largest_mb
from asd.programs.fitting import missing
from asd.programs.session import Session
from asd.progress import duration
from asd.system import Chain, described, fitted_scorers, scores_of
from asd.tables import rendered

TRIED = 8  # clips whose features, fit and scores are timed
LONG = 600.0  # seconds; a run that takes longer tells so before it begins
SLOWEST = 0.05  # seconds of one core for a second of sound and an epoch; 0.012 for the 512-wide autoencoder


@dataclass(frozen=True)
class Estimate:
    """Of one training with its scorings; all seconds are of one core."""

    names: tuple[str, ...]
    jobs: int
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
    untold: tuple[str, ...]  # systems whose front-end has to be trained first
    workers: int

    @property
    def seconds(self) -> float:
        """Wall-clock time, an upper bound: jobs of one kind after those of another."""
        return self.features / self.workers + sum(self.rounds(e) * (e.training + e.scoring) for e in self.estimates)

    def rounds(self, estimate: Estimate) -> int:
        """How many of its jobs one worker does, the last round with idle ones."""
        return math.ceil(estimate.jobs / self.workers)


def planned(session: Session) -> Plan:
    start = time.process_time()  # of a job too: what it imports and opens is what this process has
    untold = sorted(name for name in session.used if lacks_frontend(session, name))
    groups: dict[str, list[Share]] = {}
    for (machine, _, seeds), names in missing(session).items():
        chain = session.chains[names[0], machine]
        trained = all(chain.is_trained(seed) for seed in seeds)
        if names[0] not in untold:
            groups.setdefault(f"{trained} {alike(chain, len(seeds))}", []).append(Share(machine, seeds, names, trained))
    seconds, size = features_missing(session, untold)
    estimates = tuple(estimated(session, of, start) for of in groups.values())
    return Plan(estimates, seconds, size, tuple(untold), session.request.workers)


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
    size = sum(clip.path.stat().st_size for clip in chain.train)
    return digest(canonical([recipe, len(chain.train), size, n_seeds]))


def may_be_long(session: Session) -> bool:
    """Whether it is worth measuring if the run is LONG: by a bound that needs no measurement."""
    total = 0.0
    for (machine, _, seeds), names in missing(session).items() if session.request.may_train else ():
        chain = session.chains[names[0], machine]
        epochs = getattr(getattr(chain.system.detector, "training", None), "epochs", 1)
        seconds = sum(clip.path.stat().st_size for clip in chain.train) / (2 * RATE * session.machine(machine).channels)
        total += len(seeds) * epochs * seconds * SLOWEST
    return total / session.request.workers > LONG


def lacks_frontend(session: Session, name: str) -> bool:
    chains = (session.chains[name, machine.name] for machine in session.machines)
    return any(isinstance(c.system.frontend, TrainedFrontEnd) and not c.has_frontend for c in chains)


# ---- measuring -------------------------------------------------------------------------------------------------------


def estimated(session: Session, group: Sequence[Share], start: float) -> Estimate:
    first = group[0]
    name, seeds = first.names[0], first.seeds
    chain, n_test = session.chains[name, first.machine], len(session.machine(first.machine).test)
    features, paces = stand_ins(chain, chain.train), list[Pace]()
    trained = chain.trained(seeds) if first.trained else rehearsed(chain, features, seeds, session.device, paces)
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
    return Estimate(tuple(first.names), len(group), stored, tuple(paces), start + len(seeds) * scoring, weights)


def rehearsed(
    chain: Chain, features: Sequence[Feature], seeds: tuple[int, ...], device: str, paces: list[Pace]
) -> list[Arrays]:
    """Untrained weights; what each training would take goes into `paces`."""
    assert isinstance(chain.system.detector, TrainedDetector)
    with TemporaryDirectory() as scratch:
        noise = stand_ins(chain, chain.heard_noise) if chain.heard_noise else ()
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


def stand_ins(chain: Chain, clips: Sequence[Clip]) -> list[Feature]:
    """The clips' features where the store has them, else noise of their size."""
    block = chain.block(clips)
    if block.is_stored:
        return list(block)
    sample, rng = first_feature(chain), np.random.default_rng(0)
    sizes = np.array([clip.path.stat().st_size for clip in clips])
    of_sample = chain.train[0].path.stat().st_size
    counts = np.maximum(np.round(len(sample) * sizes / of_sample).astype(int), 1)  # frames of each clip
    mean, spread = sample.mean(), sample.std() + 1e-3
    return [rng.normal(mean, spread, (n, sample.shape[1])).astype(np.float32) for n in counts]


def first_feature(chain: Chain) -> Feature:
    """Of the first training clip; the front-end is fitted to it alone unless it has been fitted to all."""
    wave = chain.read(chain.train[0])
    frontend = chain.frontend if chain.has_frontend else chain.system.frontend.fit([wave])
    return described(frontend, chain.system.features, wave)


def features_missing(session: Session, untold: Sequence[str]) -> tuple[float, int]:
    """Seconds of one core, and bytes, of all features that the store lacks."""
    seconds, size, seen = 0.0, 0, set[Path]()
    for (name, machine), chain in session.chains.items():
        for clips in (chain.train, session.machine(machine).test):
            block = chain.block(clips)
            if clips and name not in untold and not block.is_stored and block.path not in seen:
                seen.add(block.path)
                begun = time.monotonic()
                sample = first_feature(chain)
                seconds += len(clips) * (time.monotonic() - begun)
                size += len(clips) * sample.nbytes
    return seconds, size


# ---- telling ---------------------------------------------------------------------------------------------------------


def told(plan: Plan, session: Session) -> str:
    rows = [["training of", "jobs", "in the store", "epochs x steps", "a job", "all"]]
    for e in plan.estimates:
        steps = " + ".join(f"{pace.epochs} x {pace.steps}" for pace in e.paces)
        job = e.training + e.scoring
        names = dict.fromkeys(name.partition(":")[0] for name in e.names)  # variants of a system share its training
        rows.append([", ".join(names), str(e.jobs), str(e.stored), steps, duration(job), duration(e.jobs * job)])
    lines = [rendered("Plan", rows, "text")] if plan.estimates else ["nothing is left to train"]
    disk = plan.features_bytes + sum(e.jobs * e.bytes for e in plan.estimates)
    memory = largest_mb(resource.RUSAGE_SELF)
    lines.append(f"features: {duration(plan.features)} of one core")
    lines.append(
        f"about {duration(plan.seconds)} with {plan.workers} workers of about {memory:,.0f} MB each, and "
        f"{disk / 1e6:,.0f} MB more in {session.store.root}"
    )
    if plan.untold:
        lines.append(f"not estimated: {', '.join(plan.untold)}, whose front-end has to be trained first")
    return "\n".join(lines)
