"""Masked spectrogram modelling: a convolutional encoder-decoder fills in masked log-mel windows (S, B, W, M).

The bottleneck embedding (S, B, E) of an unmasked window is the feature; what the decoder makes of it is not scored.
Jeong 2026 (far-conditioned masked spectrogram modelling); the abstract alone is public, so numbers without a source
here are *chosen*, each with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from asd.detectors.convolution import Doubled, StackedConv, convolved, folded, padded, unfolded
from asd.detectors.stacked import StackedLinear, generators
from asd.detectors.windows import BandScale
from asd.epochs import generator
from asd.errors import check, check_least

DEPTH = 4  # layers that halve time and frequency: 78 x 128 becomes 5 x 8; *chosen*: a receptive field of a whole block


@dataclass(frozen=True)
class Masking:
    """Which blocks of a window are hidden from the encoder; a fresh draw for every batch of rows."""

    share: float = 0.6  # of the blocks; the abstract
    block_frames: int = 8  # 0.25 s; *chosen*: too long to be filled in from its neighbouring frames alone
    block_bands: int = 16  # mel bands; *chosen*: wider than a harmonic, so that the spectrum has to be known

    def __post_init__(self) -> None:
        check("share", self.share, 0 < self.share < 1, "above 0 and below 1")
        check("block_frames", self.block_frames, self.block_frames >= 1, "at least 1")
        check("block_bands", self.block_bands, self.block_bands >= 1, "at least 1")

    def draw(self, rows: np.ndarray, window: int, n_mels: int) -> np.ndarray:
        """(B,) row numbers -> (B, window, n_mels) bool, True is masked; exactly `share` of each window's blocks.

        The draw depends on the rows alone: a batch of an epoch is never met again, so masks change from epoch to
        epoch, the same batch after a kill gets the same masks, and validation has the same ones in every epoch.
        """
        grid = -(-window // self.block_frames), -(-n_mels // self.block_bands)
        order = generator(*rows.tolist()).random((len(rows), grid[0] * grid[1])).argsort(axis=1).argsort(axis=1)
        blocks = (order < round(self.share * order.shape[1])).reshape(-1, *grid)
        masked = blocks.repeat(self.block_frames, axis=1).repeat(self.block_bands, axis=2)
        return masked[:, :window, :n_mels]


@dataclass(frozen=True)
class MaskedNet:
    """Encoder of strided 3 x 3 convolutions, linear bottleneck, mirrored decoder."""

    width: int = 64  # channels of the deepest layer, half of them in each above; *chosen*: minutes a machine on a CPU
    embedding: int = 64  # E; *chosen*: well below a window's 80 blocks of 128 values, enough for a kNN

    def __post_init__(self) -> None:
        check_least(self, 2, "width")
        check_least(self, 1, "embedding")

    def build(self, window: int, n_mels: int, seeds: Sequence[int]) -> MaskedModel:
        return MaskedModel(self, window, n_mels, seeds)


class MaskedModel(nn.Module):
    """`embed` is what scoring uses, `fill` what training learns, calling the model gives the loss of that."""

    def __init__(self, numbers: MaskedNet, window: int, n_mels: int, seeds: Sequence[int]) -> None:
        super().__init__()
        draws = generators(seeds)
        channels = [1, *(max(1, numbers.width >> (DEPTH - 1 - i)) for i in range(DEPTH))]
        self.size = window, n_mels
        self.grid = tuple(-(-n // 2**DEPTH) for n in self.size)  # (height, width) of the deepest maps
        flat = channels[-1] * self.grid[0] * self.grid[1]
        self.scale = BandScale(n_mels, len(seeds))
        self.far_scale = BandScale(n_mels, len(seeds))  # of far windows, which the near encoder embeds too
        self.encoder = nn.Sequential(*(convolved(a, b, draws, 2) for a, b in zip(channels, channels[1:], strict=False)))
        self.inward = StackedLinear(flat, numbers.embedding, draws)
        self.outward = StackedLinear(numbers.embedding, flat, draws)
        back = channels[:0:-1]  # deepest first
        ups = [nn.Sequential(Doubled(), convolved(a, b, draws)) for a, b in zip(back, back[1:], strict=False)]
        self.decoder = nn.Sequential(*ups, StackedConv(back[-1], 4, 3, draws), nn.PixelShuffle(2))

    def embed(self, scaled: torch.Tensor) -> torch.Tensor:
        """Standardised windows (S, B, W, M) -> (S, B, E)"""
        maps = self.encoder(padded(folded(scaled[:, :, None]), 2**DEPTH))  # (B, S C, H, W)
        return self.inward(unfolded(maps, len(scaled)).flatten(2))

    def fill(self, scaled: torch.Tensor) -> torch.Tensor:
        """(S, B, W, M) with holes -> (S, B, W, M) without."""
        flat = self.outward(self.embed(scaled))
        maps = self.decoder(folded(flat.unflatten(2, (-1, *self.grid))))
        return unfolded(maps, len(scaled))[:, :, 0, : self.size[0], : self.size[1]]

    def forward(self, windows: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """Mean squared error over what was masked, in units of each band's variance: (S, B, W, M) twice -> (S,).

        A masked block enters as 0, the band's mean over the training clips.
        """
        scaled = self.scale(windows)
        wrong = (scaled - self.fill(scaled.masked_fill(masked, 0))).square()
        return (wrong * masked).sum(dim=(1, 2, 3)) / masked.sum(dim=(1, 2, 3))
