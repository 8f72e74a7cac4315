"""A small normalizing flow on vectors of neighbouring frames: (F, D) features in, z of a normal density out.

Additive coupling layers keep volume, so that with the last layer's scaling exp(s) of each dimension
`-log p(x) = |z|^2 / 2 - sum s + const`: all that depends on a clip is |z|^2 (Dinh et al., "NICE: non-linear
independent components estimation", 2015). A negative result of Kim 2026 (noise-aware reference denoising), sec. 4.2,
which does not say which flow it tried: *chosen*, the smallest that is a density.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from asd.contracts import Arrays
from asd.detectors.autoencoder import AutoEncoder, DenseTraining
from asd.detectors.networks import PerDimension, Scaling
from asd.detectors.objectives import check_objective
from asd.detectors.stacked import StackedLinear, generators
from asd.detectors.vectors import Vectors
from asd.errors import check_least


@dataclass(frozen=True)
class AdditiveFlow:
    """Coupling layers, each of which moves one half of the dimensions by a function of the other half."""

    couplings: int = 4  # *chosen*: each half is moved twice
    width: int = 128  # hidden units of each

    def __post_init__(self) -> None:
        check_least(self, 1, "couplings", "width")

    def flow(self, n_features: int, seeds: Sequence[int]) -> Flow:
        """Not `build`: no autoencoder's network, whose output is held against its input."""
        return Flow(self, n_features, seeds)


class Flow(nn.Module):
    """(S, B, D) -> z (S, B, D); `log_scale` (S, 1, D)."""

    def __init__(self, numbers: AdditiveFlow, n_features: int, seeds: Sequence[int]) -> None:
        super().__init__()
        draws, halves = generators(seeds), (n_features // 2, n_features - n_features // 2)
        self.halves = halves
        self.shifts = nn.ModuleList()
        for i in range(numbers.couplings):
            n_in, n_out = halves if i % 2 == 0 else halves[::-1]
            hidden = StackedLinear(n_in, numbers.width, draws)
            self.shifts.append(nn.Sequential(hidden, nn.ReLU(), StackedLinear(numbers.width, n_out, draws)))
        self.log_scale = nn.Parameter(torch.zeros(len(seeds), 1, n_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.split(self.halves, dim=-1)
        for i, shift in enumerate(self.shifts):
            a, b = (a, b + shift(a)) if i % 2 == 0 else (a + shift(b), b)
        return torch.cat([a, b], dim=-1) * self.log_scale.exp()


class ScaledFlow(nn.Module):
    """Scaling, then the flow: vectors (S, B, D) in, z (S, B, D) out; it stands where a residual stands."""

    def __init__(self, scale: nn.Module, network: Flow) -> None:
        super().__init__()
        self.scale = scale
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(self.scale(x))


@dataclass(frozen=True)
class FlowTraining(DenseTraining):
    """What training by maximum likelihood makes."""

    network: AdditiveFlow  # type: ignore[assignment]

    def build(self, n_features: int, seeds: Sequence[int]) -> ScaledFlow:
        return ScaledFlow(self.scaling.build(n_features, len(seeds)), self.network.flow(n_features, seeds))

    def n_features(self, trained: Arrays) -> int:
        return trained["network.log_scale"].shape[-1]

    def loss(self, vectors: Vectors, network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood a dimension without its constant, rows (S, B) -> (S,)."""
        assert isinstance(network, ScaledFlow)
        z = network(vectors[rows])
        return (z.square() / 2 - network.network.log_scale).mean(dim=(1, 2))


@dataclass(frozen=True)
class FlowDetector(AutoEncoder):
    """The flow's z in the place of an autoencoder's residual; |z|^2 a frame is a Blend with alpha 1."""

    scaling: Scaling = field(default_factory=PerDimension)
    network: AdditiveFlow = field(default_factory=AdditiveFlow)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_objective(self.objective, "the flow's own likelihood")

    @property
    def trainer(self) -> FlowTraining:
        return FlowTraining(self.context, self.scaling, self.network, self.training, self.validation, self.objective)
