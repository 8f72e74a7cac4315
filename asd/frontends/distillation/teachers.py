"""Teachers: spectral filters whose output a student learns. A clip (C, T) in, its near channel with less noise out.

`open` gets the machine's training-normal waves and a reference clip once and returns the function of one clip.
AudioSepTeacher, the paper's, is in `audiosep`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from asd import signal
from asd.contracts import Wave
from asd.frontends.distillation.student import inverse_stft
from asd.frontends.subtraction import TINY, AdaSub

Separate = Callable[[Wave], np.ndarray]  # (C, T) -> (T,) float32


@runtime_checkable
class Teacher(Protocol):
    def files(self) -> tuple[Path, ...]:
        """What it reads besides waves."""

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        """Training-normal waves (C, T), reference (T,)."""


@dataclass(frozen=True)
class AdaSubTeacher:
    """Adaptive subtraction of the far channel with the near channel's phase: needs two channels, nothing pretrained."""

    subtraction: AdaSub = AdaSub()

    def files(self) -> tuple[Path, ...]:
        return ()

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        transfer = self.subtraction.transfer.fit(wave[:2] for wave in waves)  # (K,)

        def separate(wave: Wave) -> np.ndarray:
            stft = self.subtraction.transfer
            spectra = signal.stft(wave[:2], stft.n_fft, stft.hop_length)  # (C, K, F)
            ratio = self.subtraction.denoise(spectra, transfer) / np.maximum(signal.power(spectra[0]), TINY)
            cleaned = np.sqrt(np.minimum(ratio, 1)) * spectra[0]  # (K, F)
            return inverse_stft(torch.from_numpy(cleaned.T), stft.n_fft, stft.hop_length, wave.shape[1]).numpy()

        return separate
