"""The blended score of a residual autoencoder: Mahalanobis distance and energy of the residuals of a clip's frames.

Kim 2026 ("Noise-aware reference denoising"), eq. (1) and sec. 4.2. Residual vectors e are (context * D,) = (640,).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Protocol

import numpy as np
from scipy.linalg import solve_triangular

from asd.clips import DOMAINS
from asd.contracts import Arrays
from asd.detectors.scoring import Residuals
from asd.errors import BadInput, check, check_above_0

ROWS = 20_000  # residual vectors at most that a shrinkage is estimated on
BLOCK = 2048  # residual vectors whose outer products are summed at once: twice as fast as a clip's 300


class Covariance(Protocol):
    def regularise(self, covariance: np.ndarray, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """A well-conditioned covariance from the sample's (E, E), some of its rows (n, E) and the mean (E,) of all."""


@dataclass(frozen=True)
class Ridge:
    """`Σ + ridge * mean(diag Σ) * I`"""

    ridge: float = 1e-3  # of the mean variance; *chosen*: keeps 640 dimensions invertible, far below typical variances

    def __post_init__(self) -> None:
        check_above_0(self, "ridge")

    def regularise(self, covariance: np.ndarray, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return covariance + self.ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


@dataclass(frozen=True)
class LedoitWolf:
    """Shrinkage towards a multiple of the identity by Ledoit and Wolf's formula (scikit-learn's)."""

    def regularise(self, covariance: np.ndarray, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
        from sklearn.covariance import ledoit_wolf_shrinkage  # slow to import

        shrinkage = ledoit_wolf_shrinkage(rows - mean, assume_centered=True)
        scale = np.trace(covariance) / len(covariance)
        return (1 - shrinkage) * covariance + shrinkage * scale * np.eye(len(covariance))


@dataclass(frozen=True)
class Blend:
    """`A = (1 - α) P_q{(e - ē)' Σ^-1 (e - ē)} + α P_q{|e|^2}`, eq. (1), P_q the q-th percentile over the clip's frames.

    Re-scorings of sec. 4.2, off by default:
    * domain means (DM): ē becomes the domain's own mean ē_d, subtracted in both terms;
    * shrinkage: the target domain's covariance is `(1 - w) Σ + w Σ_target`, Σ that of all training clips (99 % source).
    With either, a clip has a distance from each domain's statistics; the detector's `domains` decide which counts.
    """

    alpha: float = 0.2  # weight of the energy term; eq. (1)
    percentile: float = 90.0  # over frames; eq. (1); 95 in the champion
    domain_mean: float = 0.0  # 0: one mean ē for all; 1: each domain's own (DM)
    target_weight: float = 0.0  # w, share of the target domain's own covariance; 0: one Σ for all
    covariance: Covariance = field(default_factory=Ridge)

    def __post_init__(self) -> None:
        for name in ("alpha", "domain_mean", "target_weight"):
            check(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "from 0 to 1")
        check("percentile", self.percentile, 0 <= self.percentile <= 100, "from 0 to 100")

    def fit(self, residuals: Residuals) -> Arrays:
        """Means, energy centres (2, E), whitening matrices (2, E, E) of source and target; one of each where alike."""
        (source, target), rows = residuals.once(moments_of)
        everything = source + target
        own = [m.mean if m.count else everything.mean for m in (source, target)]
        means = np.array([(1 - self.domain_mean) * everything.mean + self.domain_mean * mean for mean in own])
        shared = self.covariance.regularise(everything.covariance, rows, everything.mean)
        of_target = self.covariance.regularise(target.covariance, rows, everything.mean) if target.count > 1 else shared
        covariances = shared, (1 - self.target_weight) * shared + self.target_weight * of_target
        kinds = len(DOMAINS) if self.domain_mean or self.target_weight else 1
        whitenings = np.array([whitening(c) for c in covariances[:kinds]])
        named = {"means": means[:kinds], "whitenings": whitenings, "centres": self.domain_mean * np.array(own[:kinds])}
        return {name: values.astype(np.float32) for name, values in named.items()}

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        terms = self.terms(fitted, residual)  # (kinds, 2, F')
        distance, energy = np.percentile(terms, self.percentile, axis=-1).T  # (kinds,)
        return (1 - self.alpha) * distance + self.alpha * energy

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        distance, energy = self.terms(fitted, residual).swapaxes(0, 1)  # (kinds, F')
        return (1 - self.alpha) * distance + self.alpha * energy

    def terms(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """(kinds, 2, F') Mahalanobis distance and energy of each vector, by each domain's statistics."""
        e = residual.reshape(len(residual), -1)  # (F', E)
        kinds = zip(fitted["means"], fitted["whitenings"], fitted["centres"], strict=True)
        pairs = (((e - mean) @ whitening, e - centre) for mean, whitening, centre in kinds)
        return np.array([[np.square(x, dtype=np.float64).sum(axis=1) for x in pair] for pair in pairs])


@dataclass(frozen=True)
class Moments:
    """Count, sum (E,) and sum of outer products (E, E) of residual rows, in float64."""

    count: int
    total: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Moments:
        e = rows.astype(np.float64)
        return cls(len(e), e.sum(axis=0), e.T @ e)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.products + other.products)

    @property
    def mean(self) -> np.ndarray:
        return self.total / max(self.count, 1)

    @property
    def covariance(self) -> np.ndarray:
        return self.products / max(self.count, 1) - np.outer(self.mean, self.mean)


def moments_of(residuals: Residuals) -> tuple[list[Moments], np.ndarray]:
    """Of source and target residual rows, and about ROWS rows (n, E) spread evenly over the clips; in one pass."""
    moments, some = [Moments(0, np.zeros(()), np.zeros(()))] * len(DOMAINS), []
    share = max(1, ROWS // len(residuals.is_target))

    def rows(clips: Iterable[tuple[bool, np.ndarray]]) -> Iterator[np.ndarray]:
        for _, residual in clips:
            e = residual.reshape(len(residual), -1)  # (F', E)
            some.append(e[:: max(1, len(e) // share)].copy())  # not the whole clip
            yield e

    for is_target, clips in groupby(zip(residuals.is_target, residuals.clips(), strict=True), key=itemgetter(0)):
        for block in joined(rows(clips)):
            moments[int(is_target)] = moments[int(is_target)] + Moments.of(block)
    return moments, np.concatenate(some)


def joined(arrays: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Neighbouring arrays (n, E) as one of BLOCK rows or somewhat more; the last may have fewer."""
    waiting: list[np.ndarray] = []
    for array in arrays:
        waiting.append(array)
        if sum(map(len, waiting)) >= BLOCK:
            yield np.concatenate(waiting)
            waiting.clear()
    if waiting:
        yield np.concatenate(waiting)


def whitening(covariance: np.ndarray) -> np.ndarray:
    """W (E, E) with |W' x|^2 = x' Σ^-1 x."""
    try:
        lower = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise BadInput("the residual covariance is singular: digitally silent training clips, or ridge at 0") from error
    return solve_triangular(lower, np.eye(len(lower)), lower=True).T
