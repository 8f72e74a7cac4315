"""Mixtures whose clean machine sound is known: a scene of recordings and a room in, (C, T) mixture and image out.

As Shoda et al., "Spectral-to-spatial distillation", sec. IV, make them: a normal recording each, noise by class, then
by file, from one of the room's other places, at an SNR drawn evenly. Training, the supervised peers and test share no
recording of the machine, training and test none of noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve

from asd.clips import RATE
from asd.separation import recordings
from asd.separation.recordings import Waves
from asd.separation.rooms import Room

TRAIN, PEERS, NORMAL, ANOMALY = range(4)  # of the draws; no two pools draw alike
SHARES = (528, 256, 264)  # of the normal recordings: training, peers, test


@dataclass(frozen=True)
class Mixture:
    """One clip."""

    wave: np.ndarray  # (C, T) float32
    clean: np.ndarray  # (T,) float32, the machine at microphone 0, without noise
    is_anomaly: bool
    snr: float  # dB at microphone 0
    noise: str  # its class


@dataclass(frozen=True)
class Mixing:
    """How mixtures are made; the defaults are the paper's."""

    seconds: float = 10.0
    snr: tuple[float, float] = (-10.0, 0.0)  # dB, drawn evenly
    self_noise: float = -np.inf  # dB of the mixture, each microphone's own; -inf: none
    level: tuple[float, ...] = ()  # dB of full scale, RMS, drawn evenly from one to the other; empty: as it comes

    @property
    def length(self) -> int:
        return int(self.seconds * RATE)


@dataclass(frozen=True)
class Scene:
    """What mixtures are drawn from."""

    reference_from: Waves
    normal: Waves
    peers_normal: Waves
    test_normal: Waves
    anomaly: Waves
    noise: Mapping[str, Waves]  # by class
    test_noise: Mapping[str, Waves]
    room: Room
    mixing: Mixing

    def train(self, n: int, seed: int) -> list[Mixture]:
        """Normal ones."""
        return self._drawn(self.normal, self.noise, (seed, TRAIN), n)

    def peers(self, n: int, seed: int) -> list[Mixture]:
        """Normal ones for the supervised peers, which alone see their clean sound."""
        return self._drawn(self.peers_normal, self.noise, (seed, PEERS), n)

    def test(self, n: int, seed: int) -> list[Mixture]:
        """Half normal, half anomalous."""
        normal = self._drawn(self.test_normal, self.test_noise, (seed, NORMAL), n // 2)
        return normal + self._drawn(self.anomaly, self.test_noise, (seed, ANOMALY), n // 2)

    def reference(self) -> np.ndarray:
        """(T,) a clean normal stretch at microphone 0: the one-shot reference."""
        rng = np.random.default_rng(0)
        return through(stretch(self.reference_from[0], self.mixing.length, rng), self.room.machine)[0]

    def _drawn(self, machine: Waves, noise: Mapping[str, Waves], numbers: tuple[int, int], n: int) -> list[Mixture]:
        order = turns(machine, n, np.random.default_rng(numbers))
        is_anomaly = numbers[1] == ANOMALY
        return [self._draw(machine[k], noise, is_anomaly, (*numbers, i)) for i, k in enumerate(order)]

    def _draw(
        self, machine: np.ndarray, noise: Mapping[str, Waves], is_anomaly: bool, numbers: tuple[int, ...]
    ) -> Mixture:
        rng, mixing = np.random.default_rng(numbers), self.mixing
        image = through(stretch(machine, mixing.length, rng), self.room.machine)  # (C, T)
        position = self.room.noise[rng.integers(len(self.room.noise))]
        kind = sorted(noise)[rng.integers(len(noise))]
        file = noise[kind][rng.integers(len(noise[kind]))]
        disturbance = through(stretch(file, mixing.length, rng), position)
        snr = float(rng.uniform(*mixing.snr))
        disturbance *= rms(image[0]) / max(rms(disturbance[0]), 1e-12) * 10 ** (-snr / 20)
        mixed = image + disturbance
        mixed += 10 ** (mixing.self_noise / 20) * rms(mixed[0]) * rng.standard_normal(mixed.shape)
        gain = 10 ** (rng.uniform(mixing.level[0], mixing.level[1]) / 20) / rms(mixed[0]) if mixing.level else 1.0
        return Mixture((gain * mixed).astype(np.float32), (gain * image[0]).astype(np.float32), is_anomaly, snr, kind)


def turns(pool: Sequence[np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) recordings of the pool in random order, each once before any comes again, longer ones more often."""
    lengths = np.array([len(x) for x in pool], float)
    times = np.ceil(n * lengths / lengths.sum()).astype(int)  # at least n in all
    rounds = [rng.permutation(np.flatnonzero(times > i)) for i in range(times.max())]
    return np.concatenate(rounds)[:n]


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def through(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(T,) -> (C, T)"""
    return np.stack([fftconvolve(x, h)[: len(x)] for h in response])


def stretch(x: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """(length,) from anywhere in a recording; a shorter one is repeated."""
    x = np.tile(x, -(-length // len(x)))
    start = int(rng.integers(0, len(x) - length + 1))
    return x[start : start + length].astype(np.float64)


# ---- from folders ----------------------------------------------------------------------------------------------------


def open_scene(machine: Path, noise: Path, room: Room, mixing: Mixing) -> Scene:
    """Raises BadInput where a folder lacks what a mixture is made of."""
    normal, anomaly = (recordings.of_condition(machine, name) for name in ("normal", "anomaly"))
    noises = recordings.of_noise(noise, mixing.seconds)
    pools = {f"{machine}: normal": normal, f"{machine}: anomaly": anomaly}
    for what, pool in (pools | {f"{noise} ({name}):": waves for name, waves in noises.items()}).items():
        recordings.check_sounding(what, pool, mixing.seconds)
    train, peers, test = recordings.dealt(normal, SHARES, 0)
    one, others = (train[:1], train[1:]) if len(train) > 1 else (train, train)  # the reference is mixed with no noise
    for_train, for_test = ({name: tuple(w[i::2]) for name, w in noises.items()} for i in (0, 1))
    return Scene(one, others, peers, test, tuple(anomaly), for_train, for_test, room, mixing)
