"""Pooling over time: a clip's embeddings (n, D) in, the rows that describe it out, (1, D') or as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asd.errors import check


class Pooling(Protocol):
    def pool(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (m, D')"""


@dataclass(frozen=True)
class AllRows:
    """Every window or patch by itself."""

    def pool(self, rows: np.ndarray) -> np.ndarray:
        return rows


@dataclass(frozen=True)
class Mean:
    def pool(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (1, D)"""
        return rows.mean(axis=0, keepdims=True)


@dataclass(frozen=True)
class Maximum:
    def pool(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (1, D)"""
        return rows.max(axis=0, keepdims=True)


@dataclass(frozen=True)
class MeanAndDeviation:
    def pool(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (1, 2 D)"""
        return np.concatenate([rows.mean(axis=0), rows.std(axis=0)])[None]


@dataclass(frozen=True)
class GeneralisedMean:
    """`(mean |x|^p sign(x))^(1/p)` with the sign kept, dimension by dimension: 1 is the mean, large p the maximum."""

    power: float = 3.0  # p; Radenović et al. 2018 (generalised-mean pooling)

    def __post_init__(self) -> None:
        check("power", self.power, self.power >= 1, "at least 1")

    def pool(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (1, D)"""
        powers = np.sign(rows) * np.abs(rows.astype(np.float64)) ** self.power
        mean = powers.mean(axis=0, keepdims=True)
        return (np.sign(mean) * np.abs(mean) ** (1 / self.power)).astype(rows.dtype)
