"""Nearest neighbours per domain, in units of the domain's own typical distance: clips (n, D) in, a score per clip out.

A source domain of 990 clips is dense, a target domain of 10 sparse; over what is typical of each, a distance means the
same in both, so that one threshold serves both. Nearest-neighbour scoring of frozen embeddings and the mix-up of
target rows with source rows: Saengthong and Shinozaki, "Deep generic representations for domain-generalized anomalous
sound detection" (GenRep), 2025. The domain's own unit is *chosen*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import FOLDS, Bank, by_domain, check_metric, top_mean, units_of
from asd.detectors.backends.scaling import AsTheyAre, RowScaling
from asd.errors import check, check_least


@dataclass(frozen=True)
class NearestNeighbours:
    """The smaller of both domains' ratios counts: a test clip's domain is unknown."""

    neighbours: int = 2  # k, mean distance to so many rows; *chosen*: one outlier among ten target clips cannot decide
    metric: str = "euclidean"  # or cosine
    unit_quantile: float = 0.5  # of the distances of a domain's training rows to their neighbours, its unit; the median
    scaling: RowScaling = field(default_factory=AsTheyAre)
    mixup: float = 0.0  # share of a target row kept when it is mixed with its nearest source rows; 0: no mix-up
    mixup_neighbours: int = 5  # source rows each target row is mixed with, where mixup is above 0; *chosen*
    top_share: float = 1.0  # of a clip's rows, the highest ratios averaged; 1: all
    min_frames: int = 1  # rows of a clip
    folds: int = FOLDS

    def __post_init__(self) -> None:
        check_least(self, 1, "min_frames")
        check_least(self, 2, "folds")
        check("neighbours", self.neighbours, self.neighbours >= 1, "at least 1")
        check("mixup", self.mixup, 0 <= self.mixup < 1, "from 0 (none) to below 1")
        check("mixup_neighbours", self.mixup_neighbours, self.mixup_neighbours >= 1, "at least 1")
        check("unit_quantile", self.unit_quantile, 0 < self.unit_quantile <= 1, "above 0, at most 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")
        check_metric(self.metric)

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> NearestScorer:
        units = self.scaling.units(np.concatenate(list(features)))  # (D,)
        domains = by_domain([f / units for f in features], is_target, self.neighbours, self.metric)
        typical = units_of([bank.own_distances() for bank in domains], self.unit_quantile)
        if self.mixup and len(domains) == 2:
            domains[1] = self._with_mixtures(*domains)
        return NearestScorer(self, units, tuple(domains), typical)

    def _with_mixtures(self, source: Bank, target: Bank) -> Bank:
        """The target bank and, beside each of its rows x, `a x + (1 - a) s` for the nearest source rows s."""
        near = Bank(source.rows, source.clip, self.mixup_neighbours, self.metric).nearest(target.rows)  # (n, k)
        mixed = self.mixup * target.rows[:, None] + (1 - self.mixup) * source.rows[near]  # (n, k, D)
        rows = np.concatenate([target.rows, mixed.reshape(-1, target.rows.shape[1])])
        clip = np.concatenate([target.clip, np.repeat(target.clip, near.shape[1])])
        return Bank(rows, clip, self.neighbours, self.metric)


@dataclass(frozen=True, eq=False)
class NearestScorer:
    recipe: NearestNeighbours
    units: np.ndarray  # (D,) that a row's dimensions are divided by
    banks: tuple[Bank, ...]  # of source and target, as far as there are clips
    typical: np.ndarray  # (domains,) the unit of each

    def score(self, feature: Feature) -> float:
        rows = feature / self.units
        ratios = [bank.distances(rows) / typical for bank, typical in zip(self.banks, self.typical, strict=True)]
        return top_mean(np.min(ratios, axis=0), self.recipe.top_share)
