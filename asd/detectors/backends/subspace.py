"""Residual to a principal subspace: clips (n, D) in, one score per clip out.

What normal clips vary in spans a subspace; what lies outside of it is new. Jackson and Mudholkar 1979 (the Q statistic
of principal components), scikit-learn's PCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.contracts import Feature
from asd.detectors.backends.bank import gathered, top_mean
from asd.errors import check, check_least


@dataclass(frozen=True)
class SubspaceResidual:
    """Distance to the subspace, around the mean of all training clips."""

    variance: float = 0.9  # share of the training clips' variance that the subspace holds; *chosen*
    top_share: float = 1.0  # of a clip's rows, the highest residuals averaged; 1: all
    min_frames: int = 1  # rows of a clip

    def __post_init__(self) -> None:
        check_least(self, 1, "min_frames")
        check("variance", self.variance, 0 < self.variance < 1, "above 0 and below 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> SubspaceScorer:
        from sklearn.decomposition import PCA  # slow to import

        rows, _ = gathered(features)
        found = PCA(self.variance, svd_solver="full").fit(rows.astype(np.float64))
        return SubspaceScorer(self, found.mean_, found.components_)


@dataclass(frozen=True, eq=False)
class SubspaceScorer:
    recipe: SubspaceResidual
    mean: np.ndarray  # (D,)
    components: np.ndarray  # (r, D) orthonormal

    def score(self, feature: Feature) -> float:
        away = feature.astype(np.float64) - self.mean  # (q, D)
        residual = away - away @ self.components.T @ self.components
        return top_mean(np.linalg.norm(residual, axis=1), self.recipe.top_share)
