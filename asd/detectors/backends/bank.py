"""Memory banks: rows (n, D) of many clips in, distances of any row to its nearest neighbours out.

A clip is one row or more (a pooled statistic, an embedding, windows). A training row's own distance is to rows of other
clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asd.contracts import Feature
from asd.errors import BadInput, check

TINY = 1e-12  # distance; two rows of the same samples have none
METRICS = ("euclidean", "cosine")
FOLDS = 100  # left-one-out up to a hundred clips, a hundredth of them at a time beyond: a fit takes milliseconds


def check_metric(metric: str) -> None:
    check("metric", metric, metric in METRICS, " or ".join(METRICS))


def gathered(features: Sequence[Feature]) -> tuple[np.ndarray, np.ndarray]:
    """Clips (n_i, D) -> all rows (n, D) and the clip of each (n,)."""
    return np.concatenate(list(features)), np.repeat(np.arange(len(features)), [len(f) for f in features])


def by_domain(features: Sequence[Feature], is_target: np.ndarray, neighbours: int, metric: str) -> list[Bank]:
    """A bank of the source clips and one of the target clips, as far as there are any."""
    rows, clip = gathered(features)
    parts = [is_target[clip] == domain for domain in (False, True)]
    return [Bank(rows[part], clip[part], neighbours, metric) for part in parts if part.any()]


class Bank:
    """Rows of one domain's clips, indexed. Raises BadInput for an empty one."""

    def __init__(self, rows: np.ndarray, clip: np.ndarray, neighbours: int, metric: str = "euclidean") -> None:
        from sklearn.neighbors import NearestNeighbors  # slow to import

        if not len(rows):
            raise BadInput("a memory bank without a row: no training clip of this domain")
        self.rows, self.clip, self.neighbours, self.metric = rows, clip, neighbours, metric
        self.clips, counts = np.unique(clip, return_counts=True)
        self._largest = int(counts.max())  # rows of one clip
        self._index = NearestNeighbors(algorithm="brute", metric=metric).fit(rows)

    def distances(self, queries: np.ndarray) -> np.ndarray:
        """(q, D) -> (q,) mean distance to the k nearest rows."""
        count = min(self.neighbours, len(self.rows))
        return np.maximum(self._index.kneighbors(queries, count)[0].mean(axis=1), TINY)

    def all_distances(self, queries: np.ndarray) -> np.ndarray:
        """(q, D) -> (q, n)"""
        from sklearn.metrics import pairwise_distances  # slow to import

        return pairwise_distances(queries, self.rows, metric=self.metric)

    def nearest(self, queries: np.ndarray) -> np.ndarray:
        """(q, D) -> (q, k) numbers of the k nearest rows."""
        return self._index.kneighbors(queries, min(self.neighbours, len(self.rows)), return_distance=False)

    def own_distances(self) -> np.ndarray:
        """(n,) mean distance of each row to its k nearest rows of other clips; inf where there is no other clip."""
        found, numbers = self._index.kneighbors(self.rows, min(self.neighbours + self._largest, len(self.rows)))
        others = np.where(self.clip[numbers] == self.clip[:, None], np.inf, found)
        nearest = np.sort(others, axis=1)[:, : self.neighbours]
        count = np.maximum(np.isfinite(nearest).sum(axis=1), 1)
        total = np.where(np.isfinite(nearest), nearest, 0).sum(axis=1)
        return np.where(np.isfinite(nearest[:, 0]), np.maximum(total / count, TINY), np.inf)


def top_mean(values: np.ndarray, share: float) -> float:
    """Mean of the highest `share` of the values, at least one.

    >>> top_mean(np.array([1.0, 4.0, 2.0, 3.0]), 0.5)
    3.5
    """
    count = max(1, int(np.ceil(share * len(values) - 1e-9)))
    return float(np.sort(values)[-count:].mean())


def units_of(distances: Sequence[np.ndarray], quantile: float) -> np.ndarray:
    """Each domain's own distances (n_d,) -> (domains,) the quantile of each; a domain without any takes the least unit.

    A distance that is not finite is of a clip that has no other to be held to.
    """
    finite = [values[np.isfinite(values)] for values in distances]
    known = [float(np.quantile(values, quantile)) if len(values) else np.nan for values in finite]
    least = min((unit for unit in known if np.isfinite(unit)), default=1.0)
    return np.maximum([unit if np.isfinite(unit) else least for unit in known], TINY)
