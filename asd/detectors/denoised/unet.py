"""A residual U-Net on log-spectrogram images, with an S axis. (S, B, T, R) in and out: T frames, R rows of frequency.

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report), sec. 2.1; its figures are not public, so the
depth, width and places of the residuals are *chosen* here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from asd.detectors.convolution import Doubled, StackedConv, StackedMapNorm, convolved, folded, padded, unfolded
from asd.detectors.stacked import generators
from asd.errors import check


@dataclass(frozen=True)
class ResidualUNet:
    """Residual blocks on the way down and up, skips between, and the image itself added at the end: it corrects."""

    width: int = 64  # channels of the deepest level, half in each above; *chosen*: the most that a CPU can train
    depth: int = 3  # times both sides are halved: 256 x 256 to 32 x 32; *chosen*: a second of context at the bottom

    def __post_init__(self) -> None:
        check("width", self.width, self.width >= 1, "at least 1")
        check("depth", self.depth, self.depth >= 1, "at least 1")

    def build(self, seeds: Sequence[int]) -> UNet:
        return UNet(self.width, self.depth, seeds)


class UNet(nn.Module):
    """(S, B, T, R) -> (S, B, T, R)"""

    def __init__(self, width: int, depth: int, seeds: Sequence[int]) -> None:
        super().__init__()
        draws = generators(seeds)
        sizes = [max(1, width >> (depth - i)) for i in range(depth + 1)]  # channels, top first
        pairs = list(zip(sizes, sizes[1:], strict=False))
        self.first = ResidualBlock(1, sizes[0], draws)
        self.downs = nn.ModuleList(ResidualBlock(a, b, draws, stride=2) for a, b in pairs)
        self.ups = nn.ModuleList(ResidualBlock(a + b, a, draws) for a, b in reversed(pairs))
        self.doubled = Doubled()
        self.last = StackedConv(sizes[0], 1, 1, draws)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n_seeds, _, height, width = images.shape
        maps = self.first(padded(folded(images[:, :, None]), 2 ** len(self.downs)))  # (B, S C, H, W)
        skips = []
        for down in self.downs:
            skips.append(maps)
            maps = down(maps)
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            maps = up(joined(self.doubled(maps), skip, n_seeds))
        return images + unfolded(self.last(maps), n_seeds)[:, :, 0, :height, :width]


def joined(a: torch.Tensor, b: torch.Tensor, n_seeds: int) -> torch.Tensor:
    """The channels of both, seed by seed: (B, S C, H, W), (B, S C', H, W) -> (B, S (C + C'), H, W)."""
    return torch.cat([a.unflatten(1, (n_seeds, -1)), b.unflatten(1, (n_seeds, -1))], dim=2).flatten(1, 2)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a 1 x 1 one that brings the input to the same shape, added before the last GELU."""

    def __init__(self, n_in: int, n_out: int, draws: list[torch.Generator], stride: int = 1) -> None:
        super().__init__()
        norm = StackedMapNorm(n_out, len(draws))
        self.long = nn.Sequential(convolved(n_in, n_out, draws, stride), StackedConv(n_out, n_out, 3, draws), norm)
        self.short = StackedConv(n_in, n_out, 1, draws, stride)
        self.activation = nn.GELU()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.activation(self.long(maps) + self.short(maps))
