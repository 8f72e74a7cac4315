"""Scaling of a back-end's rows: the training rows (n, D) in, the centre and unit (D,) of each dimension out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asd.errors import check

TINY = 1e-12  # stands for no deviation at all


class RowScaling(Protocol):
    def units(self, rows: np.ndarray) -> np.ndarray:
        """Training rows (n, D) -> what each dimension is divided by, (D,); a distance needs no centre."""


@dataclass(frozen=True)
class AsTheyAre:
    """Dimensions of one kind, such as levels in dB, count by how far they move."""

    def units(self, rows: np.ndarray) -> np.ndarray:
        return np.ones(rows.shape[1], rows.dtype)


@dataclass(frozen=True)
class UnitDeviation:
    """Each dimension in standard deviations of the training rows: dimensions of unlike spread count alike."""

    floor: float = 0.1  # least unit, share of the median deviation: one that hardly moved is not blown up; *chosen*

    def __post_init__(self) -> None:
        check("floor", self.floor, 0 < self.floor <= 1, "above 0, at most 1")

    def units(self, rows: np.ndarray) -> np.ndarray:
        deviation = rows.std(axis=0, dtype=np.float64)
        least = max(self.floor * float(np.median(deviation)), TINY)
        return np.maximum(deviation, least).astype(rows.dtype)
