"""Features: a power spectrogram (C, K, F) in, one frame-wise feature matrix (F, D) out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from asd import signal
from asd.contracts import Feature, Power
from asd.errors import BadInput, check_least


@dataclass(frozen=True)
class LogMel:
    """Log-mel energies of the first channel, un-stacked: detectors stack neighbouring frames as they need."""

    n_mels: int = 128  # Slaney mel bands from 0 to 8 kHz; organisers' baseline

    def __post_init__(self) -> None:
        check_least(self, 1, "n_mels")

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (F, n_mels) in dB."""
        return signal.log_mel(power[0], self.n_mels)


@dataclass(frozen=True)
class LogMelPair(LogMel):
    """The log-mels of a front-end's two channels side by side, for detectors that compare them."""

    needs_far: ClassVar = True

    @property
    def channels(self) -> int:
        """Channels side by side in a feature; one, where features say nothing."""
        return 2

    def __call__(self, power: Power) -> Feature:
        """(2, K, F) -> (F, 2 n_mels) in dB. Raises BadInput for any other number of channels."""
        if len(power) != 2:
            raise BadInput(
                f"{len(power)} channel from the front-end, 2 expected: a detector that compares two stands behind it "
                "(frontend NearAndFar or NearAndDifference)"
            )
        return np.concatenate([signal.log_mel(channel, self.n_mels) for channel in power], axis=1)


@dataclass(frozen=True)
class LogMelTwice(LogMel):
    """The first channel's log-mels in the place of both, for such a detector on a machine of one channel."""

    @property
    def channels(self) -> int:
        """Channels side by side in a feature."""
        return 2

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (F, 2 n_mels) in dB, either half the same."""
        return np.tile(super().__call__(power), 2)
