"""The two-microphone autoencoder: (F, 2 M) features in, a reference and a difference channel side by side.

Luzón-Álvarez et al. 2025, "Exploiting spatial information for anomaly detection in industrial machines using
autoencoders": one encoder and one decoder a channel, both embeddings concatenated before both decoders, and one α that
weighs the difference channel in the loss and in the score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from asd.contracts import Arrays
from asd.detectors.autoencoder import AutoEncoder, DenseTraining
from asd.detectors.networks import OrganisersNet, Reconstruction
from asd.detectors.objectives import check_objective
from asd.detectors.scoring import MeanSquaredError, Residuals, Scoring
from asd.detectors.stacked import StackedBatchNorm, StackedLinear, generators
from asd.detectors.vectors import Vectors
from asd.epochs import Training
from asd.errors import BadInput

CHANNELS = ("reference", "difference")


@dataclass(frozen=True)
class PairTraining(DenseTraining):
    """What training of both channels together makes."""

    network: OrganisersNet
    alpha: float

    def build(self, n_features: int, seeds: Sequence[int]) -> Reconstruction:
        shared = SharedLatent(self.network, n_features, self.context, seeds)
        return Reconstruction(self.scaling.build(n_features, len(seeds)), shared)

    def n_features(self, trained: Arrays) -> int:
        return len(CHANNELS) * super().n_features(trained)

    def loss(self, vectors: Vectors, network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        """Eqs. (4) to (6), rows (S, B) -> (S,)."""
        residual = split(network(vectors[rows]), self.context)  # (S, B, context, 2, M)
        reference, difference = residual.square().mean(dim=(1, 2, 4)).unbind(dim=1)  # (S,) each
        return reference + self.alpha * difference


@dataclass(frozen=True)
class TwoMicrophoneAutoEncoder(AutoEncoder):
    """`L = L_ref + α L_dif` (eq. 4) and `A = A_ref + α A_dif` (eq. 7), A one of the organisers' scorings of a channel.

    Where a scoring holds a clip to each domain's statistics, the clip is of one domain in both channels: the domain
    with the smaller sum counts, `min_d (A_ref,d + α A_dif,d)`. *Chosen*: the paper's data have no domains.
    """

    alpha: float = 0.5  # of {0.1, 0.5, 2, 10}; best average AUC of microphones 0-4 with both scores, Table 1
    network: OrganisersNet = field(default_factory=OrganisersNet)  # of each channel's encoder and decoder; sec. 2
    training: Training = field(default_factory=lambda: Training(epochs=50))  # sec. 3.3
    scoring: Scoring = field(default_factory=MeanSquaredError)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha < np.inf:
            raise BadInput(f"alpha {self.alpha}: weight of the difference channel expected, finite and at least 0")
        check_objective(self.objective, "eq. (4)")

    @property
    def channels(self) -> int:
        """Channels side by side that it compares, in each feature."""
        return 2

    @property
    def trainer(self) -> PairTraining:
        return PairTraining(
            self.context, self.scaling, self.network, self.training, self.validation, self.objective, self.alpha
        )

    def fit_scoring(self, residuals: Residuals) -> Arrays:
        """The scoring's arrays of each channel, under the channel's name."""
        fitted = {c: self.scoring.fit(of_channel(residuals, c)) for c in CHANNELS}
        return {f"{c} {name}": array for c, arrays in fitted.items() for name, array in arrays.items()}

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """Eq. (7), residual (F', context, 2 M)."""
        return self.of_channels(self.scoring.distances, fitted, residual)

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        return self.of_channels(self.scoring.of_frames, fitted, residual)

    def of_channels(self, of_one: Callable, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        reference, difference = (of_one(arrays_of(fitted, c), half(residual, c)) for c in CHANNELS)
        return reference + self.alpha * difference


def split(x: torch.Tensor, context: int) -> torch.Tensor:
    """Vectors (..., context * 2 M) -> (..., context, 2, M)."""
    return x.unflatten(-1, (context, len(CHANNELS), -1))


def half(residual: np.ndarray, channel: str) -> np.ndarray:
    """(F', context, 2 M) -> (F', context, M)."""
    return np.split(residual, len(CHANNELS), axis=-1)[CHANNELS.index(channel)]


def arrays_of(fitted: Arrays, channel: str) -> Arrays:
    return {name.removeprefix(f"{channel} "): a for name, a in fitted.items() if name.startswith(f"{channel} ")}


def of_channel(residuals: Residuals, channel: str) -> Residuals:
    """The residuals of one channel alone, in both orders."""

    def clips() -> Iterable[np.ndarray]:
        return (half(residual, channel) for residual in residuals.clips())

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((half(residual, channel), is_target) for residual, is_target in residuals.batches())

    return Residuals(clips, residuals.is_target, batches)


class SharedLatent(nn.Module):
    """Two encoders, one latent, two decoders (Fig. 3): vectors (S, B, context * 2 M) -> the same shape."""

    def __init__(self, numbers: OrganisersNet, n_features: int, context: int, seeds: Sequence[int]) -> None:
        super().__init__()
        self.context = context
        draws = generators(seeds)
        n_in, wide = n_features // len(CHANNELS), [numbers.width] * 4

        def layer(a: int, b: int) -> list[nn.Module]:
            norm = StackedBatchNorm(b, len(seeds), numbers.momentum, numbers.eps)
            return [StackedLinear(a, b, draws), norm, nn.ReLU()]

        def dense(sizes: list[int]) -> list[nn.Module]:
            return [module for a, b in zip(sizes, sizes[1:], strict=False) for module in layer(a, b)]

        def decoder() -> nn.Module:
            hidden = dense([len(CHANNELS) * numbers.bottleneck, *wide])
            return nn.Sequential(*hidden, StackedLinear(numbers.width, n_in, draws))

        self.encoders = nn.ModuleList(nn.Sequential(*dense([n_in, *wide, numbers.bottleneck])) for _ in CHANNELS)
        self.decoders = nn.ModuleList(decoder() for _ in CHANNELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = split(x, self.context).unbind(dim=-2)  # 2 of (S, B, context, M)
        latent = torch.cat([e(c.flatten(2)) for e, c in zip(self.encoders, channels, strict=True)], dim=-1)
        decoded = [decoder(latent).unflatten(-1, (self.context, -1)) for decoder in self.decoders]
        return torch.stack(decoded, dim=-2).flatten(2)
