"""Signal processing as pure functions: waves (C, T), spectra (C, K, F), log-mel frames (F, M), windows; and back.

Conventions are librosa's: Hann window (periodic), frames centred by zero padding, Slaney mel filters, power
spectrogram `|STFT|^2`. Everything is float32 / complex64.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import scipy.fft

from asd.clips import RATE

EPS = np.finfo(np.float64).eps  # the organisers' floor under the logarithm: -156.5 dB
TINY = np.finfo(np.float32).tiny  # stands for a power of zero under a logarithm or a fraction bar
LEAST = 0.25  # of the summed squared windows that `istft` divides by; chosen: what is in a tail doubles at most


@lru_cache
def _hann(n_fft: int) -> np.ndarray:
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)  # (n_fft,) periodic


def n_frames(n_samples: int, hop_length: int) -> int:
    """Frames of a centred STFT.

    >>> n_frames(160_000, 512)
    313
    """
    return 1 + n_samples // hop_length


def stft(wave: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """(C, T) -> (C, K, F) complex64, K = n_fft / 2 + 1, F = 1 + T // hop_length."""
    half = n_fft // 2
    padded = np.pad(wave, ((0, 0), (half, half)))  # (C, T + n_fft)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[:, ::hop_length]  # (C, F, n_fft)
    return scipy.fft.rfft(frames * _hann(n_fft), axis=-1).swapaxes(-1, -2)  # (C, K, F)


def istft(spectra: np.ndarray, n_fft: int, hop_length: int, n_samples: int) -> np.ndarray:
    """Inverse of `stft`: (C, K, F) complex64 -> (C, T) float32, windowed and divided by the sum of squared windows.

    `istft(stft(wave))` is the wave for a hop of at most n_fft / 2, but for its last samples where T is no multiple of
    the hop: only the tail of the last frame holds those, and where its squared window is below LEAST they fade out
    (dividing by next to nothing would blow up whatever a filter left there).
    """
    half, window = n_fft // 2, _hann(n_fft)
    frames = scipy.fft.irfft(spectra.swapaxes(-1, -2), n_fft, axis=-1) * window  # (C, F, n_fft)
    squares = np.broadcast_to(window**2, (1, *frames.shape[1:]))
    wave = overlap_added(frames, hop_length) / np.maximum(overlap_added(squares, hop_length), LEAST)
    return wave[:, half : half + n_samples]


def overlap_added(frames: np.ndarray, hop_length: int) -> np.ndarray:
    """(C, F, n_fft) -> (C, F hop + n_fft), each frame one hop after the last; zeros where there is none."""
    n_channels, n, n_fft = frames.shape
    added = np.zeros((n_channels, n * hop_length + n_fft), np.float32)
    for t in range(n):
        added[:, t * hop_length : t * hop_length + n_fft] += frames[:, t]
    return added


class _LastSTFT(threading.local):
    """The last wave transformed in this thread, so that every front-end of one clip shares one STFT."""

    wave: np.ndarray | None = None
    shape: tuple[int, int] = (0, 0)
    spectra: np.ndarray = np.empty(0)


_last = _LastSTFT()


