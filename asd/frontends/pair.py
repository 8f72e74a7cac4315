"""Front-ends that keep both microphones, for detectors that compare them. (2, T) -> (2, K, F)"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd import signal
from asd.contracts import Power, Wave
from asd.frontends.channel import Fixed


@dataclass(frozen=True)
class Pair(Fixed):
    """A front-end with two output channels; `denoise` gives both, (2, K, F) complex -> (2, K, F) power."""

    def __call__(self, wave: Wave) -> Power:
        return self.denoise(signal.shared_stft(wave, self.n_fft, self.hop_length))


@dataclass(frozen=True)
class NearAndFar(Pair):
    """Both microphones as they are, `P_n` and `P_f`."""

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        return signal.power(spectra)


@dataclass(frozen=True)
class NearAndDifference(Pair):
    """The near microphone and the difference of the waves, `|N|^2` and `|N - F|^2`: the reference and difference
    channel of the two-microphone autoencoder (Luzón-Álvarez et al. 2025), sec. 2. The STFT is linear.
    """

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        near, far = spectra
        return signal.power(np.stack([near, near - far]))
