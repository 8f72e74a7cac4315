"""Front-ends that keep both microphones, for detectors that compare them. (2, T) -> (2, K, F), or (2, T) as sound"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from asd import signal
from asd.contracts import Power, Wave
from asd.frontends.channel import Mix


@dataclass(frozen=True)
class Pair(Mix):
    """A front-end with two output channels; `mix` gives both, (2, ...) -> (2, ...)."""

    needs_far: ClassVar = True

    def __call__(self, wave: Wave) -> Power:
        """(2, T) -> (2, K, F)"""
        return self.denoise(signal.shared_stft(wave, self.n_fft, self.hop_length))

    def sound(self, wave: Wave) -> Wave:
        """(2, T) -> (2, T), exactly; it may be the clip's own memory, so read only."""
        return self.mix(wave)


@dataclass(frozen=True)
class NearAndFar(Pair):
    """Both microphones as they are, `P_n` and `P_f`."""

    def mix(self, channels: np.ndarray) -> np.ndarray:
        return channels


@dataclass(frozen=True)
class NearAndDifference(Pair):
    """The near microphone and the difference of the waves, `|N|^2` and `|N - F|^2`: the reference and difference
    channel of the two-microphone autoencoder (Luzón-Álvarez et al. 2025), sec. 2.
    """

    def mix(self, channels: np.ndarray) -> np.ndarray:
        near, far = channels
        return np.stack([near, near - far])
