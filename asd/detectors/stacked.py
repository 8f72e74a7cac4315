"""Layers with a leading S axis: S independent networks, one a seed, in one call. (S, B, D) -> (S, B, D')

Each seed's initial weights come from its own generator, so a seed starts alike alone and in a stack.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


class StackedLinear(nn.Module):
    """S linear layers; PyTorch's default initialisation, uniform within 1 / sqrt(fan_in)."""

    def __init__(self, n_in: int, n_out: int, draws: list[torch.Generator]) -> None:
        super().__init__()
        bound = n_in**-0.5
        weight = [torch.empty(n_in, n_out).uniform_(-bound, bound, generator=g) for g in draws]
        bias = [torch.empty(1, n_out).uniform_(-bound, bound, generator=g) for g in draws]
        self.weight = nn.Parameter(torch.stack(weight))  # (S, D, D')
        self.bias = nn.Parameter(torch.stack(bias))  # (S, 1, D')

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.bias, x, self.weight)  # (S, B, D')


class StackedBatchNorm(nn.Module):
    """S batch normalisations over B; `momentum` and `eps` as PyTorch names them."""

    def __init__(self, n_features: int, n_seeds: int, momentum: float, eps: float) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(n_seeds, n_features))  # (S, D)
        self.bias = nn.Parameter(torch.zeros(n_seeds, n_features))
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", torch.zeros(n_seeds, n_features))
        self.register_buffer("running_var", torch.ones(n_seeds, n_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n_seeds, n_rows, n_features = x.shape
        flat = x.transpose(0, 1).reshape(n_rows, n_seeds * n_features)  # (B, S D)
        mean, var = self.running_mean.view(-1), self.running_var.view(-1)
        weight, bias = self.weight.view(-1), self.bias.view(-1)
        y = functional.batch_norm(flat, mean, var, weight, bias, self.training, self.momentum, self.eps)
        return y.view(n_rows, n_seeds, n_features).transpose(0, 1)  # (S, B, D)