def shared_stft(wave: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """`stft`, computed once for as long as callers of this thread pass the very same (read-only) array."""
    if _last.wave is not wave or _last.shape != (n_fft, hop_length):
        if wave.flags.writeable:
            return stft(wave, n_fft, hop_length)  # its content may change under the same identity
        _last.wave, _last.shape, _last.spectra = wave, (n_fft, hop_length), stft(wave, n_fft, hop_length)
        _last.spectra.flags.writeable = False
    return _last.spectra


def power(spectra: np.ndarray) -> np.ndarray:
    """|X|^2 of complex spectra, any shape, float32."""
    return spectra.real**2 + spectra.imag**2


def with_power(spectra: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Spectra turned down to a power, their phase kept: gain `sqrt(wanted / |X|^2)`, at most 1; any shape."""
    present = power(spectra)
    return np.sqrt(np.minimum(wanted, present) / np.maximum(present, TINY)) * spectra


MEL_WIDTH = 200.0 / 3  # Hz per mel below 1 kHz
KNEE = 1000.0  # Hz
MEL_RATIO = np.log(6.4) / 27.0  # logarithm of the frequency ratio per mel above


def slaney_mel(frequency: float) -> float:
    """Hz to mel."""
    if frequency < KNEE:
        return frequency / MEL_WIDTH
    return KNEE / MEL_WIDTH + np.log(frequency / KNEE) / MEL_RATIO


def hertz(mels: np.ndarray) -> np.ndarray:
    """Mel to Hz."""
    knee = KNEE / MEL_WIDTH
    return np.where(mels < knee, mels * MEL_WIDTH, KNEE * np.exp(MEL_RATIO * (mels - knee)))


@lru_cache
def mel_filters(n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float = RATE / 2) -> np.ndarray:
    """(M, K) float32 triangles, evenly spaced in mel and of area 1, librosa's default and its bits.

    Slaney, Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above.
    """
    centres = hertz(np.linspace(slaney_mel(fmin), slaney_mel(fmax), n_mels + 2))  # (M + 2,)
    ramps = centres[:, None] - np.fft.rfftfreq(n_fft, 1 / RATE)  # (M + 2, K)
    widths = np.diff(centres)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:])).astype(np.float32)
    return (triangles * (2.0 / (centres[2:] - centres[:-2]))[:, None]).astype(np.float32)


@lru_cache
def mel_shares(n_fft: int, n_mels: int) -> np.ndarray:
    """(M, K) float32: each band's share of a bin, 1 over all bands; a bin no filter hears is as the nearest one."""
    filters = mel_filters(n_fft, n_mels)
    heard = np.flatnonzero(filters.sum(axis=0))
    nearest = heard[np.abs(heard[:, None] - np.arange(filters.shape[1])).argmin(axis=0)]  # (K,)
    return (filters / np.maximum(filters.sum(axis=0), TINY))[:, nearest]


def mel_gain(changes: np.ndarray, n_fft: int) -> np.ndarray:
    """Changes of log-mels (F, M) in dB -> power gain (K, F): a bin has the mean of its bands', by filter weight."""
    return (10 ** (changes / 10) @ mel_shares(n_fft, changes.shape[1])).T


def log_mel(power_spectrogram: np.ndarray, n_mels: int) -> np.ndarray:
    """(K, F) power -> (F, M) log-mel energies in dB, `10 log10(max(mel, eps))` without a reference or top_db."""
    n_fft = 2 * (power_spectrogram.shape[0] - 1)
    mel = power_spectrogram.T @ mel_filters(n_fft, n_mels).T  # (F, M)
    return (10.0 * np.log10(np.maximum(mel, EPS))).astype(np.float32)


def filled(feature: np.ndarray, window: int) -> np.ndarray:
    """A clip shorter than a window, repeated until it fills one; any other as it is. (F, D) -> (max(F, window), D)"""
    return feature if len(feature) >= window else np.resize(feature, (window, feature.shape[1]))


def starts(n_frames: int, window: int, hop: int) -> np.ndarray:
    """First frames of a clip's windows; the last window ends with the clip, so that every frame is heard.

    >>> starts(313, 78, 100)
    array([  0, 100, 200, 235])
    """
    last = max(n_frames, window) - window
    return np.unique(np.append(np.arange(0, last, hop), last))


def windows(feature: np.ndarray, window: int, hop: int) -> np.ndarray:
    """(F, D) -> (n, window, D) of one clip."""
    rows = starts(len(feature), window, hop)[:, None] + np.arange(window)
    return filled(feature, window)[rows]


def octave_powers(windows: np.ndarray) -> np.ndarray:
    """(n, W, M) -> (n, octaves, M): mean of |FFT over time|^2 of each band without its mean, Hann window, over the
    bins 1, 2-3, 4-7, ... up to half the frame rate.
    """
    n_frames = windows.shape[1]
    hann = np.hanning(n_frames + 1)[:-1, None]
    steady = windows.astype(np.float64) - windows.mean(axis=1, keepdims=True, dtype=np.float64)
    power = np.abs(np.fft.rfft(steady * hann, axis=1)) ** 2  # (n, W // 2 + 1, M)
    edges = [*(1 << i for i in range((power.shape[1] - 1).bit_length())), power.shape[1]]
    return np.stack([power[:, a:b].mean(axis=1) for a, b in zip(edges, edges[1:], strict=False)], axis=1)
