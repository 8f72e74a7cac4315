"""What training an autoencoder minimises: a reconstruction and vectors (S, B, D) in, a loss a seed (S,) out.

The squared error is every system's. Kim 2026 (noise-aware reference denoising), sec. 4.2, found changes of it harmful
(-0.11 and -0.08 Ω) without naming them; the other two here are *chosen*: the plainest change of the error, and the
plainest change of the task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from asd.detectors.networks import Reconstruction
from asd.errors import check


class Objective(Protocol):
    def loss(self, reconstruction: Reconstruction, x: torch.Tensor, context: int) -> torch.Tensor:
        """Vectors (S, B, D) of `context` frames each -> (S,)."""


@dataclass(frozen=True)
class SquaredError:
    """Mean squared residual."""

    def loss(self, reconstruction: Reconstruction, x: torch.Tensor, context: int) -> torch.Tensor:
        return reconstruction(x).square().mean(dim=(1, 2))


@dataclass(frozen=True)
class AbsoluteError:
    """Mean absolute residual."""

    def loss(self, reconstruction: Reconstruction, x: torch.Tensor, context: int) -> torch.Tensor:
        return reconstruction(x).abs().mean(dim=(1, 2))


@dataclass(frozen=True)
class HiddenFrame:
    """Mean squared residual of the whole vector while its middle frame is hidden from the network.

    It enters as 0, which is its mean behind PerDimension.
    """

    def loss(self, reconstruction: Reconstruction, x: torch.Tensor, context: int) -> torch.Tensor:
        scaled = reconstruction.scale(x)
        frames = scaled.unflatten(-1, (context, -1))  # (S, B, context, M)
        shown = torch.ones(context, 1, device=x.device)
        shown[context // 2] = 0
        return (scaled - reconstruction.network((frames * shown).flatten(2))).square().mean(dim=(1, 2))


def check_objective(objective: Objective, own: str) -> None:
    """Raises BadInput where a detector minimises something of its own and another objective was asked for."""
    check("objective", type(objective).__name__, objective == SquaredError(), f"SquaredError (it minimises {own}),")
