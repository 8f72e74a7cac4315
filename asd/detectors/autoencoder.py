"""Dense autoencoders: (F, D) features in, stacked to vectors of neighbouring frames, scored by reconstruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch
from torch import nn

from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.networks import Network, OrganisersNet, Reconstruction, Scaling, Unscaled, n_parameters
from asd.detectors.scoring import MeanSquaredError, Residuals, Scoring
from asd.detectors.vectors import Vectors, reconstruction_loss, stack
from asd.store import digest, fingerprint
from asd.training import Training


@dataclass(frozen=True)
class AutoEncoder:
    """A dense autoencoder trained once a seed; `scoring` turns its residuals into scores without retraining."""

    context: int = 5  # neighbouring frames stacked into one vector; organisers' baseline
    scaling: Scaling = field(default_factory=Unscaled)
    network: Network = field(default_factory=OrganisersNet)
    training: Training = field(default_factory=Training)
    scoring: Scoring = field(default_factory=MeanSquaredError)

    @property
    def min_frames(self) -> int:
        """The shortest clip that can be scored, in frames."""
        return self.context

    def training_key(self, data_key: str) -> str:
        """Name of what training makes: scoring is no part of it, so that systems differing only there share weights."""
        parts = fingerprint(self.scaling, self.network, self.training, modules=(Vectors.__module__,))
        return digest(data_key, str(self.context), parts)

    def build(self, n_features: int, seeds: Sequence[int]) -> Reconstruction:
        """Untrained networks for vectors of `n_features`, the scaling not yet learnt."""
        return Reconstruction(self.scaling.build(n_features, len(seeds)), self.network.build(n_features, seeds))

    def n_features(self, weights: Arrays) -> int:
        """Length of the vectors that a network with these weights (no S axis) takes."""
        return next(w.shape[0] for name, w in weights.items() if name.startswith("network.") and w.ndim == 2)

    def loss(self, vectors: Vectors, network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        """What training minimises, rows (S, B) -> (S,)."""
        return reconstruction_loss(vectors, network, rows)

    def fit_scoring(self, residuals: Residuals) -> Arrays:
        return self.scoring.fit(residuals)

    def score(self, fitted: Arrays, residual: np.ndarray) -> float:
        """Score of one clip from its residual (F', context, D)."""
        return self.scoring.score(fitted, residual)

    def fit(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[AutoEncoderScorer]:
        """Features (F, D) a clip, is_target (N,). They are read only if the store lacks weights or a fitted scoring."""
        fitting = _Fitting(self, features, is_target, workplace)
        return [fitting.scorer(seed, weights) for seed, weights in zip(workplace.seeds, fitting.weights(), strict=True)]


@dataclass
class _Fitting:
    """One call of `fit`: reads the training features at most once, and only when needed."""

    recipe: AutoEncoder
    features: Sequence[Feature]
    is_target: np.ndarray
    workplace: Workplace

    @cached_property
    def vectors(self) -> Vectors:
        return Vectors(self.features, self.recipe.context, self.workplace.device)

    @cached_property
    def code(self) -> str:
        return fingerprint(self.recipe.scoring, modules=(__name__, type(self.recipe).__module__))

    @cached_property
    def key(self) -> str:
        return self.recipe.training_key(self.workplace.data_key)

    def weights(self) -> list[Arrays]:
        def build(seeds: Sequence[int]) -> nn.Module:
            built = self.recipe.build(self.recipe.context * self.features[0].shape[1], seeds)
            self.recipe.scaling.learn(built.scale, self.vectors)
            return built

        def loss(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
            return self.recipe.loss(self.vectors, network, rows)

        return loop.trained_weights(
            build, loss, lambda: len(self.vectors), self.recipe.training, self.key, self.workplace
        )

    def scorer(self, seed: int, weights: Arrays) -> AutoEncoderScorer:
        loop.pin(self.workplace.device)
        history = weights.pop("history")
        network = restored(self.recipe, weights)
        key = digest(self.key, str(seed), loop.machine_room(self.workplace.device), self.code)
        fitted = self.workplace.store.once("scoring", key, partial(self._fit_scoring, network, seed))
        return AutoEncoderScorer(self.recipe, network, fitted, history, fitted.pop("train_scores"))

    def _fit_scoring(self, network: nn.Module, seed: int) -> Arrays:
        def clips() -> Iterator[np.ndarray]:
            return (residual(network, feature, self.recipe.context) for feature in self.features)

        residuals = Residuals(clips, self.is_target, partial(self._batches, network, seed))
        fitted = self.recipe.fit_scoring(residuals)
        return {**fitted, "train_scores": np.array([self.recipe.score(fitted, r) for r in clips()])}

    def _batches(self, network: nn.Module, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One more epoch's batches over the training rows, as the organisers' last pass."""
        numbers = self.recipe.training
        rows, _ = loop.split_rows(len(self.vectors), numbers.validation_share, seed)
        for batch in loop.epoch_batches(rows, numbers, seed, numbers.epochs):
            x = self.vectors[torch.from_numpy(batch)].cpu()
            yield residuals_of(network, x, self.recipe.context), self.is_target[self.vectors.clip[batch]]


@torch.no_grad()
def residuals_of(network: nn.Module, x: torch.Tensor, context: int) -> np.ndarray:
    """Vectors (B, context * D) -> residuals (B, context, D) of a single-seed network in evaluation state."""
    return network(x[None])[0].numpy().reshape(len(x), context, -1)


def residual(network: nn.Module, feature: Feature, context: int) -> np.ndarray:
    """(F, D) -> (F', context, D): the residual of each vector of one clip."""
    return residuals_of(network, stack(feature, context), context)


def restored(recipe: AutoEncoder, weights: Arrays) -> nn.Module:
    """A single-seed network in evaluation state with `weights` (no S axis), on the CPU: scoring runs there."""
    network = recipe.build(recipe.n_features(weights), (0,))
    network.load_state_dict({name: torch.from_numpy(array)[None] for name, array in weights.items()})
    return network.eval()


@dataclass(frozen=True)
class AutoEncoderScorer:
    """One seed's network with one fitted scoring."""

    recipe: AutoEncoder
    network: nn.Module
    fitted: Arrays
    history: np.ndarray  # (epochs, 3) training loss, validation loss, seconds
    train_scores: np.ndarray  # (N,) an autoencoder cannot unsee a clip: scored with the clip among the training data

    def score(self, feature: Feature) -> float:
        return self.recipe.score(self.fitted, residual(self.network, feature, self.recipe.context))

    @property
    def n_parameters(self) -> int:
        return n_parameters(self.network)
