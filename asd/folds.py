"""Folds: a detector's scores of its own training clips, each by a fit that has not seen the clip. A corridor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asd.contracts import Detector, Feature
from asd.errors import BadInput

FOLDS = 10  # *chosen*: nine tenths of the clips still learn, and of ten target clips one is left out at a time


def folds(is_target: np.ndarray, count: int) -> np.ndarray:
    """(N,) fold of each clip; every fold has its share of both domains.

    >>> folds(np.array([False, True, False, False, True]), 2)
    array([0, 1, 1, 0, 0])
    """
    fold = np.empty(len(is_target), int)
    fold[np.argsort(is_target, kind="stable")] = np.arange(len(is_target)) % count  # source clips, then target clips
    return fold


def held_out(is_target: np.ndarray, share: float, number: int) -> np.ndarray:
    """(N,) bool: the clips of fold `number` (counted on from 0 again where there are fewer) of folds of `share` each.

    A domain's only clip is in no fold; of four others or more, a fold has two at least. Raises BadInput for one clip.
    """
    if len(is_target) < 2:
        raise BadInput("one training clip: none is left to train on when it is held out; two or more expected")
    lone = (is_target & (is_target.sum() == 1)) | (~is_target & ((~is_target).sum() == 1))
    free = np.flatnonzero(~lone)
    count = n_folds(share, len(free))
    chosen = np.zeros(len(is_target), bool)
    chosen[free] = folds(is_target[free], count) == number % count
    return chosen


def n_folds(share: float, n_clips: int) -> int:
    """Folds of about `share` of the clips; two at least."""
    return max(2, min(round(1 / share), n_clips // 2))


def left_out_scores(detector: Detector, features: Sequence[Feature], is_target: np.ndarray) -> np.ndarray:
    """(N,) each clip's score by the detector fitted without the clip's fold.

    A detector may say with `folds` into how many parts it is left out. Raises BadInput for a single clip.
    """
    if len(features) < 2:
        raise BadInput("one training clip: none is left to fit to when it is scored as unseen; two or more expected")
    fold = folds(is_target, getattr(detector, "folds", FOLDS))
    scores = np.empty(len(features))
    for held_out in np.unique(fold):
        rest = np.flatnonzero(fold != held_out)
        scorer = detector.fit([features[int(i)] for i in rest], is_target[rest])
        for i in np.flatnonzero(fold == held_out):
            scores[i] = scorer.score(features[int(i)])
    return scores
