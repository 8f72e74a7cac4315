"""Scorings of an autoencoder: reconstruction residuals in, one number a clip out. No training of weights happens here.

A clip's residual is (F, context, D): F vectors of `context` neighbouring frames of D features, input minus output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asd.clips import DOMAINS
from asd.contracts import Arrays
from asd.errors import BadInput


@dataclass(frozen=True)
class Residuals:
    """Training-normal residuals in the two orders scorings need; both are computed anew on each call."""

    clips: Callable[[], Iterable[np.ndarray]]  # (F, context, D) each, in clip order
    is_target: np.ndarray  # (N,) bool, by clip
    batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]  # shuffled: (B, context, D), is_target (B,)


class Scoring(Protocol):
    def fit(self, residuals: Residuals) -> Arrays: ...

    def score(self, fitted: Arrays, residual: np.ndarray) -> float: ...


@dataclass(frozen=True)
class MeanSquaredError:
    """Mean of all squared residuals of the clip; the organisers' MSE score."""

    def fit(self, residuals: Residuals) -> Arrays:
        return {}

    def score(self, fitted: Arrays, residual: np.ndarray) -> float:
        return float(np.mean(np.square(residual, dtype=np.float64)))


@dataclass(frozen=True)
class SelectiveMahalanobis:
    """The organisers' MAHALA score, the smaller of d' P d over the source and the target precision P.

    d (D,) is the clip's mean residual over vectors and their frames. The organisers average the whole matrix R P R' of
    the clip's frame residuals R, which is the same number: mean_ij r_i' P r_j = (mean r)' P (mean r).
    """

    def fit(self, residuals: Residuals) -> Arrays:
        """Precisions (D, D) float32 from one pass over shuffled batches, as `batch_covariances` tells."""
        covariances = batch_covariances(residuals.batches())
        return {f"precision_{d}": _inverse(c, d) for d, c in zip(DOMAINS, covariances, strict=True)}

    def score(self, fitted: Arrays, residual: np.ndarray) -> float:
        d = residual.mean(axis=(0, 1), dtype=np.float64)  # (D,)
        return float(min(d @ fitted[f"precision_{domain}"].astype(np.float64) @ d for domain in DOMAINS))


def batch_covariances(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Source and target covariance (D, D) of frame residuals, the organisers' way.

    In each batch the domain's frames are centred by that batch's own mean; their outer products are summed over batches
    and divided by the number of vectors less one. A vector holds `context` frames: 5 times the usual scale.
    """
    sums: list[np.ndarray | float] = [0.0, 0.0]
    counts = [0, 0]
    for residual, is_target in batches:
        for d, chosen in enumerate((~is_target, is_target)):
            frames = residual[chosen].reshape(-1, residual.shape[-1]).astype(np.float64)  # (B context, D)
            if len(frames):
                frames = frames - frames.mean(axis=0)
                sums[d] = sums[d] + frames.T @ frames
                counts[d] += int(np.sum(chosen))
    for domain, n in zip(DOMAINS, counts, strict=True):
        if n < 2:
            raise BadInput(
                f"{n} {domain} vectors among the training clips; the selective Mahalanobis score needs both domains"
            )
    return [np.asarray(s) / (n - 1) for s, n in zip(sums, counts, strict=True)]


def _inverse(covariance: np.ndarray, domain: str) -> np.ndarray:
    """float32 inverse without regularisation, as the organisers compute it; one that is no precision is an error."""
    try:
        inverse = np.linalg.inv(covariance.astype(np.float32))
        np.linalg.cholesky(inverse.astype(np.float64) + inverse.T.astype(np.float64))
    except np.linalg.LinAlgError as error:
        raise BadInput(
            f"the covariance of the {domain} training clips' residuals is singular in float32: too few {domain} "
            "clips (fewer frames than mel bands), or digitally silent ones"
        ) from error
    return inverse
