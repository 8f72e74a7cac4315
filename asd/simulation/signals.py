"""Building blocks of simulated sound: random streams, noise of a given spectrum, tones, struck resonances, levels.

Signals are (T,) at RATE; phases are in turns; a stream is a random generator that a key names.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, next_fast_len, rfftfreq
from scipy.signal import fftconvolve

from asd.clips import RATE


def stream(*key: object) -> Generator:
    """A generator of its own for each key: nothing drawn here depends on what else is drawn."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(key).encode()).digest(), "big"))


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) + 1e-12


def unit(x: np.ndarray) -> np.ndarray:
    return x / rms(x)


def gain(db: float) -> float:
    return 10.0 ** (db / 20.0)


def noise(length: int, rng: Generator, band: tuple[float, float] = (20.0, 8000.0), tilt_db: float = 0.0) -> np.ndarray:
    """(length,) Gaussian noise at unit RMS; second-order slopes outside `band` (Hz), `tilt_db` dB per octave within."""
    n = next_fast_len(length, real=True)
    f = np.maximum(rfftfreq(n, 1 / RATE), 1.0)  # (n/2+1,) Hz
    shape = (f / 1000.0) ** (tilt_db / 6.02) / np.hypot(1.0, (band[0] / f) ** 2) / np.hypot(1.0, (f / band[1]) ** 2)
    pairs = rng.standard_normal((len(f), 2), dtype=np.float32)  # single precision: twice as fast
    bins = pairs.view(np.complex64)[:, 0]
    return unit(irfft(shape.astype(np.float32) * bins, n)[:length])


def drift(length: int, rng: Generator, hz: float) -> np.ndarray:
    """(length,) random curve of about unit RMS, drawn `hz` times a second and joined by straight lines."""
    knots = rng.standard_normal(math.ceil(length / RATE * hz) + 2)
    return np.interp(np.arange(length) * hz / RATE, np.arange(len(knots)), knots)


def crossings(phase: np.ndarray) -> np.ndarray:
    """Samples at which a rising phase, in turns, passes a whole number."""
    return np.flatnonzero(np.diff(np.floor(phase)) > 0) + 1


def rings(at: np.ndarray, amplitude: np.ndarray, hz: float, decay_s: float, length: int) -> np.ndarray:
    """(length,) sum_i a_i exp(-(t-t_i)/decay_s) sin(2 pi hz (t-t_i)): a damped resonance struck at each sample `at`."""
    t = np.arange(int(8 * decay_s * RATE) + 2) / RATE
    strikes = np.zeros(length)
    inside = at < length
    np.add.at(strikes, at[inside], amplitude[inside])
    return fftconvolve(strikes, np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t))[:length]


def tones(phase: np.ndarray, count: int, rng: Generator) -> np.ndarray:
    """sum_h cos(2 pi h phase + phi_h) / h for h = 1..count, phase in turns, phi_h drawn."""
    turn, total = np.exp(2j * np.pi * phase), np.zeros(len(phase))
    power = np.ones_like(turn)
    for h, shift in enumerate(rng.uniform(0, 2 * np.pi, count), 1):
        power *= turn  # the h-th power costs a product, not a cosine
        total += (np.exp(1j * shift) / h * power).real
    return total
