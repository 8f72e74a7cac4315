"""Sub-band memory banks: each band of the features has a bank of its own, and their scores are averaged.

A fault often shows in a few bands; in one distance over all of them it drowns. Each band's neighbour may be another
clip. Sub-band matching of spectral statistics in anomalous sound detection, 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import FOLDS
from asd.detectors.backends.nearest import NearestNeighbours, NearestScorer
from asd.errors import check, check_least


@dataclass(frozen=True)
class SubBands:
    """The dimensions in `bands` groups of neighbours, a nearest-neighbour score in each, then the mean."""

    bands: int = 8  # *chosen*: an octave or so each over 128 mel bands
    nearest: NearestNeighbours = field(default_factory=NearestNeighbours)
    min_frames: int = 1  # rows of a clip
    folds: int = FOLDS

    def __post_init__(self) -> None:
        check_least(self, 1, "min_frames")
        check_least(self, 2, "folds")
        check("bands", self.bands, self.bands >= 1, "at least 1")

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> SubBandScorer:
        check(
            "bands", self.bands, self.bands <= features[0].shape[1], f"at most {features[0].shape[1]}, the dimensions,"
        )
        split = [self.split(feature) for feature in features]
        scorers = (self.nearest.fit([parts[i] for parts in split], is_target) for i in range(self.bands))
        return SubBandScorer(self, tuple(scorers))

    def split(self, feature: Feature) -> list[np.ndarray]:
        """(n, D) -> `bands` of (n, D / bands)"""
        return np.array_split(feature, self.bands, axis=1)


@dataclass(frozen=True)
class SubBandScorer:
    recipe: SubBands
    scorers: tuple[NearestScorer, ...]

    def score(self, feature: Feature) -> float:
        parts = self.recipe.split(feature)
        return float(np.mean([scorer.score(part) for scorer, part in zip(self.scorers, parts, strict=True)]))
