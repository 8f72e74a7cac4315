"""Autoencoder networks: recipes that build S stacked networks, and the scaling before them. (S, B, D) -> (S, B, D)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from asd.detectors.stacked import StackedBatchNorm, StackedLinear, generators
from asd.detectors.vectors import Vectors
from asd.errors import check, check_above_0, check_least


class Network(Protocol):
    def build(self, n_features: int, seeds: Sequence[int]) -> nn.Module: ...


@runtime_checkable
class Bottlenecked(Network, Protocol):
    def encoder(self, network: nn.Module) -> nn.Module:
        """The layers of a built network up to its bottleneck, (S, B, D) -> (S, B, bottleneck)."""


class Scaling(Protocol):
    def build(self, n_features: int, n_seeds: int) -> nn.Module: ...

    def learn(self, scale: nn.Module, vectors: Vectors, rows: Sequence[np.ndarray]) -> None:
        """Fill in the built module's statistics from each seed's training vectors, given by their row numbers."""


def check_norm(momentum: float, eps: float) -> None:
    """Of batch norm: the share that a batch has in the running statistics, and what is added to a variance."""
    check("momentum", momentum, 0 < momentum <= 1, "above 0, at most 1")
    check("eps", eps, 0 < eps < np.inf, "above 0")


@dataclass(frozen=True)
class OrganisersNet:
    """The organisers' dense autoencoder: linear, batch norm, ReLU in every layer but the last, bottleneck too."""

    width: int = 128  # units of the four layers before and after the bottleneck
    bottleneck: int = 8
    momentum: float = 0.01  # batch norm
    eps: float = 1e-3  # batch norm

    def __post_init__(self) -> None:
        check_least(self, 1, "width", "bottleneck")
        check_norm(self.momentum, self.eps)

    def build(self, n_features: int, seeds: Sequence[int]) -> nn.Module:
        """640 inputs give 267,928 trainable parameters a seed."""
        sizes = [n_features, *[self.width] * 4, self.bottleneck, *[self.width] * 4]
        draws = generators(seeds)
        layers: list[nn.Module] = []
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            norm = StackedBatchNorm(n_out, len(seeds), self.momentum, self.eps)
            layers += [StackedLinear(n_in, n_out, draws), norm, nn.ReLU()]
        return nn.Sequential(*layers, StackedLinear(self.width, n_features, draws))

    def encoder(self, network: nn.Module) -> nn.Module:
        assert isinstance(network, nn.Sequential)
        return network[: 3 * 5]  # linear, batch norm and ReLU of five layers


@dataclass(frozen=True)
class ResidualNet:
    """Kim 2026, sec. 3.1: projection, residual blocks, bottleneck, and the mirror image of it.

    *Chosen*: a block is `x + GELU(batch norm(linear x))`, one linear layer each, the plainest form the report allows;
    the projections have batch norm and GELU too, bottleneck and output do not.
    """

    width: int = 512
    blocks: int = 4  # before and after the bottleneck
    bottleneck: int = 16
    momentum: float = 0.1  # batch norm, PyTorch's default
    eps: float = 1e-5  # batch norm, PyTorch's default

    def __post_init__(self) -> None:
        check_least(self, 1, "width", "bottleneck")
        check_least(self, 0, "blocks")
        check_norm(self.momentum, self.eps)

    def build(self, n_features: int, seeds: Sequence[int]) -> nn.Module:
        draws = generators(seeds)

        def layer(n_in: int, n_out: int) -> nn.Module:
            norm = StackedBatchNorm(n_out, len(seeds), self.momentum, self.eps)
            return nn.Sequential(StackedLinear(n_in, n_out, draws), norm, nn.GELU())

        def half(n_in: int) -> list[nn.Module]:
            return [layer(n_in, self.width), *(Residual(layer(self.width, self.width)) for _ in range(self.blocks))]

        inner = StackedLinear(self.width, self.bottleneck, draws)
        return nn.Sequential(
            *half(n_features), inner, *half(self.bottleneck), StackedLinear(self.width, n_features, draws)
        )

    def encoder(self, network: nn.Module) -> nn.Module:
        assert isinstance(network, nn.Sequential)
        return network[: self.blocks + 2]  # projection, blocks, bottleneck


class Residual(nn.Module):
    """x + layer(x)"""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layer(x)


@dataclass(frozen=True)
class Unscaled:
    """Vectors go into the network as they are, in dB; the organisers' baseline."""

    def build(self, n_features: int, n_seeds: int) -> nn.Module:
        return nn.Identity()

    def learn(self, scale: nn.Module, vectors: Vectors, rows: Sequence[np.ndarray]) -> None:
        pass


@dataclass(frozen=True)
class PerDimension:
    """Each dimension of the vectors to mean 0 and standard deviation 1 over the training-normal vectors."""

    floor: float = 1e-3  # dB, the least standard deviation divided by: a dimension that never changes stays near 0

    def __post_init__(self) -> None:
        check_above_0(self, "floor")

    def build(self, n_features: int, n_seeds: int) -> nn.Module:
        return Standardise(n_features, n_seeds)

    def learn(self, scale: nn.Module, vectors: Vectors, rows: Sequence[np.ndarray]) -> None:
        for i, of_seed in enumerate(rows):
            mean, std = vectors.statistics(torch.from_numpy(of_seed))
            scale.get_buffer("mean")[i] = mean
            scale.get_buffer("std")[i] = std.clamp_min(self.floor)


class Standardise(nn.Module):
    """(S, B, D) -> (S, B, D), (x - mean) / std."""

    def __init__(self, n_features: int, n_seeds: int) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.zeros(n_seeds, 1, n_features))
        self.register_buffer("std", torch.ones(n_seeds, 1, n_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


class Reconstruction(nn.Module):
    """Residuals of a network behind its scaling: vectors (S, B, D) in, scaled input minus output (S, B, D) out."""

    def __init__(self, scale: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.scale = scale
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = self.scale(x)
        return scaled - self.network(scaled)


def n_parameters(network: nn.Module) -> int:
    """Trainable parameters of all stacked networks together."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
