"""Kaldi's log-mel filter bank energies of a wave at 16 kHz: (T,) -> (F, bands), F = 1 + (T - 400) // 160.

Povey et al. 2011 ("The Kaldi speech recognition toolkit"), its `compute-fbank-feats` without dither: frames of 25 ms
every 10 ms, none padded; each without its mean, pre-emphasised by 0.97, weighted, and its power summed in triangles
which are linear in mel from 20 Hz to 8 kHz.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft

from asd.clips import RATE

FRAME, HOP, N_FFT = 400, 160, 512  # samples: 25 ms, 10 ms, the next power of two
PRE_EMPHASIS = 0.97
LOWEST = 20.0  # Hz
FLOOR = np.finfo(np.float32).eps  # of an energy, before the logarithm


def fbank(wave: np.ndarray, n_mels: int) -> np.ndarray:
    """(T,) with full scale 32,768, as Kaldi counts -> (F, n_mels) float32; no frame where T < 400."""
    if len(wave) < FRAME:
        return np.empty((0, n_mels), np.float32)
    wave = wave.astype(np.float64)  # in float32, low bands lose digits to what pre-emphasis left of high ones
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::HOP]  # (F, 400)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    spectra = fft.rfft((frames - PRE_EMPHASIS * before) * povey_window(), N_FFT)  # (F, 257)
    energies = (spectra.real**2 + spectra.imag**2) @ triangles(n_mels)  # (F, n_mels)
    return np.log(np.maximum(energies, FLOOR)).astype(np.float32)


@cache
def povey_window() -> np.ndarray:
    """(400,) Hann's, symmetric, to the power of 0.85."""
    return np.hanning(FRAME) ** 0.85


@cache
def triangles(n_mels: int) -> np.ndarray:
    """(257, n_mels) weights; neighbouring triangles overlap by half, and the bin at 8 kHz counts nowhere."""
    edges = np.linspace(mel(LOWEST), mel(RATE / 2), n_mels + 2)
    bins = mel(np.arange(N_FFT // 2 + 1) * RATE / N_FFT)[:, None]  # (257, 1)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    weights[-1] = 0
    return weights


def mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
