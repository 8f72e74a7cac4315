"""Blocks: the features of some clips, as one file of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asd.contracts import Arrays, Feature, Record
from asd.errors import BadInput
from asd.store import Store


@dataclass(frozen=True)
class Block(Sequence[Feature]):
    """The features of some clips, in the store under one record; read when first used. A sequence of (F, D)."""

    record: Record
    store: Store

    @cached_property
    def _arrays(self) -> Arrays:
        found = self.store.load("features", self.record)
        if found is None:
            raise BadInput(f"{self.store.path('features', self.record)}: features are gone; run the same command again")
        return found

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum(self._arrays["lengths"])

    def __len__(self) -> int:
        return len(self._arrays["lengths"])

    def __getitem__(self, i: Any) -> Any:
        """(F, D) of one clip, or a list of them for a slice."""
        if isinstance(i, slice):
            return [self[j] for j in range(len(self))[i]]
        i = range(len(self))[i]
        return self._arrays["frames"][self._ends[i] - self._arrays["lengths"][i] : self._ends[i]]

    @property
    def is_stored(self) -> bool:
        return self.store.has("features", self.record)

    @property
    def path(self) -> Path:
        return self.store.path("features", self.record)
