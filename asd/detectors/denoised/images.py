"""Log-mels as the images of a U-Net, and its changes back: (S, B, T, M) <-> (S, B, H, R), H along time, R along bands.

Both by linear interpolation, as image libraries resize by default (*chosen*: the report says "resized").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch

from asd.contracts import Feature
from asd.errors import check
from asd.signal import filled


@lru_cache
def interpolation(n_from: int, n_to: int, device: str = "cpu") -> torch.Tensor:
    """(n_to, n_from) matrix that resizes an axis; pixels have their value in their middle, edges are held."""
    places = np.clip((np.arange(n_to) + 0.5) * n_from / n_to - 0.5, 0, n_from - 1)  # (n_to,)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(n_from)), 0)
    return torch.from_numpy(weights.astype(np.float32)).to(device)


def resized(x: torch.Tensor, frames: int, bands: int) -> torch.Tensor:
    """(..., T, M) -> (..., frames, bands)"""
    along_time = interpolation(x.shape[-2], frames, str(x.device))
    along_bands = interpolation(x.shape[-1], bands, str(x.device))
    return along_time @ x @ along_bands.T


class Images(Protocol):
    def frames(self, features: Sequence[Feature]) -> int:
        """Of a training patch, for training clips (F, M)."""

    def clips(self, features: Sequence[Feature], frames: int) -> list[Feature]:
        """(F, M) each -> what patches of so many frames are cut from, none shorter."""

    def drawn(self, patches: torch.Tensor) -> torch.Tensor:
        """(..., T, M) -> (..., H, R)"""


@dataclass(frozen=True)
class Resized:
    """The whole clip's log-mel, resized. The default: the report resizes its spectrograms to 256 x 256 (sec. 4.2).

    A clip of 10 s has 313 frames, so an image's column is about as long as a frame.
    """

    rows: int = 256  # bands; sec. 4.2
    columns: int = 256  # frames of any clip, whatever its length; sec. 4.2

    def __post_init__(self) -> None:
        check("rows", self.rows, self.rows >= 2, "at least 2")
        check("columns", self.columns, self.columns >= 2, "at least 2")

    def frames(self, features: Sequence[Feature]) -> int:
        return self.columns

    def clips(self, features: Sequence[Feature], frames: int) -> list[Feature]:
        return [interpolation(len(feature), frames).numpy() @ feature for feature in features]

    def drawn(self, patches: torch.Tensor) -> torch.Tensor:
        return resized(patches, self.columns, self.rows)


@dataclass(frozen=True)
class Cropped:
    """A stretch of the clip's frames as they are, their bands resized; a clip is denoised at its whole length.

    Keeps time as it is, and gives each clip more patches than one; the report does not say that it crops.
    """

    rows: int = 256  # bands; sec. 4.2
    columns: int = 256  # frames of a training patch, 8.2 s, or the longest clip's

    def __post_init__(self) -> None:
        check("rows", self.rows, self.rows >= 2, "at least 2")
        check("columns", self.columns, self.columns >= 2, "at least 2")

    def frames(self, features: Sequence[Feature]) -> int:
        return min(self.columns, max(map(len, features)))

    def clips(self, features: Sequence[Feature], frames: int) -> list[Feature]:
        return [filled(feature, frames) for feature in features]

    def drawn(self, patches: torch.Tensor) -> torch.Tensor:
        return resized(patches, patches.shape[-2], self.rows)
