"""Which domain's statistics a clip is held to: distances to source and target in, one score out.

A test clip's domain is unknown. What decides it is fitted to the training clips alone and sees one clip at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from asd.contracts import Arrays, Feature
from asd.errors import BadInput


class Domains(Protocol):
    def fit(self, features: Iterable[Feature], is_target: np.ndarray) -> Arrays:
        """From training-normal features (F, D) and the domain (N,) of each."""

    @property
    def decides(self) -> bool:
        """Whether `is_target` decides, and not the distances."""

    def is_target(self, fitted: Arrays, feature: Feature) -> bool:
        """Whether a clip is held to the target domain, where that is decided."""

    def chosen(self, fitted: Arrays, feature: Feature, distances: np.ndarray) -> int:
        """Which of one clip's distances counts: (1,) to all training clips or (2,) to source and target."""


@dataclass(frozen=True)
class NearerDomain:
    """The smaller distance counts; the organisers' selective Mahalanobis score."""

    def fit(self, features: Iterable[Feature], is_target: np.ndarray) -> Arrays:
        return {}

    decides: ClassVar = False

    def is_target(self, fitted: Arrays, feature: Feature) -> bool:
        raise NotImplementedError("the distances decide")

    def chosen(self, fitted: Arrays, feature: Feature, distances: np.ndarray) -> int:
        return int(distances.argmin())


@dataclass(frozen=True)
class DiscriminatedDomain:
    """A linear discriminant of the clip's mean spectrum decides; its level, the mean over bands, is taken out.

    Shrinkage by Ledoit and Wolf, both domains equally likely (scikit-learn's LinearDiscriminantAnalysis). The spectrum
    is that of the features, behind the front-end: with less noise in it the domains are told apart better than near.
    """

    def fit(self, features: Iterable[Feature], is_target: np.ndarray) -> Arrays:
        """`discriminant` (D + 1,): weights of the bands, then the constant; above 0 is target."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # slow to import

        if is_target.all() or not is_target.any():
            raise BadInput(
                "training clips of one domain: both expected by a discriminant of the domains (NearerDomain?)"
            )
        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=(0.5, 0.5))
        analysis.fit(np.array([spectrum(feature) for feature in features]), is_target)
        return {"discriminant": np.array([*analysis.coef_[0], analysis.intercept_[0]])}

    decides: ClassVar = True

    def is_target(self, fitted: Arrays, feature: Feature) -> bool:
        *weights, constant = fitted["discriminant"]
        return bool(spectrum(feature) @ np.array(weights) + constant > 0)

    def chosen(self, fitted: Arrays, feature: Feature, distances: np.ndarray) -> int:
        return int(self.is_target(fitted, feature)) if len(distances) > 1 else 0


def spectrum(feature: Feature) -> np.ndarray:
    """Log-mel (F, D) in dB -> (D,) mean over frames, less its mean over bands."""
    mean = feature.mean(axis=0, dtype=np.float64)
    return mean - mean.mean()
