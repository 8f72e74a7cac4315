"""Multiplicative suppression: noise power G P_f and decision-directed a-priori SNR set a gain. (2, T) -> (1, K, F)

Both rules are the paper's negative results (Noise-aware reference denoising, Kim 2026, sec. 3.3: they over-suppress).
Sources: Ephraim and Malah 1984 (a-priori SNR), Ephraim and Malah 1985 (log-spectral amplitude).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import exp1

from asd.errors import BadInput
from asd.frontends.channel import check_floor
from asd.frontends.transfer import Referenced, near_and_noise

MOST = 1e6  # a-posteriori SNR, 60 dB: stands for a noise power of zero; the Wiener gain is 1 there to six digits
LEAST = 1e-10  # v of the log-spectral amplitude: E1(0) is infinite

Gain = Callable[[np.ndarray, np.ndarray], np.ndarray]  # a-priori SNR xi, a-posteriori SNR gamma -> amplitude gain


def wiener_gain(xi: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """`xi / (1 + xi)`"""
    return xi / (1 + xi)


def log_spectral_gain(xi: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """`xi / (1 + xi) exp(E1(v) / 2)`, `v = xi gamma / (1 + xi)`; Ephraim and Malah 1985, eq. (20)."""
    wiener = xi / (1 + xi)
    return wiener * np.exp(exp1(np.maximum(wiener * gamma, LEAST)) / 2)


def a_posteriori_snr(near: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """`gamma = P_n / (G P_f)`, at most 1e6; 0 without near power, (K, F)."""
    audible = np.maximum(near / MOST, np.finfo(np.float32).tiny)  # the least noise power told from zero
    return near / np.maximum(noise, audible)


def decision_directed(gamma: np.ndarray, gain: Gain, memory: float) -> np.ndarray:
    """Power gains (K, F) by the a-priori SNR of Ephraim and Malah 1984, eq. (51).

    `xi(t) = memory A^2(t-1) / noise(t-1) + (1 - memory) max(gamma(t) - 1, 0)` with A the estimated amplitude, so
    `A^2 / noise = gain^2 gamma`; before the first frame it is 1, as theirs. Gains are not floored within the recursion:
    the floor is a last safeguard of the output, no part of the estimate.
    """
    gains = np.empty_like(gamma)
    past = np.ones_like(gamma[:, 0])  # (K,)
    for t in range(gamma.shape[1]):
        xi = memory * past + (1 - memory) * np.maximum(gamma[:, t] - 1, 0)
        gains[:, t] = gain(xi, gamma[:, t]) ** 2
        past = gains[:, t] * gamma[:, t]
    return gains


@dataclass(frozen=True)
class Suppression(Referenced):
    """A power gain `clip(gain(xi, gamma)^2, floor, 1)` on P_n; which gain, its subclasses say."""

    memory: float = 0.98  # of the a-priori SNR a frame, alpha; Ephraim and Malah 1984
    floor: float = 0.10  # of the near power, the least power gain; Kim 2026, eq. (3), as in the subtractions

    def __post_init__(self) -> None:
        if not 0 <= self.memory < 1:
            raise BadInput(f"memory {self.memory}: a share of the last frame's SNR expected, from 0 to below 1")
        check_floor(self.floor)

    def gain(self, xi: np.ndarray, gamma: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def denoise(self, spectra: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        near, noise = near_and_noise(spectra, transfer)
        gains = decision_directed(a_posteriori_snr(near, noise), self.gain, self.memory)  # (K, F)
        return np.clip(gains, self.floor, 1) * near


@dataclass(frozen=True)
class DecisionDirectedWiener(Suppression):
    """Wiener gain `xi / (1 + xi)` on the amplitude, xi the decision-directed a-priori SNR of Ephraim and Malah 1984."""

    def gain(self, xi: np.ndarray, gamma: np.ndarray) -> np.ndarray:
        return wiener_gain(xi, gamma)


@dataclass(frozen=True)
class LogSpectralAmplitude(Suppression):
    """MMSE log-spectral amplitude, `xi / (1 + xi) exp(E1(v) / 2)`; Ephraim and Malah 1985, eq. (20).

    Its gain may exceed 1 in a dip of the near spectrum; the output here is at most P_n: no front-end adds power.
    """

    def gain(self, xi: np.ndarray, gamma: np.ndarray) -> np.ndarray:
        return log_spectral_gain(xi, gamma)
