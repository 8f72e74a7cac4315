"""Features: a power spectrogram (C, K, F) in, one frame-wise feature matrix (F, D) out."""

from __future__ import annotations

from dataclasses import dataclass

from asd import signal
from asd.vocabulary import Feature, Power


@dataclass(frozen=True)
class LogMel:
    """Log-mel energies of the first channel, un-stacked: detectors stack neighbouring frames as they need."""

    n_mels: int = 128  # Slaney mel bands from 0 to 8 kHz; organisers' baseline

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (F, n_mels) in dB."""
        return signal.log_mel(power[0], self.n_mels)
