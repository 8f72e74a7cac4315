"""Front-ends that learn nothing from training clips, and the shape they share: (C, T) -> (1, K, F).

`Fixed` is that shape; here are its plainest forms, one channel or a fixed mix of both, as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from asd import signal
from asd.contracts import Arrays, Power, Wave
from asd.errors import BadInput


def check_stft(n_fft: int, hop_length: int) -> None:
    if n_fft < 2 or n_fft % 2 or not 1 <= hop_length <= n_fft:
        raise BadInput(f"n_fft {n_fft}, hop_length {hop_length}: even n_fft, 1 <= hop_length <= n_fft expected")


def check_floor(floor: float) -> None:
    if not 0 < floor <= 1:
        raise BadInput(f"floor {floor}: a share of the near power expected, above 0 and at most 1")


@dataclass(frozen=True)
class Fixed(ABC):
    """A front-end that is a function of the clip alone: recipe and fitted front-end are one object."""

    n_fft: int = 1024  # samples, 64 ms; organisers' baseline
    hop_length: int = 512  # samples, 32 ms; organisers' baseline

    def __post_init__(self) -> None:
        check_stft(self.n_fft, self.hop_length)

    @abstractmethod
    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        """The front-end's formula, (C, K, F) complex -> (K, F) power. `spectra` is shared: read only."""

    def cleaned(self, spectra: np.ndarray) -> np.ndarray:
        """What is heard, (C, K, F) -> (K, F) complex: the near spectrum turned down to the denoised power."""
        return signal.with_power(spectra[0], self.denoise(spectra))

    @property
    def statistics(self) -> Self:
        return self

    def fit(self, waves: Iterable[Wave]) -> Self:
        return self

    def restore(self, arrays: Arrays) -> Self:
        return self

    def arrays(self) -> Arrays:
        return {}

    def __call__(self, wave: Wave) -> Power:
        """(C, T) -> (1, K, F)"""
        return self.denoise(signal.shared_stft(wave, self.n_fft, self.hop_length))[None]

    def sound(self, wave: Wave) -> Wave:
        """(C, T) -> (1, T)"""
        spectra = signal.shared_stft(wave, self.n_fft, self.hop_length)
        return signal.istft(self.cleaned(spectra)[None], self.n_fft, self.hop_length, wave.shape[1])


@dataclass(frozen=True)
class Mix(Fixed):
    """A linear mix of the microphones, the same of spectra and of waves, so that its sound needs no STFT."""

    @abstractmethod
    def mix(self, channels: np.ndarray) -> np.ndarray:
        """(C, ...) -> (...), spectra or waves."""

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        return signal.power(self.mix(spectra))

    def sound(self, wave: Wave) -> Wave:
        """(C, T) -> (1, T), exactly; it may be the clip's own memory, so read only."""
        return self.mix(wave)[None]


@dataclass(frozen=True)
class Near(Mix):
    """The near microphone alone, `P_n = |N|^2`; the organisers' baseline."""

    def mix(self, channels: np.ndarray) -> np.ndarray:
        return channels[0]


@dataclass(frozen=True)
class Far(Mix):
    """The far microphone alone, `P_f = |F|^2`."""

    needs_far: ClassVar = True

    def mix(self, channels: np.ndarray) -> np.ndarray:
        return channels[1]


@dataclass(frozen=True)
class Mean(Mix):
    """The mean of the two waves, `|(N + F) / 2|^2`."""

    needs_far: ClassVar = True

    def mix(self, channels: np.ndarray) -> np.ndarray:
        return (channels[0] + channels[1]) / 2


@dataclass(frozen=True)
class Difference(Mix):
    """The difference of the two waves, `|N - F|^2`."""

    needs_far: ClassVar = True

    def mix(self, channels: np.ndarray) -> np.ndarray:
        return channels[0] - channels[1]
