"""Calibration: training scores (N,) in, a common scale for scores and a decision threshold out.

A threshold never sees a test clip: it is a quantile of the training clips' own scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from asd.contracts import Score
from asd.errors import BadInput, check

SAME = 1e-5  # of the largest score


def quantile_of_domains(scores: np.ndarray, is_target: np.ndarray, quantile: float) -> float:
    """The quantile of a mixture of both domains, half and half, scores (N,), is_target (N,).

    Ten target clips tell where their domain's scores lie, but not how they spread: the target half is the source
    clips' scores moved to the target clips' mean. *Chosen* among ten rules, see systems/papers/reference_denoising.md.
    With one domain alone, the quantile of its scores.

    >>> quantile_of_domains(np.array([1.0, 2.0, 3.0, 9.0]), np.array([0, 0, 0, 1], bool), 0.5)
    5.5
    """
    source, target = scores[~is_target], scores[is_target]
    if not len(source) or not len(target):
        return float(np.quantile(scores, quantile))
    return float(np.quantile([*source, *(source - np.mean(source) + np.mean(target))], quantile))


def is_constant(scores: np.ndarray) -> bool:
    """Whether scores (N,) differ by no more than arithmetic in float32 makes equal clips differ."""
    return bool(np.ptp(scores) <= SAME * np.max(np.abs(scores)))


def gamma_fit(scores: np.ndarray) -> tuple[float, float]:
    """Maximum-likelihood shape and scale of a gamma distribution at location 0, scores (N,) positive.

    The location is held at 0: a free one makes the likelihood unbounded on few clips.
    """
    if not np.all(np.isfinite(scores)) or np.min(scores) <= 0 or is_constant(scores):
        raise BadInput(
            f"training scores from {np.min(scores):g} to {np.max(scores):g}: a gamma distribution needs finite, "
            "positive scores that differ (are all training clips the same recording, or digitally silent? behind a "
            "detector that decides the domain, calibration=NormalStandardised)"
        )
    from scipy import stats  # slow to import, and workers do without

    shape, _, scale = stats.gamma.fit(scores, floc=0)
    return float(shape), float(scale)


def check_quantile(quantile: float) -> None:
    check("quantile", quantile, 0 < quantile < 1, "a share of the training clips, above 0 and below 1,")


@dataclass(frozen=True)
class GammaThreshold:
    """The organisers' rule on clip scores: raw scores, threshold at a quantile of their gamma distribution."""

    quantile: float = 0.9  # of the gamma fitted to the training clips' scores; organisers' baseline

    def __post_init__(self) -> None:
        check_quantile(self.quantile)

    def fit(self, train_scores: np.ndarray) -> Unchanged:
        return Unchanged()

    def threshold(self, train_scores: np.ndarray, is_target: np.ndarray) -> float:
        shape, scale = gamma_fit(train_scores)
        return float(gammaincinv(shape, self.quantile) * scale)


@dataclass(frozen=True)
class Unchanged:
    """Scores stay on the detector's own scale."""

    def __call__(self, score: Score) -> Score:
        return score


@dataclass(frozen=True)
class QuantileOfDomains:
    """The threshold of calibrations that put scores on a common scale: a quantile of both domains."""

    quantile: float = 0.9  # of the training clips' standardised scores, both domains alike: decision threshold

    def __post_init__(self) -> None:
        check_quantile(self.quantile)

    def threshold(self, train_scores: np.ndarray, is_target: np.ndarray) -> float:
        return quantile_of_domains(train_scores, is_target, self.quantile)


@dataclass(frozen=True)
class GammaStandardised(QuantileOfDomains):
    """Scores in standard deviations of the training scores' fitted gamma, threshold at a quantile of both domains.

    (A - mean) / std keeps the order of far-out clips apart; the gamma's CDF would saturate at 1 and tie them.
    """

    def fit(self, train_scores: np.ndarray) -> Standardised:
        shape, scale = gamma_fit(train_scores)
        return Standardised(mean=shape * scale, std=shape**0.5 * scale)


@dataclass(frozen=True)
class Standardised:
    mean: float  # of the training scores, or of the gamma fitted to them
    std: float

    def __call__(self, score: Score) -> Score:
        return (score - self.mean) / self.std  # type: ignore[operator, return-value]


@dataclass(frozen=True)
class NormalStandardised(QuantileOfDomains):
    """Scores of either sign in standard deviations of the training scores, threshold at a quantile of both domains."""

    def fit(self, train_scores: np.ndarray) -> Standardised:
        mean, std = float(np.mean(train_scores)), float(np.std(train_scores))
        if not np.isfinite(mean) or not 0 < std < np.inf or is_constant(train_scores):
            raise BadInput(
                f"training scores from {np.min(train_scores):g} to {np.max(train_scores):g}: finite scores that differ "
                "expected (are all training clips the same recording, or digitally silent?)"
            )
        return Standardised(mean, std)
