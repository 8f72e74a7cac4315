"""Sound as an encoder's windows: sound (C, T) at 16 kHz in, its first channel at the encoder's rate, then windows out;
what a network makes of them, in batches, as rows (m, D).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import resample_poly

from asd.clips import RATE
from asd.errors import BadInput

Run = Callable[[np.ndarray], np.ndarray]


def heard(sound: np.ndarray, rate: int) -> np.ndarray:
    """(C, T) at 16 kHz -> (T',) float32 at `rate`, of the first channel."""
    near = sound[0] if rate == RATE else resample_poly(sound[0], rate, RATE)
    return np.ascontiguousarray(near, np.float32)


def cut(signal: np.ndarray, size: int, hop: int) -> np.ndarray:
    """(T, ...) -> (n, size, ...): windows `hop` apart that cover the signal, the last one ending with it.

    A signal shorter than a window is one, with zeros behind it.

    >>> cut(np.arange(8), 4, 3).tolist()
    [[0, 1, 2, 3], [3, 4, 5, 6], [4, 5, 6, 7]]
    """
    missing = max(size - len(signal), 0)
    padded = np.pad(signal, [(0, missing), *[(0, 0)] * (signal.ndim - 1)])
    last = len(padded) - size
    return np.stack([padded[start : start + size] for start in (*range(0, last, hop), last)])


def embedded(run: Run, windows: np.ndarray, batch: int) -> np.ndarray:
    """(n, ...) -> (m, D): what a network makes of the windows, at most `batch` of them at once."""
    starts = range(0, len(windows), batch)
    return np.concatenate([rows(run(windows[s : s + batch]), len(windows[s : s + batch])) for s in starts])


def rows(embeddings: np.ndarray, n_windows: int) -> np.ndarray:
    """(B, n, D) or (B, D) -> (B n, D) or (B, D) float32. Raises BadInput for another shape."""
    if embeddings.ndim not in (2, 3) or len(embeddings) != n_windows:
        raise BadInput(
            f"embeddings {embeddings.shape} of {n_windows} windows: ({n_windows}, n, D) or ({n_windows}, D) expected"
        )
    return embeddings.reshape(-1, embeddings.shape[-1]).astype(np.float32)


def in_windows(run: Run, wave: np.ndarray, longest: int, batch: int) -> np.ndarray:
    """(T,) -> (m, D) of a wave cut into windows of `longest` samples; a shorter wave is heard as it is."""
    size = min(longest, len(wave))
    return embedded(run, cut(wave, size, size), batch)
