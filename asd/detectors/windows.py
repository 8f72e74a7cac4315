"""Windows of neighbouring frames: clips (F, D) in, windows (n, window, D) out, by row number over many clips.

`BandScale` is the scaling of networks that take windows as images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from asd.contracts import Feature
from asd.detectors.networks import PerDimension, Standardise
from asd.signal import filled, starts


class Windows:
    """Windows of many clips by row number, without storing the overlap; none spans two clips."""

    def __init__(self, features: Sequence[Feature], window: int, hop: int, device: str = "cpu") -> None:
        clips = [filled(feature, window) for feature in features]
        firsts = [starts(len(clip), window, hop) for clip in clips]
        begins = np.cumsum([0, *map(len, clips)])
        self.clip = np.repeat(np.arange(len(clips)), [len(f) for f in firsts])  # (n,) clip of each row
        self.frames = torch.from_numpy(np.concatenate(clips)).to(device)  # (sum F, D)
        self._starts = torch.from_numpy(np.concatenate([f + b for f, b in zip(firsts, begins, strict=False)])).to(
            device
        )
        self._offsets = torch.arange(window, device=device)

    def __len__(self) -> int:
        return len(self.clip)

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor:
        """Row numbers of any shape (...) -> (..., window, D)."""
        return self.frames[self._starts[rows][..., None] + self._offsets]


class BandScale(Standardise):
    """Each band of windows (S, B, W, M) to mean 0 and standard deviation 1 over the training frames."""

    def learn(self, frames: torch.Tensor) -> None:
        """From all training frames (n, M), in float64; a band that never changes stays near 0."""
        exact = frames.double()
        self.mean.copy_(exact.mean(0))
        self.std.copy_(exact.std(0).clamp_min(PerDimension.floor))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return super().forward(windows.flatten(1, 2)).view_as(windows)
