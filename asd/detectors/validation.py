"""Validation: which clips and vectors a seed's training leaves out, and which scores its threshold may stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asd.epochs import Training, generator, split_rows
from asd.errors import BadInput
from asd.folds import held_out, n_folds


class Validation(Protocol):
    def learnt(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        """(N,) the clips that training and scoring may learn from."""

    def judged(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        """(N,) the clips whose scores calibration and threshold stand on."""

    def split(
        self, clip: np.ndarray, is_target: np.ndarray, training: Training, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers for training and validation, clip (n,) of each row; every seed has as many of either."""


@dataclass(frozen=True)
class RandomVectors:
    """The organisers' way: validation vectors are drawn from all clips, so the threshold stands on clips that the
    network has seen.
    """

    def learnt(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        return np.ones(len(is_target), bool)

    def judged(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        return np.ones(len(is_target), bool)

    def split(
        self, clip: np.ndarray, is_target: np.ndarray, training: Training, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        return split_rows(len(clip), training.validation_share, seed)


@dataclass(frozen=True)
class ClipFolds:
    """Seed i leaves fold i of the clips out of training and scoring, and is judged on them: with as many seeds as
    folds every clip has a score of a network that never saw it. The share of a fold is the training's
    `validation_share`.
    """

    def learnt(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        return ~self.judged(is_target, training, seed)

    def judged(self, is_target: np.ndarray, training: Training, seed: int) -> np.ndarray:
        if not training.validation_share:
            raise BadInput(
                "training.validation_share 0: above 0 expected, the share of the clips that a seed leaves out for its "
                "threshold (validation=RandomVectors leaves none out)"
            )
        return held_out(is_target, training.validation_share, seed)

    def split(
        self, clip: np.ndarray, is_target: np.ndarray, training: Training, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Folds differ by a clip where the clips do not divide evenly: rows too many are left out at random."""
        of_fold = self.judged(is_target, training, seed)[clip]  # (n,)
        numbers = range(n_folds(training.validation_share, len(is_target)))
        sizes = [int(self.judged(is_target, training, s)[clip].sum()) for s in numbers]
        rng = generator(seed, 2)
        rows, validation = np.flatnonzero(~of_fold), np.flatnonzero(of_fold)
        return fewer(rows, len(clip) - max(sizes), rng), fewer(validation, min(sizes), rng)


def fewer(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the rows, drawn at random, in their order."""
    return np.sort(rng.permutation(rows)[:count])
