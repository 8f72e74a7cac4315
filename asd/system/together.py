"""Together: of chains of one machine, those that share a training are fitted and scored at once, so that each clip
goes through the trained network once. What lands in the store is what each chain would put there alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from asd.clips import Clip
from asd.contracts import Arrays, Feature, SharingDetector, SharingScorer, TrainedDetector, TrainedScorer
from asd.system.chain import Chain
from asd.system.fitted import domain_of
from asd.training import pin

Item = TypeVar("Item")


def fit_together(chains: Sequence[Chain], seed: int) -> None:
    """The scorers of one seed, and their scores of the training clips, into the store."""
    missing = [chain for chain in chains if chain.training_key and not chain.has_scorer(seed)]
    for group in alike(missing, lambda chain: chain.training_key):
        first, detectors = group[0], [chain.system.detector for chain in group]
        pin(first.device)
        (trained,) = first.trained((seed,))
        scorers = fitted_scorers(detectors, trained, seed, first.block(first.train), first.is_target)
        for chain, scorer in zip(group, scorers, strict=True):
            chain.keep_scorer(seed, scorer)
    for chain in chains:
        chain.train_scores(chain.scorer(seed))


def score_together(chains: Sequence[Chain], clips: Sequence[Clip], seed: int) -> None:
    """The scores of one seed into the store."""
    missing = [chain for chain in chains if not chain.is_done(clips, seed)]
    for group in alike(missing, lambda chain: chain.training_key):
        features = group[0].block(clips) if clips else ()
        scorers = [chain.scorer(seed) for chain in group]
        for chain, scorer, scores in zip(group, scorers, scores_of(scorers, features), strict=True):
            chain.keep_scores(clips, seed, scores, [domain_of(scorer, feature) for feature in features])


def fitted_scorers(
    detectors: Sequence[Any], trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
) -> list[TrainedScorer]:
    """Of detectors with equal trainers."""

    def fitted(group: Sequence[TrainedDetector]) -> Sequence[TrainedScorer]:
        if len(group) > 1 and isinstance(group[0], SharingDetector):
            return group[0].fit_scorers(group, trained, seed, features, is_target)
        return [detector.fit_scorer(trained, seed, features, is_target) for detector in group]

    return by_class(detectors, fitted)


def scores_of(scorers: Sequence[Any], features: Iterable[Feature]) -> list[list[float]]:
    """Of each scorer of one training and seed, the clips' scores."""

    def of_clip(feature: Feature) -> list[float]:
        def scored(group: Sequence[Any]) -> Sequence[float]:
            shares = len(group) > 1 and isinstance(group[0], SharingScorer)
            return group[0].scores(group, feature) if shares else [scorer.score(feature) for scorer in group]

        return by_class(scorers, scored)

    by_clip = [of_clip(feature) for feature in features]  # (N, scorers)
    return [[scores[i] for scores in by_clip] for i in range(len(scorers))]


def by_class(items: Sequence[Item], make: Callable[[Sequence[Item]], Sequence[Any]]) -> list[Any]:
    """What `make` gives for items of one class at a time, in the items' order."""
    made: dict[int, Any] = {}
    for numbers in alike(range(len(items)), lambda i: type(items[i])):
        made |= zip(numbers, make([items[i] for i in numbers]), strict=True)
    return [made[i] for i in range(len(items))]


def alike(items: Iterable[Item], kind: Callable[[Item], Any]) -> list[list[Item]]:
    """Items of the same kind, in their order."""
    groups: dict[Any, list[Item]] = {}
    for item in items:
        groups.setdefault(kind(item), []).append(item)
    return list(groups.values())
