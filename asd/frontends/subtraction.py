"""Floored spectral subtraction of the far reference. (2, T) -> (1, K, F)

The mathematics: near power P_n and noise power G P_f in, near power without the noise out, all (K, F).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd.errors import BadInput
from asd.frontends.channel import check_floor
from asd.frontends.transfer import Referenced, near_and_noise
from asd.signal import TINY


def subtract(near: np.ndarray, noise: np.ndarray, factor: float | np.ndarray, floor: float) -> np.ndarray:
    """`max(P_n - factor G P_f, floor P_n)`; Noise-aware reference denoising (Kim 2026), eq. (3)."""
    return np.maximum(near - factor * noise, floor * near)


def local_snr(near: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """`g = 10 log10(P_n / (G P_f))` in dB, (K, F); a power of zero stands at -379 dB."""
    return 10 * (np.log10(np.maximum(near, TINY)) - np.log10(np.maximum(noise, TINY)))


def adaptive_factor(snr: np.ndarray, at_0_db: float, per_db: float, least: float, most: float) -> np.ndarray:
    """`clip(a_0 - 0.1 g, a_min, a_max)`; Kim 2026, sec. 3.2. Without noise it is a_min, without near power a_max."""
    return np.clip(at_0_db - per_db * snr, least, most)


def check_factor(name: str, value: float) -> None:
    if not 0 <= value < np.inf:
        raise BadInput(f"{name} {value}: a factor of the noise power expected, finite and at least 0")


@dataclass(frozen=True)
class RefSub(Referenced):
    """Subtraction with one factor for all bins and frames, `max(P_n - 1.5 G P_f, 0.10 P_n)`; Kim 2026, eq. (3)."""

    over_subtraction: float = 1.5  # of the noise power, alpha_s; Kim 2026, sec. 3.2
    floor: float = 0.10  # of the near power, beta; Kim 2026, eq. (3)

    def __post_init__(self) -> None:
        check_factor("over_subtraction", self.over_subtraction)
        check_floor(self.floor)

    def denoise(self, spectra: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        return subtract(*near_and_noise(spectra, transfer), self.over_subtraction, self.floor)


@dataclass(frozen=True)
class AdaSub(Referenced):
    """Subtraction with a factor that grows where the noise dominates, `max(P_n - a(k, t) G P_f, 0.10 P_n)`,
    `a = clip(3 - 0.1 g, 1, 4)`, g the a-posteriori SNR in dB; Kim 2026, sec. 3.2 and eq. (3).
    """

    at_0_db: float = 3.0  # of the noise power, a_0, the factor where near and noise power are equal; Kim 2026, sec. 3.2
    per_db: float = 0.1  # of the noise power a dB of SNR, what the factor falls by; Kim 2026, sec. 3.2
    least: float = 1.0  # of the noise power, a_min; Kim 2026, sec. 3.2
    most: float = 4.0  # of the noise power, a_max; Kim 2026, sec. 3.2
    floor: float = 0.10  # of the near power, beta; Kim 2026, eq. (3)

    def __post_init__(self) -> None:
        for name in ("at_0_db", "per_db", "least", "most"):
            check_factor(name, getattr(self, name))
        if self.most < self.least:
            raise BadInput(f"most {self.most}: no less than the least factor, {self.least}, expected")
        check_floor(self.floor)

    def denoise(self, spectra: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        near, noise = near_and_noise(spectra, transfer)
        factor = adaptive_factor(local_snr(near, noise), self.at_0_db, self.per_db, self.least, self.most)  # (K, F)
        return subtract(near, noise, factor, self.floor)
