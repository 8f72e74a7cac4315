"""Canceller: the far channel, filtered bin by bin to fit the near one over the clip, is subtracted. (2, T) -> (1, K, F)

It subtracts complex spectra, so noise that both microphones hear goes whatever its power; it learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from asd import signal
from asd.errors import BadInput
from asd.frontends.channel import Fixed


def cancel(near: np.ndarray, far: np.ndarray, ridge: float) -> np.ndarray:
    """`Y = N - H F`, `H(k) = sum_t N F* / (sum_t |F|^2 + ridge)`, complex least squares; (K, F), (K, F) -> (K, F)."""
    cross = (near * far.conj()).sum(axis=-1, dtype=np.complex128)  # (K,)
    power = signal.power(far).sum(axis=-1, dtype=np.float64)  # (K,)
    transfer = (cross / (power + ridge)).astype(np.complex64)  # (K,) H
    return near - transfer[:, None] * far


SAME = 1e-6  # of near's largest amplitude: what arithmetic in float32 leaves of a copy; PCM_16's rounding is above


@dataclass(frozen=True)
class Canceller(Fixed):
    """`|Y|^2`, Y the near spectrum less its complex least-squares fit by the far one; not of Kim 2026 but of
    the DCASE 2026 Task 2 results.
    """

    needs_far: ClassVar = True

    ridge: float = 1e-12  # power summed over the clip; lets the far channel be silent; DCASE 2026 Task 2 results

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.ridge > 0:
            raise BadInput(f"ridge {self.ridge}: above 0 expected")

    def cleaned(self, spectra: np.ndarray) -> np.ndarray:
        """Y itself: its phase is not the near one's."""
        near, far = spectra
        remainder = cancel(near, far, self.ridge)
        if near.any() and np.abs(remainder).max() <= SAME * np.abs(near).max():
            raise BadInput("the far channel explains the near one altogether (is one a copy of the other?)")
        return remainder

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        return signal.power(self.cleaned(spectra))
