"""Long sound for networks that hear a few seconds: a wave (T,) in, what a network makes of its windows out, (n, D)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def windows(wave: np.ndarray, longest: int) -> list[np.ndarray]:
    """Pieces of `longest` samples that cover the wave, the last ends with it; a shorter wave as it is."""
    if len(wave) <= longest:
        return [wave]
    starts = [*range(0, len(wave) - longest, longest), len(wave) - longest]
    return [wave[s : s + longest] for s in starts]


def embedded(embed: Callable[[np.ndarray], np.ndarray], wave: np.ndarray, longest: int, batch: int) -> np.ndarray:
    """(T,) -> (n, D): `embed` takes windows (B, T'), at most `batch` at once, and gives (B, m, D)."""
    pieces = windows(wave, longest)
    found = [embed(np.stack(pieces[i : i + batch])) for i in range(0, len(pieces), batch)]
    return np.concatenate([rows for one in found for rows in one])
