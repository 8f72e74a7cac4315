"""Convolutions with an S axis: S independent networks, one a seed, in one call on maps (B, S * C, H, W).

    folded    (S, B, C, H, W) -> (B, S * C, H, W), a group of channels a seed          unfolded    back again

Each seed's initial weights come from its own generator, so a seed starts alike alone and in a stack.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def folded(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(0, 1).flatten(1, 2)


def unfolded(maps: torch.Tensor, n_seeds: int) -> torch.Tensor:
    return maps.unflatten(1, (n_seeds, -1)).transpose(0, 1)


class StackedConv(nn.Module):
    """S square convolutions with zero padding; PyTorch's default initialisation, uniform within 1 / sqrt(fan_in)."""

    def __init__(self, n_in: int, n_out: int, size: int, draws: list[torch.Generator], stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        bound = (n_in * size**2) ** -0.5
        weight = [torch.empty(n_out, n_in, size, size).uniform_(-bound, bound, generator=g) for g in draws]
        bias = [torch.empty(n_out).uniform_(-bound, bound, generator=g) for g in draws]
        self.weight = nn.Parameter(torch.stack(weight))  # (S, C', C, size, size)
        self.bias = nn.Parameter(torch.stack(bias))  # (S, C')

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, S C, H, W) -> (B, S C', H / stride, W / stride)"""
        weight, bias = self.weight.flatten(0, 1), self.bias.flatten()
        padding = self.weight.shape[-1] // 2
        return functional.conv2d(maps, weight, bias, self.stride, padding, groups=len(self.weight))


class StackedMapNorm(nn.Module):
    """S batch normalisations over B, H and W; momentum and eps are PyTorch's defaults."""

    def __init__(self, n_channels: int, n_seeds: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_seeds, n_channels))  # (S, C)
        self.bias = nn.Parameter(torch.zeros(n_seeds, n_channels))
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", torch.zeros(n_seeds, n_channels))
        self.register_buffer("running_var", torch.ones(n_seeds, n_channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, S C, H, W) -> the same shape."""
        mean, var = self.running_mean.view(-1), self.running_var.view(-1)
        return functional.batch_norm(maps, mean, var, self.weight.view(-1), self.bias.view(-1), self.training)


def repeated(x: torch.Tensor, times: int) -> torch.Tensor:
    """Each element of the last axis `times` times: (..., D) -> (..., D * times)."""
    return x[..., None].expand(*x.shape, times).flatten(-2)


class Doubled(nn.Module):
    """Each pixel becomes 2 x 2: (B, C, H, W) -> (B, C, 2 H, 2 W), by repetition, whose gradient is a plain sum."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return repeated(repeated(maps, 2).transpose(2, 3), 2).transpose(2, 3)


def convolved(n_in: int, n_out: int, draws: list[torch.Generator], stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch norm, GELU."""
    return nn.Sequential(StackedConv(n_in, n_out, 3, draws, stride), StackedMapNorm(n_out, len(draws)), nn.GELU())


def padded(maps: torch.Tensor, multiple: int) -> torch.Tensor:
    """Zeros behind, until height and width are multiples."""
    height, width = maps.shape[-2:]
    return functional.pad(maps, (0, -width % multiple, 0, -height % multiple))
