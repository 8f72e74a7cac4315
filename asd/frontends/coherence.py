"""Front-ends steered by the near-far coherence, what both channels share in a bin over some frames. (2, T) -> (1, K, F)

Coherent energy counts as environmental noise that both microphones hear (Noise-aware reference denoising, Kim 2026,
sec. 3.3, after Yousefian and Loizou 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import lfilter

from asd import signal
from asd.errors import BadInput
from asd.frontends.channel import Fixed, check_floor
from asd.frontends.subtraction import check_factor, subtract
from asd.frontends.transfer import Referenced, near_and_noise

# Kim 2026 gives none. 0.9 at a hop of 32 ms is a time constant of 0.3 s, short against a clip, and averages about
# (1 + 0.9) / (1 - 0.9) = 19 frames: channels which share nothing still show |Gamma|^2 of about 1/19 and lose 0.5 dB.
# From 0.8 to 0.95 Omega moved by less than 0.01 (three renderings each of two machines, frame-wise Mahalanobis).
SMOOTHING = 0.9
TINY = np.finfo(np.float64).tiny  # stands for a product of powers of zero


def smoothed(x: np.ndarray, smoothing: float) -> np.ndarray:
    """`S(t) = smoothing S(t-1) + (1 - smoothing) x(t)` along the last axis, float64 or complex128.

    S before the first frame is the mean of the first `1 / (1 - smoothing)` frames, as many as S forgets within a time
    constant. Started from x(0) alone, a coherence is 1 in the first frame whatever the channels hold.
    """
    n = round(1 / (1 - smoothing))
    start = x[..., :n].mean(axis=-1, keepdims=True, dtype=np.result_type(x, np.float64))
    return lfilter([1 - smoothing], [1, -smoothing], x, axis=-1, zi=smoothing * start)[0]


def coherence(spectra: np.ndarray, smoothing: float) -> np.ndarray:
    """`|Gamma|^2 = |S_nf|^2 / (S_nn S_ff)`, (2, K, F) -> (K, F) float32 from 0 to 1; 0 where a channel is silent.

    Kim 2026, eq. (4). A clip of a single frame is coherent in every bin.
    """
    near, far = spectra
    cross = smoothed(near * far.conj(), smoothing)  # (K, F) S_nf
    auto_near, auto_far = smoothed(signal.power(spectra), smoothing)  # (K, F) S_nn, S_ff
    return (signal.power(cross) / np.maximum(auto_near * auto_far, TINY)).astype(np.float32)


def check_smoothing(smoothing: float) -> None:
    if not 0 < smoothing < 1:
        raise BadInput(f"smoothing {smoothing}: above 0 and below 1 expected; at 0 everything would count as coherent")


@dataclass(frozen=True)
class CohGate(Fixed):
    """`H^2 P_n` with `H = clip(1 - |Gamma|^2, 0.10, 1)`; Kim 2026, eq. (4).

    Chosen: H is a gain on the spectrum, as in Yousefian and Loizou 2012, so its square multiplies power. Kim 2026 calls
    this its most aggressive front-end, which with H (at most 10 dB down, like the subtractions) it would not be. On
    three renderings each of two machines Omega with H^2 was above that with H, by 0.02 in the mean.
    """

    needs_far: ClassVar = True

    smoothing: float = SMOOTHING  # of S from frame to frame; 0.3 s, chosen, see SMOOTHING
    exponent: float = 2.0  # of H on power; 2: H is an amplitude gain, 1: a power gain; chosen, see above
    floor: float = 0.10  # of the gain H, beta; Kim 2026, eq. (4)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_smoothing(self.smoothing)
        if not 0 < self.exponent < np.inf:
            raise BadInput(f"exponent {self.exponent}: 1 (H is a power gain) or 2 (an amplitude gain) expected")
        check_floor(self.floor)

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        gain = np.clip(1 - coherence(spectra, self.smoothing), self.floor, 1)  # (K, F)
        return gain**self.exponent * signal.power(spectra[0])


@dataclass(frozen=True)
class CohSub(Referenced):
    """Subtraction of the noise as far as the channels are coherent, `max(P_n - 4 |Gamma|^2 G P_f, 0.10 P_n)`.

    Kim 2026, sec. 3.3, names a coherence-gated subtraction without its formula. Chosen: the far channel tells the near
    noise of this frame only in so far as both are coherent, so |Gamma|^2 takes the place of AdaSub's local SNR in
    driving the factor, up to the same most. (RefSub's 1.5 could not over-suppress more than RefSub, as theirs did.)
    """

    over_subtraction: float = 4.0  # of the noise power where |Gamma| is 1; chosen, a_max of Kim 2026, sec. 3.2
    smoothing: float = SMOOTHING  # of S from frame to frame; 0.3 s, chosen, see SMOOTHING
    floor: float = 0.10  # of the near power, beta; Kim 2026, eq. (3)

    def __post_init__(self) -> None:
        check_factor("over_subtraction", self.over_subtraction)
        check_smoothing(self.smoothing)
        check_floor(self.floor)

    def denoise(self, spectra: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        factor = self.over_subtraction * coherence(spectra, self.smoothing)  # (K, F)
        return subtract(*near_and_noise(spectra, transfer), factor, self.floor)
