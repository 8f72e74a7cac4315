"""Bootstrap: how far Ω would move with other test clips of the same kind. Percentile intervals, paired over systems.

Clips are drawn with replacement within machine x domain x condition, so that every resample has as many clips of each
kind as the test set. All systems see the same draws: the difference of two is that of the same resampled clips.
A draw is kept as how often each clip was drawn, W (B, N); the figures of all B draws are computed at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from asd.clips import DOMAINS
from asd.errors import BadInput
from asd.evaluation.metric import MAX_FPR, columns, same_clips
from asd.evaluation.truth import Truth, Truths

LEVEL = 0.95  # of the intervals


@dataclass(frozen=True)
class Bootstrap:
    """The same draws for every system that is evaluated on these truths."""

    truths: Truths
    draws: int = 2000  # B; the ends of an interval of Ω then move by about 0.001 with the seed
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"draws {self.draws}: at least 1 expected")

    def terms(self, machine: str, scores: Mapping[str, float]) -> np.ndarray:
        """(B, 3) AUC_source, AUC_target, pAUC of every draw. Raises BadInput where the clips are not the truth's."""
        truth = self.truths[machine]
        same_clips(scores, truth, f"{machine}: anomaly scores")
        score, anomaly, domain = columns(scores, truth)
        times = drawn(truth, self.draws, self._generator(machine))
        aucs = [weighted_auc(score, ~anomaly & (domain == d), anomaly, times) for d in DOMAINS]
        return np.stack([*aucs, weighted_pauc(score, anomaly, times)], axis=1)

    def _generator(self, machine: str) -> np.random.Generator:
        """One stream per machine: its draws do not depend on which others are evaluated."""
        key = int.from_bytes(hashlib.sha256(machine.encode()).digest()[:8], "little")
        return np.random.default_rng([self.seed, key])


def drawn(truth: Mapping[str, Truth], draws: int, rng: np.random.Generator) -> np.ndarray:
    """W (B, N): how often each clip, by sorted name, is drawn within its domain and condition."""
    kinds = [(truth[name].domain, truth[name].is_anomaly) for name in sorted(truth)]
    times = np.zeros((draws, len(kinds)), dtype=np.int64)
    for kind in sorted(set(kinds)):
        members = [i for i, k in enumerate(kinds) if k == kind]
        times[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return times


def weighted_auc(score: np.ndarray, normal: np.ndarray, anomaly: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(B,) share of drawn (anomaly, normal) pairs in which the anomaly scores higher; ties count half."""
    higher, lower = score[anomaly][None, :], score[normal][:, None]
    wins = (higher > lower) + 0.5 * (higher == lower)  # (normals, anomalies)
    n, a = times[:, normal], times[:, anomaly]
    return ((n @ wins) * a).sum(axis=1) / (n.sum(axis=1) * a.sum(axis=1))


def weighted_pauc(score: np.ndarray, anomaly: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(B,) area under each draw's ROC polygon up to MAX_FPR, standardised after McClish (chance 0.5)."""
    levels, level_of = np.unique(-score, return_inverse=True)  # highest score first; ties are one step of the polygon
    one_hot = (level_of[:, None] == np.arange(len(levels))).astype(float)  # (N, levels)
    false, true = (np.cumsum((times * kind) @ one_hot, axis=1) for kind in (~anomaly, anomaly))
    x, y = (np.pad(c / c[:, -1:], ((0, 0), (1, 0))) for c in (false, true))  # (B, levels + 1)
    width, rise = np.diff(x), np.diff(y)
    inside = np.clip(MAX_FPR - x[:, :-1], 0, width)  # the part of each step left of MAX_FPR
    slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
    area = (inside * (y[:, :-1] + slope * inside / 2)).sum(axis=1)
    least = MAX_FPR**2 / 2
    return 0.5 * (1 + (area - least) / (MAX_FPR - least))


def omegas(terms: np.ndarray) -> np.ndarray:
    """(B, n) terms -> (B,) harmonic means, each term clamped to float epsilon as in the metric."""
    return terms.shape[1] / np.sum(1 / np.maximum(terms, np.finfo(float).eps), axis=1)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The central LEVEL of the draws (B,)."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def probability_of_improvement(difference: np.ndarray) -> float:
    """Share of draws (B,) in which the first system is better; ties count half."""
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))
