"""Domain-conditional kNN density: training windows (n, D) of two domains in, an anomaly ratio for any window out.

A window's distance to a domain, r_d(x), is the mean distance to its k nearest training windows of that domain; divided
by the domain's own typical distance it is a density ratio: -log p_d(x) = m log r_d(x) + constant, m the intrinsic
dimension, so that `u_d = log(r_d(x) / typical_d)` is the density in units that both domains share. Of Jeong 2026 are
the domain-conditional kNN density, the one estimator for all blocks and the target-domain shrinkage; their form is
*chosen*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd.clips import DOMAINS
from asd.errors import BadInput, check

TINY = 1e-12  # distance; two windows of the same samples have none


@dataclass(frozen=True)
class DomainDensity:
    """The nearer domain counts, `min(u_source, u_target')`: a test clip's domain is unknown.

    Shrinkage: ten target clips make a poor density, so `u_target' = (1 - w) u_target + w u_source`.
    """

    neighbours: int = 5  # k; *chosen*: few enough for ten target clips, more than one so that no single window decides
    target_shrinkage: float = 0.25  # w; *chosen*: pulls the target density in, without undoing its domain

    def __post_init__(self) -> None:
        check("neighbours", self.neighbours, self.neighbours >= 1, "at least 1")
        check("target_shrinkage", self.target_shrinkage, 0 <= self.target_shrinkage <= 1, "from 0 to 1")

    def fit(self, bank: np.ndarray, clip: np.ndarray, is_target: np.ndarray) -> Neighbours:
        """bank (n, D), each row's clip (n,), is_target (N,) by clip. Raises BadInput where a domain has one clip."""
        return self.restore(bank, clip, is_target, np.full(len(DOMAINS), np.nan))

    def restore(self, bank: np.ndarray, clip: np.ndarray, is_target: np.ndarray, typical: np.ndarray) -> Neighbours:
        """The same where the domains' typical distances (2,) are known; nan: they are computed."""
        found = []
        for domain, distance in zip(DOMAINS, typical, strict=True):
            rows = np.flatnonzero(is_target[clip] == (domain == "target"))
            found.append(Domain(bank[rows], clip[rows], self.neighbours, domain, float(distance)))
        return Neighbours(self, *found)


class Domain:
    """The training windows of one domain, indexed; `typical` is the geometric mean of their own distances, each window
    without those of its clip.
    """

    def __init__(self, bank: np.ndarray, clip: np.ndarray, neighbours: int, name: str, typical: float) -> None:
        from sklearn.neighbors import NearestNeighbors  # slow to import

        counts = np.unique(clip, return_counts=True)[1]  # windows of each clip
        if len(counts) < 2:
            raise BadInput(f"{len(counts)} {name} training clips; leaving a clip out needs two of each domain at least")
        self.clip, self.largest = clip, int(counts.max())
        self.neighbours = min(neighbours, len(bank) - self.largest)
        self.index = NearestNeighbors(algorithm="brute").fit(bank)
        self.typical = float(np.exp(np.log(self.distances(bank, clip)).mean())) if np.isnan(typical) else typical

    def distances(self, queries: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """(q, D) -> (q,) mean distance to the k nearest windows; with `own` (q,), none of the query's own clip."""
        if own is None:
            return np.maximum(self.index.kneighbors(queries, self.neighbours)[0].mean(axis=1), TINY)
        found, rows = self.index.kneighbors(queries, self.neighbours + self.largest)
        others = np.where(self.clip[rows] == own[:, None], np.inf, found)  # at most `largest` are the clip's own
        return np.maximum(np.sort(others, axis=1)[:, : self.neighbours].mean(axis=1), TINY)


@dataclass(frozen=True)
class Neighbours:
    """Both domains' windows, and how their densities are joined."""

    recipe: DomainDensity
    source: Domain
    target: Domain

    @property
    def typical(self) -> np.ndarray:
        """(2,) of source and target."""
        return np.array([self.source.typical, self.target.typical])

    def ratios(self, queries: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """(q, D) -> (q,) distance over typical distance, about 1 for a normal window, higher is more anomalous."""
        source, target = (np.log(d.distances(queries, own) / d.typical) for d in (self.source, self.target))
        w = self.recipe.target_shrinkage
        return np.exp(np.minimum(source, (1 - w) * target + w * source))


def top_mean(values: np.ndarray, share: float) -> float:
    """Mean of the highest `share` of the values, at least one.

    >>> top_mean(np.array([1.0, 4.0, 2.0, 3.0]), 0.5)
    3.5
    """
    count = max(1, int(np.ceil(share * len(values) - 1e-9)))
    return float(np.sort(values)[-count:].mean())
