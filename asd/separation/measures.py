"""Measures of a separation method: SI-SNR improvement of an estimate; rank correlation and regression over clips."""

from __future__ import annotations

import numpy as np

from asd.si_snr import si_snr_of_waves


def improvement(found: np.ndarray, mixture: np.ndarray, clean: np.ndarray) -> float:
    """SI-SNRi, dB: what the estimate gains on the mixture; all (T,). Raises ValueError for a silent `clean`."""
    return si_snr_of_waves(found, clean) - si_snr_of_waves(mixture, clean)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation of two columns (N,)."""
    from scipy.stats import spearmanr  # slow to import

    return float(spearmanr(x, y).statistic)


def regression(x: np.ndarray, y: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least-squares line of y (N,) over x (N,) at `grid` (n,), and half the width of the 95 % band of its mean."""
    from scipy.stats import t  # slow to import

    centred, freedom = x - x.mean(), len(x) - 2
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    line = y.mean() + slope * (grid - x.mean())
    error = np.sqrt(np.square(y - y.mean() - slope * centred).sum() / freedom)
    return line, t.ppf(0.975, freedom) * error * np.sqrt(1 / len(x) + (grid - x.mean()) ** 2 / (centred @ centred))
