"""Factory noise: the number of samples and a random stream in, a signal (T,) of any level out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from asd.clips import RATE
from asd.simulation.signals import drift, noise, rings, tones, unit


def hum(length: int, rng: Generator) -> np.ndarray:
    """Air conditioning: 50 Hz hum with harmonics over a rumble that falls by 5 to 7 dB per octave."""
    mains = tones(np.arange(length) * rng.uniform(49.5, 50.5) / RATE + rng.uniform(), 6, rng)
    return unit(0.4 * mains) * 0.4 + noise(length, rng, (30.0, 7000.0), rng.uniform(-7.0, -5.0))


def clatter(length: int, rng: Generator) -> np.ndarray:
    """Conveyor: about eight knocks a second on six bodies of different pitch, over its rolling."""
    knocks = np.zeros(length)
    for hz in np.geomspace(300.0, 4500.0, 6) * rng.uniform(0.8, 1.25, 6):
        at = np.sort(rng.integers(0, length, rng.poisson(1.4 * length / RATE) + 1))
        knocks += rings(at, rng.lognormal(0.0, 0.5, len(at)), hz, rng.uniform(0.008, 0.03), length)
    return unit(knocks) + 0.7 * noise(length, rng, (60.0, 5000.0), -4.0)


def airgun(length: int, rng: Generator) -> np.ndarray:
    """Compressed air: blasts of 0.2 to 1 s about once a second over a steady wheeze."""
    jet = noise(length, rng, (900.0, 7500.0), 1.0)
    blasts = np.clip(drift(length, rng, rng.uniform(2.0, 3.5)), 0.0, 1.5)
    return unit((0.25 + blasts) * jet) + 0.5 * noise(length, rng, (40.0, 3000.0), -5.0)


def babble(length: int, rng: Generator) -> np.ndarray:
    """Talk-like noise: four speech bands, each with its own envelope of 3 to 6 Hz."""
    bands = ((120.0, 400.0), (400.0, 1000.0), (1000.0, 2400.0), (2400.0, 5500.0))
    weights = (1.0, 0.8, 0.4, 0.2)
    total = np.zeros(length)
    for weight, band in zip(weights, bands, strict=True):
        total += weight * noise(length, rng, band) * np.exp(0.8 * drift(length, rng, 5.0))
    return total


NOISES: dict[str, Callable[[int, Generator], np.ndarray]] = {f.__name__: f for f in (hum, clatter, airgun, babble)}
