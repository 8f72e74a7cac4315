"""Several back-ends on the same features as one: each standardised by its left-out training scores, then joined.

"Scoring back-ends matter more than pooling", 2026, for comparing and joining back-ends of one embedding; how they are
joined is a number here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from asd.contracts import Detector, Feature, Scorer
from asd.detectors.backends.mahalanobis import Mahalanobis
from asd.detectors.backends.nearest import NearestNeighbours
from asd.errors import check, check_least
from asd.folds import left_out_scores

JOINS: dict[str, Callable[[list[float]], float]] = {"mean": np.mean, "minimum": np.min, "maximum": np.max}


@dataclass(frozen=True)
class Combined:
    """Two back-ends; nest another to join three."""

    first: Detector = field(default_factory=NearestNeighbours)
    second: Detector = field(default_factory=Mahalanobis)
    join: str = "mean"  # or minimum, maximum
    folds: int = 10

    def __post_init__(self) -> None:
        check_least(self, 2, "folds")
        check("join", self.join, self.join in JOINS, " or ".join(JOINS))

    @property
    def min_frames(self) -> int:
        return max(self.first.min_frames, self.second.min_frames)

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> CombinedScorer:
        parts = (self.first, self.second)
        unseen = [left_out_scores(part, features, is_target) for part in parts]
        moments = [(float(scores.mean()), float(scores.std()) or 1.0) for scores in unseen]
        return CombinedScorer(self.join, tuple(part.fit(features, is_target) for part in parts), tuple(moments))


@dataclass(frozen=True)
class CombinedScorer:
    join: str
    scorers: tuple[Scorer, ...]
    moments: tuple[tuple[float, float], ...]  # mean and standard deviation of each one's left-out training scores

    def score(self, feature: Feature) -> float:
        pairs = zip(self.scorers, self.moments, strict=True)
        return float(JOINS[self.join]([(scorer.score(feature) - mean) / std for scorer, (mean, std) in pairs]))
