"""Canceller: the far channel, filtered bin by bin to fit the near one over the clip, is subtracted. (2, T) -> (1, K, F)

It subtracts complex spectra, so noise that both microphones hear goes whatever its power; it learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self

import numpy as np

from asd import signal
from asd.contracts import Wave
from asd.errors import BadInput
from asd.frontends.channel import Fixed


def cancel(near: np.ndarray, far: np.ndarray, ridge: float) -> np.ndarray:
    """`Y = N - H F`, `H(k) = sum_t N F* / (sum_t |F|^2 + ridge)`, complex least squares; (K, F), (K, F) -> (K, F)."""
    cross = (near * far.conj()).sum(axis=-1, dtype=np.complex128)  # (K,)
    power = signal.power(far).sum(axis=-1, dtype=np.float64)  # (K,)
    transfer = (cross / (power + ridge)).astype(np.complex64)  # (K,) H
    return near - transfer[:, None] * far


LOOKED_AT = 3  # clips
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

    def fit(self, waves: Iterable[Wave]) -> Self:
        """Itself. Raises BadInput where nothing would remain of the first training clips."""
        looked_at = [signal.shared_stft(wave, self.n_fft, self.hop_length) for wave in islice(waves, LOOKED_AT)]
        if looked_at and all(map(self._leaves_nothing, looked_at)):
            raise BadInput(
                "the far channel explains the near one altogether in the first training clips (is one a copy of the "
                "other? then take frontend=Near)"
            )
        return self

    def _leaves_nothing(self, spectra: np.ndarray) -> bool:
        near = np.abs(spectra[0]).max()
        return bool(near > 0 and np.abs(self.cleaned(spectra)).max() <= SAME * near)

    def cleaned(self, spectra: np.ndarray) -> np.ndarray:
        """Y itself: its phase is not the near one's."""
        near, far = spectra
        return cancel(near, far, self.ridge)

    def denoise(self, spectra: np.ndarray) -> np.ndarray:
        return signal.power(self.cleaned(spectra))
