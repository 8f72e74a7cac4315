"""The reference clip, how the machine sounds alone: from a file, a clean recording, or the cleanest training clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from asd import signal
from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput
from asd.frontends.subtraction import local_snr
from asd.frontends.transfer import NoiseTransfer, near_and_noise
from asd.sound_files import read_sound

MOST = 60.0  # dB a bin counts at most: a digitally silent far channel is no cleaner than a quiet one


def read_reference(path: Path) -> np.ndarray:
    """(T,) float32, channel 0 of the file. Raises BadInput where it cannot be read, is silent, or of another rate."""
    samples, rate = read_sound(path)  # (T, C)
    if rate != RATE:
        raise BadInput(f"{path}: {rate} Hz, {RATE} expected (resample the reference clip first)")
    if not len(samples) or not np.abs(samples[:, 0]).max() > 0:
        raise BadInput(f"{path}: a silent reference clip (is channel 0 the microphone?)")
    return np.ascontiguousarray(samples[:, 0])


def cleanest(waves: Sequence[Wave], clean: Iterable[Wave]) -> np.ndarray:
    """(T,) near channel of the clip that stands out most from the noise G P_f, of the training clips and of `clean`.

    In two channels a recording of the machine alone comes first by this measure, one of noise alone last. Recordings
    of one channel have no far noise and are left out (give such a one as `reference`). One clip at a time is in memory.
    """
    if len(waves[0]) < 2:
        raise BadInput("1 channel: no far channel to find the cleanest clip by; give a `reference` file")
    transfer = NoiseTransfer()
    gain = transfer.fit(wave[:2] for wave in waves)  # (K,)
    candidates = chain(waves, (wave for wave in clean if len(wave) == 2))
    return max(candidates, key=lambda wave: clearness(wave, gain, transfer))[0]  # of equal ones the first


def clearness(wave: Wave, gain: np.ndarray, transfer: NoiseTransfer) -> float:
    """Mean over bins and frames of the near-over-far-floor ratio `P_n / (G P_f)` in dB, each within +-MOST."""
    spectra = signal.stft(wave[:2], transfer.n_fft, transfer.hop_length)
    return float(np.clip(local_snr(*near_and_noise(spectra, gain)), -MOST, MOST).mean())
