"""Front-ends that learn nothing: one channel, or a fixed mix of both, as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from asd import signal
from asd.vocabulary import Arrays, Power, Wave


@dataclass(frozen=True)
class Near:
    """The near microphone alone, `P_n = |STFT(n)|^2`; the organisers' baseline."""

    n_fft: int = 1024  # samples, 64 ms
    hop_length: int = 512  # samples, 32 ms

    def fit(self, waves: Iterable[Wave]) -> Near:
        return self

    def restore(self, arrays: Arrays) -> Near:
        return self

    def arrays(self) -> Arrays:
        return {}

    def __call__(self, wave: Wave) -> Power:
        """(2, T) -> (1, K, F)"""
        return signal.power(signal.shared_stft(wave, self.n_fft, self.hop_length)[:1])
