"""Descriptors of near and far windows without a network: windows (n, W, M) of each microphone in, (n, D) out.

Jeong 2026 (far-conditioned masked spectrogram modelling) names a far-context ridge residual and a temporal modulation
descriptor, both computed from each near and far window alone; everything else here is *chosen*, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asd import signal
from asd.errors import check, check_above_0

TINY = 1e-3  # dB, or dB^2: under a logarithm, far below any microphone's own fluctuation


class Descriptor(Protocol):
    def __call__(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """Windows (n, W, M) in dB of each microphone -> (n, D)"""


@dataclass(frozen=True)
class RidgeResidual:
    """How much of each near mel band the far band's neighbouring frames leave unexplained within a window.

    Near band m at frame t is predicted by ridge regression from far band m at frames t - context to t + context, with
    an intercept; the descriptor is the log standard deviation of the residual, a band each. *Chosen*: the regression
    is the window's own, so that level and transfer of a room need not be known, and the level itself, which the
    environment moves, falls to the intercept; a logarithm, since fluctuations differ by factors.
    """

    context: int = 2  # frames on each side, 64 ms: more than sound needs to the far microphone, most of a room's decay
    ridge: float = 1.0  # dB^2 a frame, added to the far band's variance: a quiet far band predicts nothing

    def __post_init__(self) -> None:
        check("context", self.context, self.context >= 0, "at least 0")
        check("ridge", self.ridge, self.ridge > 0, "above 0")

    def __call__(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(n, W, M), (n, W, M) -> (n, M)"""
        return np.log(ridge_residual(near, far, self.context, self.ridge).std(axis=1) + TINY)


def ridge_residual(near: np.ndarray, far: np.ndarray, context: int, ridge: float) -> np.ndarray:
    """Residuals (n, W, M) of `near` after ridge regression on 2 context + 1 frames of `far`, window by window, band by
    band: the minimum of `|y - b - X c|^2 + W ridge |c|^2`. Frames beyond a window's ends repeat its first and last.
    """
    n_frames = near.shape[1]
    wide = np.pad(far.astype(np.float64), ((0, 0), (context, context), (0, 0)), mode="edge")
    shifted = [wide[:, i : i + n_frames] for i in range(2 * context + 1)]
    x = np.stack(shifted, axis=-1).swapaxes(1, 2)  # (n, M, W, P)
    y = near.astype(np.float64).swapaxes(1, 2)[..., None]  # (n, M, W, 1)
    x, y = x - x.mean(axis=2, keepdims=True), y - y.mean(axis=2, keepdims=True)
    gram = x.swapaxes(2, 3) @ x + n_frames * ridge * np.eye(x.shape[-1])  # (n, M, P, P)
    coefficients = np.linalg.solve(gram, x.swapaxes(2, 3) @ y)  # (n, M, P, 1)
    return (y - x @ coefficients)[..., 0].swapaxes(1, 2)


def log_octaves(windows: np.ndarray, least: float) -> np.ndarray:
    """(n, W, M) -> (n, octaves M): log power of each band's fluctuation, by octave of modulation frequency.

    Windows of 2.5 s have 6 octaves from 0.4 to 15.6 Hz. *Chosen*: octaves, as hearing and machine rates are; every band
    by itself, since pooling bands lost the faults of real fans; the log-mel envelope, so that a gain changes nothing.
    """
    return np.log(signal.octave_powers(windows) + least).reshape(len(windows), -1)


@dataclass(frozen=True)
class PairModulation:
    """Temporal modulation of the near and of the far window, side by side."""

    least: float = TINY  # dB^2 under the logarithm

    def __post_init__(self) -> None:
        check_above_0(self, "least")

    def __call__(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(n, W, M), (n, W, M) -> (n, 2 octaves M), near first."""
        return np.concatenate([log_octaves(windows, self.least) for windows in (near, far)], axis=1)


@dataclass(frozen=True)
class ModulationExcess:
    """How much more each near band fluctuates than the far one: the difference of the logarithms.

    *Chosen* among three forms: near and far as in the abstract, and ahead in the whole system on both renderings and
    beside the ridge residual on three data sets (systems/papers/masked_spectrogram.md); alone it is near chance.
    """

    least: float = TINY  # dB^2 under the logarithms

    def __post_init__(self) -> None:
        check_above_0(self, "least")

    def __call__(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(n, W, M), (n, W, M) -> (n, octaves M)"""
        return log_octaves(near, self.least) - log_octaves(far, self.least)


@dataclass(frozen=True)
class NearModulation:
    """Temporal modulation of the near window alone."""

    least: float = TINY  # dB^2 under the logarithm

    def __post_init__(self) -> None:
        check_above_0(self, "least")

    def __call__(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(n, W, M) -> (n, octaves M); `far` does not enter."""
        return log_octaves(near, self.least)
