"""A fitted system of one machine: a wave (C, T) in, one clip's scores and decisions out.

It knows parts by their protocols alone, and keeps nothing from one clip to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from asd.contracts import (
    AnyFeatures,
    Audible,
    Calibrated,
    Calibration,
    Encoder,
    Feature,
    FittedFrontEnd,
    Score,
    Scorer,
    Wave,
)
from asd.errors import BadInput
from asd.macs import macs

Shared = TypeVar("Shared")


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
    system: str  # seeds of one system share calibration and threshold
    frontend: FittedFrontEnd
    features: AnyFeatures
    min_frames: int  # the shortest clip that the scorer takes
    scorer: Scorer
    train_scores: np.ndarray  # (N,) the scorer's, each training clip as if it had not been seen; nan: it has none

    @property
    def domains(self) -> np.ndarray:
        """(N,) 1 where the scorer holds a training clip to the target domain, else 0."""
        if not decides_domain(self.scorer):
            return np.zeros(len(self.train_scores))
        return self.scorer.train_domains  # type: ignore[attr-defined]


@dataclass(frozen=True)
class FittedSystem:
    """A system or ensemble fitted to one machine. Calling it scores ONE clip; it keeps nothing from one to the next."""

    members: tuple[Member, ...]
    calibration: Calibration
    weights: tuple[float, ...]  # of each member in the mean
    is_target: np.ndarray  # (N,) domain of each training clip

    @cached_property
    def systems(self) -> dict[str, list[int]]:
        """The numbers of each system's members."""
        numbers: dict[str, list[int]] = {}
        for i, member in enumerate(self.members):
            numbers.setdefault(member.system, []).append(i)
        return numbers

    @cached_property
    def offsets(self) -> tuple[float, ...]:
        """Each member's: how much higher target clips score than source clips, where its scorer decides the domain.

        The seeds of a system share it: the means are over all scores of clips that they have not seen.
        """
        return self._shared(lambda numbers: self._offset([self.members[i] for i in numbers]))

    def _shared(self, of_system: Callable[[list[int]], Shared]) -> tuple[Shared, ...]:
        """For each member what its system has, from the numbers of the system's members."""
        found = {system: of_system(numbers) for system, numbers in self.systems.items()}
        return tuple(found[member.system] for member in self.members)

    def _offset(self, members: Sequence[Member]) -> float:
        if not all(decides_domain(member.scorer) for member in members):
            return 0.0
        scores, domains = (
            np.concatenate(parts) for parts in zip(*((m.train_scores, m.domains) for m in members), strict=True)
        )
        found, domain = known(scores, domains)
        source, target = found[domain == 0], found[domain == 1]
        return float(np.mean(target) - np.mean(source)) if len(source) and len(target) else 0.0

    @cached_property
    def calibrated(self) -> tuple[Calibrated, ...]:
        """Each member's; the seeds of a system share one, fitted to all scores of clips that they have not seen."""
        moved = [m.train_scores - o * m.domains for m, o in zip(self.members, self.offsets, strict=True)]
        return self._shared(lambda numbers: self.calibration.fit(known(np.concatenate([moved[i] for i in numbers]))[0]))

    def standardised(self, number: int, score: Score, is_target: Score) -> Score:
        """A member's score on the common scale; is_target, 0 or 1, the domain that it holds the clip to."""
        return self.calibrated[number](score - self.offsets[number] * is_target)  # type: ignore[operator, return-value]

    @cached_property
    def member_train_scores(self) -> tuple[np.ndarray, ...]:
        """(N,) each member's standardised scores of the training clips, nan where it has none."""
        return tuple(self.standardised(i, m.train_scores, m.domains) for i, m in enumerate(self.members))

    @cached_property
    def train_scores(self) -> np.ndarray:
        """(N,) of each training clip the mean over systems of the mean over their seeds that have a score of it."""
        means = [known_mean([self.member_train_scores[i] for i in numbers]) for numbers in self.systems.values()]
        return known_mean(means, [sum(self.weights[i] for i in numbers) for numbers in self.systems.values()])

    @cached_property
    def thresholds(self) -> tuple[float, ...]:
        """Each member's decision threshold; seeds of a system share it."""

        def of_system(numbers: list[int]) -> float:
            scores = np.concatenate([self.member_train_scores[i] for i in numbers])
            return self.calibration.threshold(*known(scores, np.tile(self.is_target, len(numbers))))

        return self._shared(of_system)

    @cached_property
    def threshold(self) -> float:
        return self.calibration.threshold(*known(self.train_scores, self.is_target))

    def __call__(self, wave: Wave) -> ClipScore:
        """Raises BadInput for what is not a clip's wave: channels first, more samples than channels."""
        if not isinstance(wave, np.ndarray) or wave.ndim != 2 or len(wave) > wave.shape[1] or wave.dtype.kind != "f":
            found = f"{wave.dtype} of shape {wave.shape}" if isinstance(wave, np.ndarray) else type(wave).__name__
            raise BadInput(
                f"{found}: a wave (C, T) of floats expected, channel 0 near (is it (T, C)? then transpose it)"
            )
        standardised = []
        for i, (member, feature) in enumerate(zip(self.members, self.features(wave), strict=True)):
            score, is_target = member.scorer.score(feature), domain_of(member.scorer, feature)
            standardised.append(self.standardised(i, float(score), is_target))
        scores = tuple(standardised)
        decisions = tuple(int(a > t) for a, t in zip(scores, self.thresholds, strict=True))
        score = mean(scores, self.weights)
        return ClipScore(scores, decisions, score, int(score > self.threshold))

    def features(self, wave: Wave) -> list[Feature]:
        """Each member's (F, D) of one clip; a system's members share theirs. Raises BadInput for too short a clip."""
        made: dict[tuple[int, int, int], Feature] = {}
        chains = [(id(m.frontend), id(m.features), m.min_frames) for m in self.members]
        for member, chain in zip(self.members, chains, strict=True):
            if chain not in made:
                made[chain] = checked_feature(member.frontend, member.features, member.min_frames, wave)
        return [made[chain] for chain in chains]

    def contributions(self, wave: Wave) -> np.ndarray | None:
        """(F',) what each frame says, on the scale of the score, mean over members; None where a scorer tells nothing
        of frames (asd.contracts.Scorer), or members tell of different ones.
        """
        if not all(hasattr(member.scorer, "contributions") for member in self.members):
            return None
        told = []
        for i, (member, feature) in enumerate(zip(self.members, self.features(wave), strict=True)):
            of_frames = member.scorer.contributions(feature)  # type: ignore[attr-defined]
            told.append(self.standardised(i, of_frames, domain_of(member.scorer, feature)))
        alike = len({len(of_frames) for of_frames in told}) == 1
        return np.average(told, axis=0, weights=self.weights) if alike else None

    def record(self, wave: Wave) -> dict[str, object]:
        """What run.json says of it; MACs are those of scoring this clip by all members."""
        scorers = [member.scorer for member in self.members]
        frontends = list({id(member.frontend): member.frontend for member in self.members}.values())
        features = list({id(member.features): member.features for member in self.members}.values())
        return {
            "members": [member.label for member in self.members],
            "threshold": self.threshold,
            "parameters": sum(getattr(part, "n_parameters", 0) for part in (*scorers, *frontends, *features)),
            "macs_per_clip": macs(lambda: self(wave)),
            "frontend_medians": medians(self.members[0].frontend),
            "training_seconds": round(sum(training_seconds(part) for part in (*scorers, *frontends)), 3),
        }


