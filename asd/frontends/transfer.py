"""Noise transfer: how much louder the environment's noise is near than far, learnt per frequency bin.

    NoiseTransfer.fit   training-normal waves (2, T) -> G (K,)
    Referenced          the shape of front-ends that take G P_f as the near channel's noise: (2, T) -> (1, K, F)

What a `Referenced` front-end learns is G alone, so front-ends with equal `NoiseTransfer` share one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from asd import signal
from asd.contracts import Arrays, Power, Wave
from asd.errors import BadInput
from asd.frontends.channel import check_stft

SILENCE = 1e-20  # power; PCM_16's own rounding noise is about 3e-8 at n_fft 1024, so only digital silence lies below


@dataclass(frozen=True)
class NoiseTransfer:
    """`G(k) = floor_n(k) / floor_f(k)`; floor_x(k) is the mean over training-normal clips of a low percentile over time
    of `P_x(k, t)`, taken where the machine is quiet. Noise-aware reference denoising (Kim 2026), eq. (2).
    """

    percentile: float = 20.0  # percent of a clip's frames, over time; Kim 2026, sec. 3.2 (P_20)
    n_fft: int = 1024  # samples, 64 ms; Kim 2026, sec. 3.1
    hop_length: int = 512  # samples, 32 ms; Kim 2026, sec. 3.1

    def __post_init__(self) -> None:
        check_stft(self.n_fft, self.hop_length)
        if not 0 <= self.percentile <= 100:
            raise BadInput(f"percentile {self.percentile}: percent expected, from 0 to 100")

    def fit(self, waves: Iterable[Wave]) -> np.ndarray:
        """G (K,) float32. Raises BadInput without clips, or when the far channel is digitally silent."""
        total, count = np.zeros((2, self.n_fft // 2 + 1)), 0  # float64
        for wave in waves:
            power = signal.power(signal.shared_stft(wave, self.n_fft, self.hop_length))  # (2, K, F)
            total += np.percentile(power, self.percentile, axis=-1)
            count += 1
        if count == 0:
            raise BadInput("no training-normal clips, so no noise transfer can be learnt")
        return floor_ratio(*(total / count))


def floor_ratio(floor_near: np.ndarray, floor_far: np.ndarray) -> np.ndarray:
    """`G = floor_n / floor_f`, eq. (2): (K,), (K,) -> (K,) float32. Raises BadInput where floor_f is 0."""
    silent = floor_far < SILENCE
    if silent.any():
        raise BadInput(
            f"far channel: over all training clips the noise floor is 0 in {silent.sum()} of {silent.size} frequency "
            "bins, at least a microphone's own noise expected (is channel 1 digitally silent, or muted at times?)"
        )
    return (floor_near / floor_far).astype(np.float32)


@dataclass(frozen=True)
class Referenced(ABC):
    """A front-end that knows the near channel's noise as `G P_f`."""

    needs_far: ClassVar = True

    transfer: NoiseTransfer = NoiseTransfer()

    @abstractmethod
    def denoise(self, spectra: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        """The front-end's formula, (2, K, F) complex and G (K,) -> (K, F) power. `spectra` is shared: read only."""

    @property
    def statistics(self) -> NoiseTransfer:
        return self.transfer

    def fit(self, waves: Iterable[Wave]) -> FittedReferenced:
        return FittedReferenced(self, self.transfer.fit(waves))

    def restore(self, arrays: Arrays) -> FittedReferenced:
        return FittedReferenced(self, arrays["transfer"])


@dataclass(frozen=True, eq=False)
class FittedReferenced:
    """A `Referenced` front-end with the transfer of one machine."""

    recipe: Referenced
    transfer: np.ndarray  # (K,) float32, G

    def arrays(self) -> Arrays:
        return {"transfer": self.transfer}

    def __call__(self, wave: Wave) -> Power:
        """(2, T) -> (1, K, F)"""
        return self.recipe.denoise(self.spectra(wave), self.transfer)[None]

    def sound(self, wave: Wave) -> Wave:
        """(2, T) -> (1, T), the near spectrum turned down to the denoised power."""
        stft, spectra = self.recipe.transfer, self.spectra(wave)
        cleaned = signal.with_power(spectra[0], self.recipe.denoise(spectra, self.transfer))
        return signal.istft(cleaned[None], stft.n_fft, stft.hop_length, wave.shape[1])

    def spectra(self, wave: Wave) -> np.ndarray:
        """(2, K, F) complex64, read only."""
        return signal.shared_stft(wave, self.recipe.transfer.n_fft, self.recipe.transfer.hop_length)


def near_and_noise(spectra: np.ndarray, transfer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P_n and G P_f, each (K, F) float32."""
    near, far = signal.power(spectra)
    return near, transfer[:, None] * far
