"""Epochs: the numbers of a training, and which rows each of its epochs takes; what a row is, the detectors know.

The order of rows depends on (seed, epoch) alone, so a killed run resumes to the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from asd.errors import check

PRECISIONS = ("float32", "bfloat16", "tf32")


@dataclass(frozen=True)
class Training:
    """Numbers of one optimisation run; the defaults are the organisers' baseline."""

    epochs: int = 100
    batch_size: int = 256  # vectors
    learning_rate: float = 1e-3  # Adam
    weight_decay: float = 0.0
    validation_share: float = 0.1  # of the vectors or clips; only watched, unless `patience` stops by it
    windows_per_epoch: int = 0  # vectors drawn an epoch, and validated on in proportion; 0: all
    precision: str = "float32"  # of matrix products: bfloat16 is faster with AMX or on a GPU, tf32 is a CUDA GPU's
    patience: int = 0  # epochs without a better validation loss before it stops, at its best weights; 0: never
    clip_norm: float = 0.0  # largest norm of a step's gradient; 0: unlimited

    def __post_init__(self) -> None:
        check("epochs", self.epochs, self.epochs >= 1, "at least 1")
        check("batch_size", self.batch_size, self.batch_size >= 2, "at least 2, for batch norm")
        check("learning_rate", self.learning_rate, 0 < self.learning_rate < np.inf, "above 0")
        check("weight_decay", self.weight_decay, 0 <= self.weight_decay < np.inf, "at least 0")
        check("validation_share", self.validation_share, 0 <= self.validation_share < 1, "from 0 to below 1")
        check("windows_per_epoch", self.windows_per_epoch, self.windows_per_epoch >= 0, "at least 0 (0: all)")
        check("precision", self.precision, self.precision in PRECISIONS, "float32, bfloat16 or tf32")
        check("patience", self.patience, self.patience >= 0, "at least 0 (0: never stop)")
        check("clip_norm", self.clip_norm, 0 <= self.clip_norm < np.inf, "at least 0 (0: unlimited)")
        if self.patience:
            check("validation_share", self.validation_share, self.validation_share > 0, "above 0, to stop by patience,")


def generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


def split_rows(n_rows: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and validation, drawn at random."""
    order = generator(seed, 0).permutation(n_rows)
    cut = n_rows - int(share * n_rows)
    return np.sort(order[:cut]), np.sort(order[cut:])


def split_groups(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for rows that belong together, groups (n,) from 0 on: a group lies on one side as a whole."""
    _, held_out = split_rows(int(groups.max()) + 1, share, seed)
    is_held_out = np.isin(groups, held_out)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def epoch_batches(rows: np.ndarray, training: Training, seed: int, epoch: int) -> list[np.ndarray]:
    """The epoch's batches of row numbers, shuffled; a last batch of one row is left out (it has no variance)."""
    order = generator(seed, 1, epoch).permutation(rows)
    order = order[: training.windows_per_epoch or None]
    starts = range(0, len(order), training.batch_size)
    batches = [order[s : s + training.batch_size] for s in starts]
    return batches if len(batches[-1]) > 1 or len(batches) == 1 else batches[:-1]


def validation_batches(rows: np.ndarray, held_out: np.ndarray, training: Training, seed: int) -> list[np.ndarray]:
    """The same rows in every epoch: all that are held out, or where an epoch draws a part of `rows`, the like part."""
    share = min(1.0, (training.windows_per_epoch or len(rows)) / max(len(rows), 1))
    chosen = np.sort(generator(seed, 3).permutation(held_out)[: math.ceil(share * len(held_out))])
    return [chosen[s : s + training.batch_size] for s in range(0, len(chosen), training.batch_size)]
