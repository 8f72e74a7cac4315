"""Scorings of an autoencoder: reconstruction residuals in, a clip's distances out. No training of weights happens here.

A clip's residual is (F, context, D): F vectors of `context` neighbouring frames of D features, input minus output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from asd.clips import DOMAINS
from asd.contracts import Arrays
from asd.errors import BadInput

Made = TypeVar("Made")


@dataclass(frozen=True)
class Residuals:
    """Training-normal residuals in the two orders scorings need; both are computed anew on each call."""

    clips: Callable[[], Iterable[np.ndarray]]  # (F, context, D) each, in clip order
    is_target: np.ndarray  # (N,) bool, by clip
    batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]  # shuffled: (B, context, D), is_target (B,)
    made: dict[Any, Any] = field(default_factory=dict)  # of each statistic its value, see `once`

    def once(self, statistic: Callable[[Residuals], Made]) -> Made:
        """What scorings of one training have in common, computed for the first that asks."""
        if statistic not in self.made:
            self.made[statistic] = statistic(self)
        return self.made[statistic]


class Scoring(Protocol):
    def fit(self, residuals: Residuals) -> Arrays: ...

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """Of one clip, (2,) from the source and the target statistics, or (1,) where they are the same for both."""

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """(2, F') or (1, F'): what each vector of frames adds to the distances (contracts.Scorer.contributions)."""


@dataclass(frozen=True)
class MeanSquaredError:
    """Mean of all squared residuals of the clip; the organisers' MSE score."""

    def fit(self, residuals: Residuals) -> Arrays:
        return {}

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return np.array([np.mean(np.square(residual, dtype=np.float64))])

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return np.square(residual, dtype=np.float64).mean(axis=(1, 2))[None]


@dataclass(frozen=True)
class SelectiveMahalanobis:
    """The organisers' MAHALA score, d' P d with the source and the target precision P, of which the smaller counts.

    d (D,) is the clip's mean residual over vectors and their frames. The organisers average the whole matrix R P R' of
    the clip's frame residuals R, which is the same number: mean_ij r_i' P r_j = (mean r)' P (mean r).
    """

    def fit(self, residuals: Residuals) -> Arrays:
        """Precisions (D, D) float32 from one pass over shuffled batches, as `batch_covariances` tells."""
        covariances = batch_covariances(residuals.batches(), DOMAINS)
        return {f"precision_{d}": _inverse(c, d) for d, c in zip(DOMAINS, covariances, strict=True)}

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """(2,) to source and target"""
        return np.array([mahalanobis(residual, fitted[f"precision_{domain}"]) for domain in DOMAINS])

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return np.array([shares(residual, fitted[f"precision_{domain}"]) for domain in DOMAINS])


@dataclass(frozen=True)
class PooledMahalanobis:
    """The same with one precision P of all training clips, for data without domains (MIMII).

    The covariance Σ of Luzón-Álvarez et al. 2025, eq. (3), and of each of its channels in eqs. (8) and (9).
    """

    def fit(self, residuals: Residuals) -> Arrays:
        """Precision (D, D) float32 from one pass over shuffled batches, whatever their domain."""
        batches = ((residual, np.zeros(len(residual), int)) for residual, _ in residuals.batches())
        (covariance,) = batch_covariances(batches, ("pooled",))
        return {"precision": _inverse(covariance, "pooled")}

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return np.array([mahalanobis(residual, fitted["precision"])])

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return shares(residual, fitted["precision"])[None]


def mahalanobis(residual: np.ndarray, precision: np.ndarray) -> float:
    """d' P d of the mean residual d (D,) of a clip (F', context, D)."""
    d = residual.mean(axis=(0, 1), dtype=np.float64)
    return float(d @ precision.astype(np.float64) @ d)


def shares(residual: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """(F',) r' P d of each vector's mean residual r; their mean is d' P d, and one may be below 0."""
    of_vectors = residual.mean(axis=1, dtype=np.float64)  # (F', D)
    return of_vectors @ precision.astype(np.float64) @ of_vectors.mean(axis=0)


def batch_covariances(batches: Iterable[tuple[np.ndarray, np.ndarray]], names: Sequence[str]) -> list[np.ndarray]:
    """Covariance (D, D) of frame residuals of each group of vectors, the organisers' way; batches are (B, context, D)
    and the vectors' groups (B,), numbers into `names`: is_target with DOMAINS.

    In each batch the group's frames are centred by that batch's own mean; their outer products are summed over batches
    and divided by the number of vectors less one. A vector holds `context` frames: 5 times the usual scale.
    """
    sums: list[np.ndarray | float] = [0.0] * len(names)
    counts = [0] * len(names)
    for residual, group in batches:
        for g in range(len(names)):
            chosen = group == g
            frames = residual[chosen].reshape(-1, residual.shape[-1]).astype(np.float64)  # (B context, D)
            if len(frames):
                frames = frames - frames.mean(axis=0)
                sums[g] = sums[g] + frames.T @ frames
                counts[g] += int(np.sum(chosen))
    for name, n in zip(names, counts, strict=True):
        if n < 2:
            raise BadInput(
                f"{n} {name} vectors among the training clips, two at least expected: the selective Mahalanobis score "
                "needs both domains (PooledMahalanobis has one covariance of all clips)"
            )
    return [np.asarray(s) / (n - 1) for s, n in zip(sums, counts, strict=True)]


def _inverse(covariance: np.ndarray, name: str) -> np.ndarray:
    """float32 inverse without regularisation, as the organisers compute it; one that is no precision is an error."""
    try:
        inverse = np.linalg.inv(covariance.astype(np.float32))
        np.linalg.cholesky(inverse.astype(np.float64) + inverse.T.astype(np.float64))
    except np.linalg.LinAlgError as error:
        raise BadInput(
            f"the {name} covariance of the training clips' residuals is singular in float32: too few {name} clips "
            "(fewer frames than mel bands), or digitally silent ones"
        ) from error
    return inverse
