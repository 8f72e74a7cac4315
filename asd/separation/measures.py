"""Measures: SI-SNR of an estimate, and how clips are told apart by a dense autoencoder behind a method."""

from __future__ import annotations

import numpy as np

EPS = 1e-10  # energy


def si_snr(found: np.ndarray, target: np.ndarray) -> float:
    """`10 log10(|d a|^2 / |d a - a'|^2)`, `d = <a', a> / |a|^2`, dB; (T,), (T,).

    Shoda et al., "Spectral-to-spatial distillation", eqs. (8) and (9). Raises ValueError for a silent target.
    """
    found, target = found.astype(np.float64), target.astype(np.float64)
    energy = float(target @ target)
    if energy <= EPS:
        raise ValueError("the target is silent: its SI-SNR says nothing")
    wanted = float(found @ target) / energy * target
    return float(10 * np.log10((wanted @ wanted + EPS) / (np.sum((wanted - found) ** 2) + EPS)))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation of two columns (N,)."""
    from scipy.stats import spearmanr  # slow to import

    return float(spearmanr(x, y).statistic)
