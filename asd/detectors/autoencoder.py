"""Dense autoencoders: (F, D) features in, stacked to vectors of neighbouring frames, scored by reconstruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.domains import Domains, NearerDomain
from asd.detectors.networks import Network, OrganisersNet, Reconstruction, Scaling, Unscaled, n_parameters
from asd.detectors.objectives import Objective, SquaredError
from asd.detectors.scoring import MeanSquaredError, Residuals, Scoring
from asd.detectors.validation import RandomVectors, Validation
from asd.detectors.vectors import Vectors, stack
from asd.epochs import Training, epoch_batches
from asd.errors import check_least

OF_CLIPS = ("train_scores", "train_domains")  # of a scorer's arrays, those with one entry a training clip


@dataclass(frozen=True)
class DenseTraining:
    """What training an autoencoder makes; scoring is no part of it, so that systems differing only there share it."""

    context: int
    scaling: Scaling
    network: Network
    training: Training
    validation: Validation
    objective: Objective

    def build(self, n_features: int, seeds: Sequence[int]) -> Any:
        """Untrained networks for vectors of `n_features`, the scaling not yet learnt."""
        return Reconstruction(self.scaling.build(n_features, len(seeds)), self.network.build(n_features, seeds))

    def loss(self, vectors: Vectors, network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        """What training minimises, rows (S, B) -> (S,)."""
        assert isinstance(network, Reconstruction)
        return self.objective.loss(network, vectors[rows], self.context)

    def train(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        vectors = Vectors(features, self.context, workplace.device)

        split = partial(self.validation.split, vectors.clip, is_target, self.training)

        def build(seeds: Sequence[int]) -> nn.Module:
            built = self.build(self.context * features[0].shape[1], seeds)
            self.scaling.learn(built.scale, vectors, [split(seed)[0] for seed in seeds])
            return built

        return loop.trained_weights(build, partial(self.loss, vectors), split, self.training, workplace)

    def n_features(self, trained: Arrays) -> int:
        """Length of the vectors that a network with these weights (no S axis) takes."""
        return next(w.shape[0] for name, w in trained.items() if name.startswith("network.") and w.ndim == 2)

    def restored(self, trained: Arrays) -> Any:
        """A single-seed network in evaluation state with these weights, on the CPU: scoring runs there."""
        return loop.with_weights(self.build(self.n_features(trained), (0,)), trained)


@dataclass(frozen=True)
class AutoEncoder:
    """A dense autoencoder trained once per seed; `scoring` turns its residuals into scores without retraining."""

    context: int = 5  # neighbouring frames stacked into one vector; organisers' baseline
    scaling: Scaling = field(default_factory=Unscaled)
    network: Network = field(default_factory=OrganisersNet)
    training: Training = field(default_factory=Training)
    validation: Validation = field(default_factory=RandomVectors)
    objective: Objective = field(default_factory=SquaredError)
    scoring: Scoring = field(default_factory=MeanSquaredError)
    domains: Domains = field(default_factory=NearerDomain)

    def __post_init__(self) -> None:
        check_least(self, 1, "context")

    @property
    def min_frames(self) -> int:
        """The shortest clip that can be scored, in frames."""
        return self.context

    @property
    def trainer(self) -> DenseTraining:
        return DenseTraining(self.context, self.scaling, self.network, self.training, self.validation, self.objective)

    def fit_scoring(self, residuals: Residuals) -> Arrays:
        return self.scoring.fit(residuals)

    def distances(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """(2,) from source and target, or (1,), of one clip's residual (F', context, D)."""
        return self.scoring.distances(fitted, residual)

    def of_frames(self, fitted: Arrays, residual: np.ndarray) -> np.ndarray:
        """What each vector adds to the distances, (2, F') or (1, F')."""
        return self.scoring.of_frames(fitted, residual)

    def score(self, fitted: Arrays, feature: Feature, residual: np.ndarray) -> float:
        """Of one clip."""
        distances = self.distances(fitted, residual)
        return float(distances[self.domains.chosen(fitted, feature, distances)])

    def contributions(self, fitted: Arrays, feature: Feature, residual: np.ndarray) -> np.ndarray:
        """(F',) of one clip, by the statistics that its score is by."""
        chosen = self.domains.chosen(fitted, feature, self.distances(fitted, residual))
        return self.of_frames(fitted, residual)[chosen]

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> AutoEncoderScorer:
        return self.fit_scorers([self], trained, seed, features, is_target)[0]

    @staticmethod
    def fit_scorers(
        detectors: Sequence[AutoEncoder],
        trained: Arrays,
        seed: int,
        features: Sequence[Feature],
        is_target: np.ndarray,
    ) -> list[AutoEncoderScorer]:
        """Of detectors with equal trainers; a training clip goes through the network once for all of them."""
        network, (first, *_) = detectors[0].trainer.restored(trained), detectors
        learnt = np.flatnonzero(first.validation.learnt(is_target, first.training, seed))
        judged = np.flatnonzero(first.validation.judged(is_target, first.training, seed))
        residuals = first.residuals(network, seed, features, is_target, learnt)
        scorers = []
        for detector in detectors:
            fitted = detector.fit_scoring(residuals)
            fitted |= detector.domains.fit((features[int(i)] for i in learnt), is_target[learnt])
            blank = np.full(len(is_target), np.nan), is_target.astype(float)
            scorers.append(AutoEncoderScorer(detector, network, fitted, trained["history"], *blank))
        for i in judged:
            feature = features[int(i)]
            for scorer, score in zip(scorers, AutoEncoderScorer.scores(scorers, feature), strict=True):
                scorer.train_scores[i] = score
                if scorer.decides_domain:
                    scorer.train_domains[i] = scorer.domain(feature)
        return scorers

    def residuals(
        self, network: nn.Module, seed: int, features: Sequence[Feature], is_target: np.ndarray, learnt: np.ndarray
    ) -> Residuals:
        """What scorings are fitted to, from the clips numbered `learnt`."""

        def clips() -> Iterator[np.ndarray]:
            return (residual(network, features[int(i)], self.context) for i in learnt)

        def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            """One more epoch's batches over the training rows, as the organisers' last pass."""
            vectors, numbers = Vectors(features, self.context), replace(self.training, windows_per_epoch=0)
            rows, _ = self.validation.split(vectors.clip, is_target, numbers, seed)
            for batch in epoch_batches(rows, numbers, seed, numbers.epochs):
                x = vectors[torch.from_numpy(batch)]
                yield residuals_of(network, x, self.context), is_target[vectors.clip[batch]]

        return Residuals(clips, is_target[learnt], batches)

    def restore(self, trained: Arrays, arrays: Arrays) -> AutoEncoderScorer:
        of_clips = [arrays[name] for name in OF_CLIPS]
        fitted = {name: array for name, array in arrays.items() if name not in OF_CLIPS}
        return AutoEncoderScorer(self, self.trainer.restored(trained), fitted, trained["history"], *of_clips)


@torch.no_grad()
def residuals_of(network: nn.Module, x: torch.Tensor, context: int) -> np.ndarray:
    """Vectors (B, context * D) -> residuals (B, context, D) of a single-seed network in evaluation state."""
    return network(x[None])[0].numpy().reshape(len(x), context, -1)


def residual(network: nn.Module, feature: Feature, context: int) -> np.ndarray:
    """(F, D) -> (F', context, D): the residual of each vector of one clip."""
    return residuals_of(network, stack(feature, context), context)


@dataclass(frozen=True)
class AutoEncoderScorer:
    """One seed's network with one fitted scoring."""

    recipe: AutoEncoder
    network: nn.Module
    fitted: Arrays
    history: np.ndarray  # (epochs, 3) training loss, validation loss, seconds
    train_scores: np.ndarray  # (N,) nan where the validation does not judge by the clip
    train_domains: np.ndarray  # (N,) 1 where a clip is held to the target domain, 0 to the source

    def score(self, feature: Feature) -> float:
        return self.scores([self], feature)[0]

    @staticmethod
    def scores(scorers: Sequence[AutoEncoderScorer], feature: Feature) -> list[float]:
        """One clip's by each of them; they score by one training, so the network runs once."""
        seen = residual(scorers[0].network, feature, scorers[0].recipe.context)
        return [scorer.recipe.score(scorer.fitted, feature, seen) for scorer in scorers]

    def contributions(self, feature: Feature) -> np.ndarray:
        """(F',) what each vector of `context` frames says (contracts.Scorer)."""
        return self.recipe.contributions(self.fitted, feature, residual(self.network, feature, self.recipe.context))

    @property
    def decides_domain(self) -> bool:
        return self.recipe.domains.decides

    def domain(self, feature: Feature) -> bool:
        return self.recipe.domains.is_target(self.fitted, feature)

    def arrays(self) -> Arrays:
        return {**self.fitted, "train_scores": self.train_scores, "train_domains": self.train_domains}

    @property
    def n_parameters(self) -> int:
        return n_parameters(self.network)
