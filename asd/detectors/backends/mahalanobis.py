"""Mahalanobis distance with a shrunk covariance and a shrunk target mean: clips (n, D) in, one score per clip out.

Ledoit and Wolf 2004 for the shrinkage of the covariance (scikit-learn's). Ten target clips give a poor mean, so it can
be drawn towards the source mean; the covariance is that of all clips around their domain's mean: ten clips give none.
The tied covariance: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import gathered, top_mean, units_of
from asd.errors import BadInput, check, check_least
from asd.folds import FOLDS, folds


@dataclass(frozen=True)
class Mahalanobis:
    """The smaller distance over domains counts, each in the domain's own unit: a test clip's domain is unknown."""

    target_weight: float = 1.0  # of the target clips' own mean, the rest the source mean's; *chosen*: systems/README
    unit_quantile: float = 0.5  # of a domain's own left-out distances, its unit; the median
    top_share: float = 1.0  # of a clip's rows, the highest distances averaged; 1: all
    min_frames: int = 1  # rows of a clip

    def __post_init__(self) -> None:
        check_least(self, 1, "min_frames")
        check("target_weight", self.target_weight, 0 <= self.target_weight <= 1, "from 0 to 1")
        check("unit_quantile", self.unit_quantile, 0 < self.unit_quantile <= 1, "above 0, at most 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> MahalanobisScorer:
        rows, clip = gathered(features)
        rows, in_target = rows.astype(np.float64), is_target[clip]
        return MahalanobisScorer(self, *self._moments(rows, in_target), self._units(rows, clip, is_target))

    def _moments(self, rows: np.ndarray, in_target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (domains, D), the target's shrunk, and precision (D, D) of rows (n, D)."""
        from sklearn.covariance import ledoit_wolf  # slow to import

        if len(rows) < 2:
            raise BadInput("one training row: a covariance needs two or more clips")
        own = [rows[part].mean(axis=0) for part in (~in_target, in_target) if part.any()]
        centred = rows - (np.array(own)[in_target.astype(int)] if len(own) == 2 else own[0])
        covariance, _ = ledoit_wolf(centred, assume_centered=True)
        if not np.trace(covariance) > 0:
            raise BadInput("all training clips alike: no covariance (are they copies of one recording, or silent?)")
        means = [*own[:1], *((1 - self.target_weight) * own[0] + self.target_weight * mean for mean in own[1:])]
        return np.array(means), np.linalg.inv(covariance)

    def _units(self, rows: np.ndarray, clip: np.ndarray, is_target: np.ndarray) -> np.ndarray:
        """(domains,) a quantile of the distances of a domain's training rows, each clip left out of mean and precision.

        So that one threshold serves both domains, as in `nearest`. A domain of one clip takes the other's unit.
        """
        in_target, fold = is_target[clip], folds(is_target, FOLDS)[clip]
        found = np.full(len(rows), np.nan)
        for held_out in np.unique(fold):
            rest = fold != held_out
            if rest.sum() > 1:
                means, precision = self._moments(rows[rest], in_target[rest])
                for domain, mean in zip(np.unique(in_target[rest]), means, strict=True):
                    part = ~rest & (in_target == domain)
                    found[part] = distances(rows[part] - mean, precision)
        return units_of([found[in_target == domain] for domain in np.unique(in_target)], self.unit_quantile)


@dataclass(frozen=True, eq=False)
class MahalanobisScorer:
    recipe: Mahalanobis
    means: np.ndarray  # (domains, D)
    precision: np.ndarray  # (D, D)
    units: np.ndarray  # (domains,)

    def score(self, feature: Feature) -> float:
        each = [distances(feature - mean, self.precision) / u for mean, u in zip(self.means, self.units, strict=True)]
        return top_mean(np.min(each, axis=0), self.recipe.top_share)


def distances(away: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """(q, D) -> (q,) `sqrt(x' P x)`"""
    away = away.astype(np.float64)
    return np.sqrt(np.maximum(np.einsum("qi,ij,qj->q", away, precision, away, optimize=True), 0))
