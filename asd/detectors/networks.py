"""Autoencoder networks: recipes that build S stacked networks. (S, B, D) -> (S, B, D)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from asd.detectors.stacked import StackedBatchNorm, StackedLinear, generators


@dataclass(frozen=True)
class OrganisersNet:
    """The organisers' dense autoencoder: linear, batch norm, ReLU in every layer but the last, bottleneck too."""

    width: int = 128  # units of the four layers before and after the bottleneck
    bottleneck: int = 8
    momentum: float = 0.01  # batch norm
    eps: float = 1e-3  # batch norm

    def build(self, n_features: int, seeds: Sequence[int]) -> nn.Module:
        """640 inputs give 267,928 trainable parameters a seed."""
        sizes = [n_features, *[self.width] * 4, self.bottleneck, *[self.width] * 4]
        draws = generators(seeds)
        layers: list[nn.Module] = []
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            norm = StackedBatchNorm(n_out, len(seeds), self.momentum, self.eps)
            layers += [StackedLinear(n_in, n_out, draws), norm, nn.ReLU()]
        return nn.Sequential(*layers, StackedLinear(self.width, n_features, draws))


def n_parameters(network: nn.Module) -> int:
    """Trainable parameters of all stacked networks together."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def reconstruct(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """(B, D) -> (B, D) through a single-seed network in evaluation state."""
    return network(rows[None])[0]
