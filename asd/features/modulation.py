"""Modulation: a power spectrogram (C, K, F) in, how each mel band fluctuates, octave by octave, out.

A rotating or reciprocating machine modulates its sound at its own rates; a fault changes them more than the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd import signal
from asd.contracts import Feature, Power
from asd.errors import check, check_least

LEAST = 5  # frames of a clip


@dataclass(frozen=True)
class OctaveModulation:
    """Log power of each log-mel band's fluctuation in windows, by octave of modulation frequency; mean over windows.

    A gain changes nothing. Windows of 2.5 s have six octaves from 0.4 to 15.6 Hz.
    """

    window: int = 78  # frames, 2.5 s at hop 512
    hop: int = 16  # frames, 0.5 s
    floor: float = 1e-3  # dB^2 under the logarithm
    n_mels: int = 128  # Slaney mel bands from 0 to 8 kHz

    def __post_init__(self) -> None:
        check_least(self, 1, "n_mels")
        check("window", self.window, self.window >= 4, "at least 4")
        check("hop", self.hop, self.hop >= 1, "at least 1")
        check("floor", self.floor, self.floor > 0, "above 0")

    def __call__(self, power: Power) -> Feature:
        """(C, K, F) -> (1, octaves M). Raises BadInput for less than five frames."""
        frames = signal.log_mel(power[0], self.n_mels)  # (F, M)
        check("frames", len(frames), len(frames) >= LEAST, f"at least {LEAST} (was the clip cut off?)")
        powers = signal.octave_powers(signal.windows(frames, self.window, self.hop))  # (n, octaves, M)
        return np.log(powers + self.floor).mean(axis=0).reshape(1, -1).astype(np.float32)
