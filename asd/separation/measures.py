"""Measures of a separation method: SI-SNR improvement of an estimate, rank correlation of two figures over clips."""

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