def described(frontend: FittedFrontEnd, features: AnyFeatures, wave: Wave) -> Feature:
    """One clip's features (F, D): of the front-end's power, or of its sound where an encoder hears it."""
    if not isinstance(features, Encoder):
        return features(frontend(wave))
    if not isinstance(frontend, Audible):
        raise BadInput(
            f"{type(features).__name__} hears sound, and the front-end ({type(frontend).__name__}) gives none "
            "(take one that does: Near, RefSub, AdaSub, CohGate, Canceller, Distilled, ...)"
        )
    return features.embed(frontend.sound(wave))


def checked_feature(frontend: FittedFrontEnd, features: AnyFeatures, min_frames: int, wave: Wave) -> Feature:
    """(F, D). Raises BadInput for a clip too short for the detector."""
    feature = described(frontend, features, wave)
    if len(feature) < min_frames:
        raise BadInput(f"{len(feature)} frames; the detector needs at least {min_frames} (was the clip cut off?)")
    return feature


def domain_of(scorer: Scorer, feature: Feature) -> float:
    """1.0 where the scorer holds the clip to the target domain, else 0.0."""
    return float(scorer.domain(feature)) if decides_domain(scorer) else 0.0  # type: ignore[attr-defined]


def decides_domain(scorer: Scorer) -> bool:
    return getattr(scorer, "decides_domain", False)


def known(scores: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Scores (N,) that are not nan, and of the others (N,) those beside them. Raises BadInput for fewer than two."""
    there = ~np.isnan(scores)
    if there.sum() < 2:
        raise BadInput(
            f"{there.sum()} training clips scored as unseen, at least two expected for a threshold "
            "(too few training clips, or too few seeds?)"
        )
    return [array[there] for array in (scores, *others)]


def known_mean(columns: Sequence[np.ndarray], weights: Sequence[float] = ()) -> np.ndarray:
    """(N,) weighted mean of those columns (N,) that are not nan there; nan where all are."""
    values = np.array(columns)  # (S, N)
    shares = np.array(weights or [1.0] * len(values))[:, None] * ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.nansum(shares * values, axis=0) / shares.sum(axis=0)


def medians(frontend: FittedFrontEnd) -> dict[str, float]:
    """Of each array a front-end has learnt; of a network's weights they would tell nothing."""
    if getattr(frontend, "n_parameters", 0):
        return {}
    return {name: float(np.median(array)) for name, array in frontend.arrays().items()}


def training_seconds(part: object) -> float:
    """Of a fitted part with the history of a training, (epochs, 3); 0 for one that trains nothing."""
    history = getattr(part, "history", None)
    return 0.0 if history is None else float(history[:, 2].sum())


def mean(scores: Sequence[float], weights: Sequence[float] = ()) -> float:
    """In float64, added in the order given; without weights, all count alike."""
    total = of_weights = 0.0
    for score, weight in zip(scores, weights or (1.0,) * len(scores), strict=True):  # not sum(): 3.12 has other bits
        total += weight * float(score)
        of_weights += weight
    return total / of_weights
