"""Bottleneck neighbours: a trained autoencoder's mean embedding of a clip, scored by a back-end. A negative result.

Kim 2026 (noise-aware reference denoising), sec. 4.2: bottleneck kNN shows no robust signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from asd.contracts import Arrays, Detector, Feature, Scorer
from asd.detectors.autoencoder import AutoEncoder, DenseTraining
from asd.detectors.backends import NearestNeighbours
from asd.detectors.networks import Bottlenecked, n_parameters
from asd.detectors.validation import ClipFolds
from asd.detectors.vectors import stack
from asd.errors import check


@dataclass(frozen=True)
class BottleneckNeighbours:
    """`backend` behind the encoder half of `autoencoder`, whose training it shares; what it leaves out is left out."""

    autoencoder: AutoEncoder = field(default_factory=lambda: AutoEncoder(validation=ClipFolds()))
    backend: Detector = field(default_factory=NearestNeighbours)

    def __post_init__(self) -> None:
        name = type(self.autoencoder.network).__name__
        check("autoencoder.network", name, isinstance(self.autoencoder.network, Bottlenecked), "one with a bottleneck")
        channels, validation = getattr(self.autoencoder, "channels", 1), type(self.autoencoder.validation).__name__
        check("autoencoder", type(self.autoencoder).__name__, channels == 1, "one of one channel")
        leaves_out = isinstance(self.autoencoder.validation, ClipFolds)
        check("autoencoder.validation", validation, leaves_out, "ClipFolds: a clip is its own nearest neighbour")

    @property
    def min_frames(self) -> int:
        return self.autoencoder.min_frames

    @property
    def trainer(self) -> DenseTraining:
        return self.autoencoder.trainer

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> BottleneckScorer:
        recipe, encoder = self.autoencoder, self.encoder(trained)
        learnt = recipe.validation.learnt(is_target, recipe.training, seed)
        judged = recipe.validation.judged(is_target, recipe.training, seed)
        embeddings = np.array([embedding(encoder, feature, recipe.context) for feature in features])  # (N, E)
        arrays = {"embeddings": embeddings[learnt], "is_target": is_target[learnt]}
        scorer = self.restore(trained, {**arrays, "train_scores": np.full(len(is_target), np.nan)})
        scorer.train_scores[judged] = [scorer.behind.score(e[None]) for e in embeddings[judged]]
        return scorer

    def restore(self, trained: Arrays, arrays: Arrays) -> BottleneckScorer:
        behind = self.backend.fit([e[None] for e in arrays["embeddings"]], arrays["is_target"])
        return BottleneckScorer(self, self.encoder(trained), behind, arrays, trained["history"])

    def encoder(self, trained: Arrays) -> nn.Module:
        """Scaling and the layers up to the bottleneck, of a single seed in evaluation state."""
        whole = self.trainer.restored(trained)
        assert isinstance(self.autoencoder.network, Bottlenecked)
        return nn.Sequential(whole.scale, self.autoencoder.network.encoder(whole.network)).eval()


@torch.no_grad()
def embedding(encoder: nn.Module, feature: Feature, context: int) -> np.ndarray:
    """(F, D) -> (E,), the mean over the clip's vectors."""
    return encoder(stack(feature, context)[None])[0].mean(dim=0).numpy()


@dataclass(frozen=True, eq=False)
class BottleneckScorer:
    recipe: BottleneckNeighbours
    encoder: nn.Module
    behind: Scorer
    fitted: Arrays
    history: np.ndarray  # (epochs, 3) training loss, validation loss, seconds

    @property
    def train_scores(self) -> np.ndarray:
        """(N,) nan where the autoencoder's validation does not judge by the clip."""
        return self.fitted["train_scores"]

    @property
    def n_parameters(self) -> int:
        return n_parameters(self.encoder)

    def arrays(self) -> Arrays:
        return self.fitted

    def score(self, feature: Feature) -> float:
        return self.behind.score(embedding(self.encoder, feature, self.recipe.autoencoder.context)[None])
