"""Embedders: a wave (T,) in, a unit vector (E,) of what it sounds like out; and the weight of a distillation target.

    scis      semantic clarity improvement of targets over the mixtures they were separated from
    weights   SCi of many training clips -> weights in [0, 1]

Shoda et al., "Spectral-to-spatial distillation", sec. III-D. Their embedder, ClapEmbedder, is in `clap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from asd import signal
from asd.errors import BadInput, check_least


@runtime_checkable
class Embedder(Protocol):
    def files(self) -> tuple[Path, ...]:
        """What it reads besides waves."""

    def embed(self, wave: np.ndarray) -> np.ndarray:
        """(T,) at 16 kHz -> (E,) float32 of length 1."""


@dataclass(frozen=True)
class LogMelEmbedder:
    """Mean and spread over time of log-mel energies, without the level: a fingerprint that needs no training.

    *Chosen*: the mean tells tones and colour, the spread tells steady from changing; loudness is not semantic.
    """

    n_mels: int = 64  # bands; chosen: fine enough to part a motor's tones, coarse enough not to depend on its speed
    n_fft: int = 1024  # samples, 64 ms
    hop_length: int = 512  # samples, 32 ms

    def __post_init__(self) -> None:
        check_least(self, 1, "n_mels", "hop_length")
        check_least(self, 2, "n_fft")

    def files(self) -> tuple[Path, ...]:
        return ()

    def embed(self, wave: np.ndarray) -> np.ndarray:
        power = signal.power(signal.stft(wave[None], self.n_fft, self.hop_length)[0])  # (K, F)
        mel = signal.log_mel(power + np.float32(1e-7), self.n_mels)  # (F, M); about PCM_16's own rounding noise
        mean = mel.mean(axis=0)
        return unit(np.concatenate([mean - mean.mean(), mel.std(axis=0)]))


def unit(vector: np.ndarray) -> np.ndarray:
    """Of length 1, float32; a zero vector stays one."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def scis(embedder: Embedder, pairs: Sequence[tuple[np.ndarray, np.ndarray]], reference: np.ndarray) -> np.ndarray:
    """SCi of (target, mixture) pairs of waves (T,), (N,) float64, fig. 3.

    `sim(target, reference) - sim(mixture, reference)`, cosine similarities of embeddings.
    """
    clean = embedder.embed(reference)
    found = [float((embedder.embed(target) - embedder.embed(mixture)) @ clean) for target, mixture in pairs]
    return np.array(found)


@dataclass(frozen=True)
class PercentileWeights:
    """S of eq. (7): SCi clipped at two percentiles over the training clips and scaled to [0, 1]."""

    lowest: float = 5.0  # percent; chosen: the paper says "clips by percentile" without numbers
    highest: float = 95.0  # percent; chosen

    def __post_init__(self) -> None:
        if not 0 <= self.lowest < self.highest <= 100:
            raise BadInput(f"lowest {self.lowest}, highest {self.highest}: percentiles in rising order expected")

    def of(self, found: np.ndarray) -> np.ndarray:
        """(N,) -> (N,) float32; all 1 where the clips do not differ."""
        least, most = np.percentile(found, [self.lowest, self.highest])
        if most - least < 1e-9:
            return np.ones(len(found), np.float32)
        return ((np.clip(found, least, most) - least) / (most - least)).astype(np.float32)
