"""The system: a recipe of parts, and the fitted system of one machine, which scores one clip at a time.

It knows parts by their protocols alone. `asd.chain` fits a recipe to a machine and keeps what it has learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asd.contracts import (
    AnyDetector,
    Calibrated,
    Calibration,
    Feature,
    Features,
    FittedFrontEnd,
    FrontEnd,
    Scorer,
    TrainedDetector,
    Wave,
)
from asd.settings import assignment, resolve
from asd.training import macs


@dataclass(frozen=True)
class System:
    """A recipe: four parts and the seeds it trains by default. A system's score is the mean over its seeds."""

    frontend: FrontEnd
    features: Features
    detector: AnyDetector
    calibration: Calibration
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

    def chosen_seeds(self, wanted: int | tuple[int, ...] | None) -> tuple[int, ...]:
        """The default seeds, the first `wanted` of them (counting on where they end), or exactly those wanted.

        A detector that trains nothing is the same for all seeds: it has one.
        """
        if not isinstance(self.detector, TrainedDetector):
            return self.seeds[:1]
        if isinstance(wanted, int):
            further = range(self.seeds[-1] + 1, self.seeds[-1] + 1 + wanted)
            return (*self.seeds, *further)[:wanted]
        return wanted or self.seeds


@dataclass(frozen=True)
class SelectedSystem(System):
    """A system of which the development set decides one number, among `values`; the same for all machines.

    The choice is written to a file and read from it for evaluation. A number given by yaml or --set is not chosen.
    """

    number: str = ""  # dotted name of the number, for example detector.attenuation
    values: tuple[float, ...] = ()

    @property
    def plain(self) -> System:
        """The same system with the number as it is."""
        return System(self.frontend, self.features, self.detector, self.calibration, self.seeds)

    def variants(self) -> dict[str, System]:
        """`<number>=<value>` -> the system with it."""
        labels = [f"{self.number}={value:g}" for value in self.values]
        return {label: resolve(self.plain, assignment(label), label) for label in labels}

    def choose(self, omegas: Mapping[str, float]) -> list[str]:
        """Of label -> development Ω, the best; of equal ones the first."""
        return best(omegas, 1)


@dataclass(frozen=True)
class Ensemble:
    """A recipe that trains nothing: the mean of the standardised scores of all seeds of other systems."""

    members: tuple[str, ...]  # names of systems
    calibration: Calibration


@dataclass(frozen=True)
class SelectedEnsemble(Ensemble):
    """An ensemble of the `size` single seeds with the highest development Ω among its members' seeds.

    They are chosen on the development set, written to a file, and read from it for evaluation.
    """

    size: int = 10

    def choose(self, omegas: Mapping[str, float]) -> list[str]:
        """Of `<system>-<seed>` -> development Ω, the best; of equal ones those that come first."""
        return best(omegas, self.size)


Recipe = System | Ensemble
Selected = SelectedSystem | SelectedEnsemble


def best(omegas: Mapping[str, float], count: int) -> list[str]:
    return sorted(omegas, key=lambda label: -omegas[label])[:count]  # stable: of equal ones the first


@dataclass(frozen=True)
class ClipScore:
    """What one clip gets: each member's standardised score and decision, their mean and what it decides."""

    members: tuple[float, ...]
    member_decisions: tuple[int, ...]
    score: float
    decision: int  # 1: anomalous


@dataclass(frozen=True)
class Member:
    """One seed of one system, fitted to one machine."""

    label: str  # the seed, or <system>-<seed> in an ensemble
    frontend: FittedFrontEnd
    features: Features
    scorer: Scorer
    calibrated: Calibrated
    raw_train_scores: np.ndarray  # (N,) the scorer's, each training clip as if it had not been seen

    @cached_property
    def train_scores(self) -> np.ndarray:
        """(N,) standardised scores of the training clips."""
        return np.array([self.calibrated(float(a)) for a in self.raw_train_scores])


@dataclass(frozen=True)
class FittedSystem:
    """A system or ensemble fitted to one machine. Calling it scores ONE clip; it keeps nothing from one to the next."""

    members: tuple[Member, ...]
    calibration: Calibration

    @cached_property
    def train_scores(self) -> np.ndarray:
        """(N,) mean over members of the training clips' standardised scores."""
        return np.array([mean(column) for column in zip(*(m.train_scores for m in self.members), strict=True)])

    @cached_property
    def thresholds(self) -> tuple[float, ...]:
        """Each member's own decision threshold."""
        return tuple(self.calibration.threshold(member.train_scores) for member in self.members)

    @cached_property
    def threshold(self) -> float:
        return self.calibration.threshold(self.train_scores)

    def __call__(self, wave: Wave) -> ClipScore:
        features: dict[tuple[int, int], Feature] = {}  # members of one system share theirs
        raw = []
        for member in self.members:
            chain = id(member.frontend), id(member.features)
            if chain not in features:
                features[chain] = member.features(member.frontend(wave))
            raw.append(member.scorer.score(features[chain]))
        scores = tuple(member.calibrated(float(a)) for member, a in zip(self.members, raw, strict=True))
        decisions = tuple(int(a > t) for a, t in zip(scores, self.thresholds, strict=True))
        return ClipScore(scores, decisions, mean(scores), int(mean(scores) > self.threshold))

    def record(self, wave: Wave) -> dict[str, object]:
        """What run.json says of it; MACs are those of scoring this clip by all members."""
        scorers = [member.scorer for member in self.members]
        frontends = list({id(member.frontend): member.frontend for member in self.members}.values())
        return {
            "members": [member.label for member in self.members],
            "threshold": self.threshold,
            "parameters": sum(getattr(part, "n_parameters", 0) for part in (*scorers, *frontends)),
            "macs_per_clip": macs(lambda: self(wave)),
            "frontend_medians": medians(self.members[0].frontend),
            "training_seconds": round(sum(training_seconds(part) for part in (*scorers, *frontends)), 3),
        }


def medians(frontend: FittedFrontEnd) -> dict[str, float]:
    """Of each array a front-end has learnt; of a network's weights they would tell nothing."""
    if getattr(frontend, "n_parameters", 0):
        return {}
    return {name: float(np.median(array)) for name, array in frontend.arrays().items()}


def training_seconds(part: object) -> float:
    """Of a fitted part with the history of a training, (epochs, 3); 0 for one that trains nothing."""
    history = getattr(part, "history", None)
    return 0.0 if history is None else float(history[:, 2].sum())


def mean(scores: Sequence[float] | np.ndarray) -> float:
    """In float64, added in the order given."""
    total = 0.0
    for score in scores:  # not sum(): from Python 3.12 on it compensates, and gives other bits
        total += float(score)
    return total / len(scores)
