"""Clip statistics: a power spectrogram (C, K, F) in, one row (1, D) of statistics over time of its log-mel bands out.

What a clip sounds like on the whole, without a network. Pooling over time is where detectors of frozen features differ
most beside their back-end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd import signal
from asd.contracts import Feature, Power
from asd.errors import check, check_least

LEAST = 5  # frames; a statistic of fewer says little, and the organisers' vectors have as many
NAMES = ("mean", "std", "rank", "p<percent>")


def statistic(frames: np.ndarray, name: str, rank_decay: float) -> np.ndarray:
    """(F, M) -> (M,): mean, standard deviation, rank-weighted mean or a percentile over time.

    `rank`: generalised weighted rank pooling, frames sorted from the loudest, weights 1, r, r^2, ...; Kolesnikov and
    Lampert 2016 (seed, expand and constrain), in this field Guan et al. 2023.
    """
    if name == "mean":
        return frames.mean(axis=0)
    if name == "std":
        return frames.std(axis=0)
    if name == "rank":
        weights = rank_decay ** np.arange(len(frames))
        return weights @ np.sort(frames, axis=0)[::-1] / weights.sum()
    return np.percentile(frames, float(name[1:]), axis=0)


def is_statistic(name: str) -> bool:
    return name in NAMES[:-1] or (name[:1] == "p" and name[1:].isdigit() and int(name[1:]) <= 100)


@dataclass(frozen=True)
class LogMelStatistics:
    """Statistics over time of each log-mel band, side by side."""

    statistics: tuple[str, ...] = ("mean",)  # of mean, std, rank, p0 to p100
    level: float = 1.0  # share of the clip's own mean level kept; 0: only the spectrum's shape counts
    rank_decay: float = 0.99  # r of the rank-weighted mean; 1 is the mean, 0 the maximum
    n_mels: int = 128  # Slaney mel bands from 0 to 8 kHz

    def __post_init__(self) -> None:
        check_least(self, 1, "n_mels")
        right = bool(self.statistics) and all(map(is_statistic, self.statistics))
        check("statistics", ",".join(self.statistics), right, f"one or more of {', '.join(NAMES)}")
        check("level", self.level, 0 <= self.level <= 1, "from 0 to 1")
        check("rank_decay", self.rank_decay, 0 <= self.rank_decay <= 1, "from 0 to 1")

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (1, M times the number of statistics), dB. Raises BadInput for less than five frames."""
        frames = signal.log_mel(power[0], self.n_mels)  # (F, M)
        check("frames", len(frames), len(frames) >= LEAST, f"at least {LEAST} (was the clip cut off?)")
        frames = frames - (1 - self.level) * frames.mean()
        found = [statistic(frames, name, self.rank_decay) for name in self.statistics]
        return np.concatenate(found)[None].astype(np.float32)
