"""Features: a power spectrogram (C, K, F) in, one frame-wise feature matrix (F, D) out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd import signal
from asd.vocabulary import Feature, Power


@dataclass(frozen=True)
class LogMel:
    """Log-mel energies of each channel side by side, un-stacked: detectors stack neighbouring frames as they need."""

    n_mels: int = 128  # Slaney mel bands from 0 to 8 kHz; organisers' baseline

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (F, C * n_mels) in dB."""
        return np.concatenate([signal.log_mel(channel, self.n_mels) for channel in power], axis=1)
