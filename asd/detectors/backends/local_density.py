"""Nearest-neighbour distance over the local density of where it leads: clips (n, D) in, one score per clip out.

Wilkinghoff, Yang, Ebbers, Germain, Wichern and Le Roux, "Keeping the balance: anomaly score calculation for domain
generalization" (ICASSP 2025): the distance to a training row is divided by that row's own mean distance to its
neighbours, so that dense source and sparse target regions score alike without a domain label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import FOLDS, TINY, Bank, check_metric, gathered, top_mean
from asd.errors import check, check_least


@dataclass(frozen=True)
class LocalDensity:
    """`min d(x, y) / r(y)` over training rows y, r(y) the mean distance of y to its k nearest rows of other clips."""

    neighbours: int = 4  # k of the local density; *chosen* among 1 to 16 of the paper, for ten target clips
    metric: str = "euclidean"  # or cosine
    top_share: float = 1.0  # of a clip's rows, the highest scores averaged; 1: all
    min_frames: int = 1  # rows of a clip
    folds: int = FOLDS

    def __post_init__(self) -> None:
        check_least(self, 1, "min_frames")
        check_least(self, 2, "folds")
        check("neighbours", self.neighbours, self.neighbours >= 1, "at least 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")
        check_metric(self.metric)

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> LocalDensityScorer:
        bank = Bank(*gathered(features), self.neighbours, self.metric)
        radii = bank.own_distances()  # (n,)
        return LocalDensityScorer(self, bank, np.where(np.isfinite(radii), radii, 1.0))


@dataclass(frozen=True, eq=False)
class LocalDensityScorer:
    recipe: LocalDensity
    bank: Bank
    radii: np.ndarray  # (n,) mean distance of each training row to its neighbours

    def score(self, feature: Feature) -> float:
        ratios = np.maximum(self.bank.all_distances(feature), TINY) / self.radii  # (q, n)
        return top_mean(ratios.min(axis=1), self.recipe.top_share)
