"""Mahalanobis distance with a shrunk covariance and a shrunk target mean: clips (n, D) in, one score per clip out.

Ledoit and Wolf 2004 for the shrinkage of the covariance (scikit-learn's). Ten target clips give a poor mean, so it is
drawn towards the source mean; the covariance is that of all clips around their domain's mean, ten clips give none. The
tied covariance: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import gathered, top_mean
from asd.errors import BadInput, check


@dataclass(frozen=True)
class Mahalanobis:
    """The smaller distance over domains counts: a test clip's domain is unknown."""

    target_weight: float = 0.5  # of the target clips' own mean, the rest the source mean's; *chosen*: half-way
    top_share: float = 1.0  # of a clip's rows, the highest distances averaged; 1: all
    min_frames: int = 1  # rows of a clip

    def __post_init__(self) -> None:
        check("target_weight", self.target_weight, 0 <= self.target_weight <= 1, "from 0 to 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> MahalanobisScorer:
        from sklearn.covariance import ledoit_wolf  # slow to import

        rows, clip = gathered(features)
        rows, in_target = rows.astype(np.float64), is_target[clip]
        if len(rows) < 2:
            raise BadInput("one training row: a covariance needs two or more clips")
        own = [rows[part].mean(axis=0) for part in (~in_target, in_target) if part.any()]
        centred = rows - (np.array(own)[in_target.astype(int)] if len(own) == 2 else own[0])
        covariance, _ = ledoit_wolf(centred, assume_centered=True)
        if not np.trace(covariance) > 0:
            raise BadInput("all training clips alike: no covariance (are they copies of one recording, or silent?)")
        shrunk = [*own[:1], *((1 - self.target_weight) * own[0] + self.target_weight * mean for mean in own[1:])]
        return MahalanobisScorer(self, np.array(shrunk), np.linalg.inv(covariance))


@dataclass(frozen=True, eq=False)
class MahalanobisScorer:
    recipe: Mahalanobis
    means: np.ndarray  # (domains, D)
    precision: np.ndarray  # (D, D)

    def score(self, feature: Feature) -> float:
        away = feature.astype(np.float64)[None] - self.means[:, None]  # (domains, q, D)
        squared = np.einsum("dqi,ij,dqj->dq", away, self.precision, away)
        return top_mean(np.sqrt(np.maximum(squared, 0).min(axis=0)), self.recipe.top_share)
