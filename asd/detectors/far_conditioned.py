"""Masked spectrogram modelling with far-conditioning and DSP blocks, scored by a kNN density. (F, 2 M) features in.

Jeong 2026, "Noise-aware far-conditioned masked spectrogram modeling with DSP feature fusion". Only the abstract is
public: a number without a source is *chosen*, with its reason beside it. A feature is near | far log-mel side by side.

    windows of 2.5 s -> MSM embedding (far-conditioned) | ridge residual | modulation -> balanced -> kNN -> top 10 %
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch

from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.descriptors import Modulation, RidgeResidual
from asd.detectors.masked import MaskedModel, MaskedNet, Masking
from asd.detectors.neighbours import DomainDensity, Neighbours, top_mean
from asd.detectors.networks import PerDimension, n_parameters
from asd.detectors.windows import Windows, windows_of
from asd.errors import BadInput
from asd.store import digest, fingerprint
from asd.training import Training

BLOCKS = ("msm", "ridge", "modulation")
BATCH = 256  # windows embedded at once
LEAST_SPREAD = 0.1  # of a block's median spread; *chosen*: a band still in training counts at most ten times another
MASKED_TRAINING = Training(
    epochs=30,  # *chosen*: half an hour for a machine of 1,000 clips on one core
    batch_size=64,  # windows; *chosen*: enough steps an epoch where there are a hundred clips
)


@dataclass(frozen=True)
class FarConditionedNeighbours:
    """One masked model a seed; no number is set for a machine, and λ is the one that the development set decides."""

    attenuation: float = 0.0  # λ, share of the far-correlated part taken away; the yaml's, from tools/choose_lambda.py
    window: int = 78  # frames, 2.5 s at hop 512; the abstract
    hop: int = 16  # frames, 0.5 s; *chosen*: 15 windows in 10 s, so that their top 10 % are two
    masking: Masking = field(default_factory=Masking)
    network: MaskedNet = field(default_factory=MaskedNet)
    training: Training = field(default_factory=lambda: MASKED_TRAINING)
    ridge: RidgeResidual = field(default_factory=RidgeResidual)
    modulation: Modulation = field(default_factory=Modulation)
    nuisance_rank: int = 8  # directions of the shared subspace; *chosen*: an eighth of the embedding
    block_weights: tuple[float, ...] = (1.0, 1.0, 1.0)  # of msm, ridge, modulation; equal in the abstract, 0 drops one
    density: DomainDensity = field(default_factory=DomainDensity)
    top_share: float = 0.1  # of a clip's windows, averaged; the abstract

    def __post_init__(self) -> None:
        if not 0 <= self.attenuation <= 1 or not 0 < self.top_share <= 1 or min(self.window, self.hop) < 1:
            raise BadInput(f"{self}: attenuation 0 to 1, top_share above 0 to 1, window and hop at least 1 expected")
        if not 1 <= self.nuisance_rank <= self.network.embedding:
            raise BadInput(f"nuisance_rank {self.nuisance_rank}: from 1 to the embedding, {self.network.embedding}")
        if len(self.block_weights) != len(BLOCKS) or min(self.block_weights) < 0 or not any(self.block_weights):
            raise BadInput(f"block_weights {self.block_weights}: one weight for each of {', '.join(BLOCKS)} expected")

    @property
    def min_frames(self) -> int:
        """A quarter of a window: a shorter clip, repeated to fill one, would be mostly its own repetition."""
        return max(2, self.window // 4)

    def training_key(self, data_key: str) -> str:
        """Name of what the masked model learns; neither λ nor descriptors nor density enter."""
        parts = fingerprint(self.masking, self.network, self.training, modules=(Windows.__module__,))
        return digest("masked", data_key, str((self.window, self.hop)), parts)

    def fit(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[NeighbourScorer]:
        fitting = _Fitting(self, features, is_target, workplace)
        return [fitting.scorer(seed, weights) for seed, weights in zip(workplace.seeds, fitting.weights(), strict=True)]

    def describe(self, model: MaskedModel, feature: Feature) -> Arrays:
        """Every window of one clip: near and far embedding (n, E), ridge (n, M), modulation (n, octaves M)."""
        near, far = np.split(windows_of(feature, self.window, self.hop), 2, axis=2)  # (n, W, M) each
        found = {"msm": embedded(model, near), "far": embedded(model, far)}
        found |= {"ridge": self.ridge(near, far), "modulation": self.modulation(near, far)}
        return {name: array.astype(np.float32) for name, array in found.items()}


@dataclass
class _Fitting:
    """One call of `fit`: reads the training features at most once, and only when needed."""

    recipe: FarConditionedNeighbours
    features: Sequence[Feature]
    is_target: np.ndarray
    workplace: Workplace

    @cached_property
    def windows(self) -> Windows:
        return Windows(list(self.features), self.recipe.window, self.recipe.hop, self.workplace.device)

    @property
    def n_mels(self) -> int:
        return self.windows.frames.shape[1] // 2

    @cached_property
    def key(self) -> str:
        return self.recipe.training_key(self.workplace.data_key)

    def weights(self) -> list[Arrays]:
        def build(seeds: Sequence[int]) -> MaskedModel:
            model = self.recipe.network.build(self.recipe.window, self.n_mels, seeds)
            model.scale.learn(self.windows.frames[:, : self.n_mels])
            return model

        def loss(network: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
            near = self.windows[rows][..., : self.n_mels]  # (S, B, W, M)
            masks = [self.recipe.masking.draw(r, self.recipe.window, self.n_mels) for r in rows.cpu().numpy()]
            return network(near, torch.from_numpy(np.stack(masks)).to(rows.device))

        numbers = self.recipe.training
        return loop.trained_weights(build, loss, lambda: len(self.windows), numbers, self.key, self.workplace)

    def scorer(self, seed: int, weights: Arrays) -> NeighbourScorer:
        loop.pin(self.workplace.device)
        history, recipe, store = weights.pop("history"), self.recipe, self.workplace.store
        model = restored(recipe, weights)
        code = fingerprint(recipe.ridge, recipe.modulation, modules=(__name__,))
        key = digest("described", self.key, str(seed), loop.machine_room(self.workplace.device), code)
        described = store.once("scoring", key, partial(self._describe, model))
        fitted = store.once("scoring", digest(key, fingerprint(recipe)), partial(self._density, described))
        return NeighbourScorer.of(recipe, model, described, self.is_target, fitted, history)

    def _describe(self, model: MaskedModel) -> Arrays:
        clips = [self.recipe.describe(model, feature) for feature in self.features]
        together = {name: np.concatenate([clip[name] for clip in clips]) for name in clips[0]}
        return {**together, "clip": np.repeat(np.arange(len(clips)), [len(clip["msm"]) for clip in clips])}

    def _density(self, described: Arrays) -> Arrays:
        """Subspace, balance, typical distances, and the training scores with each clip left out of its neighbours."""
        recipe, clip = self.recipe, described["clip"]
        subspace = nuisance(described["msm"], described["far"], recipe.nuisance_rank)
        blocks = conditioned(described, subspace, recipe.attenuation)
        fitted = {"subspace": subspace, **balance(blocks)}
        bank = balanced(blocks, fitted, recipe.block_weights)
        neighbours = recipe.density.fit(bank, clip, self.is_target)
        ratios = neighbours.ratios(bank, own=clip)
        scores = [top_mean(ratios[clip == i], recipe.top_share) for i in range(len(self.is_target))]
        return {**fitted, "typical": neighbours.typical, "train_scores": np.array(scores)}


@torch.no_grad()
def embedded(model: MaskedModel, windows: np.ndarray) -> np.ndarray:
    """Windows (n, W, M) in dB -> (n, E), by a single-seed model in evaluation state."""
    batches = torch.from_numpy(np.ascontiguousarray(windows)).split(BATCH)
    return torch.cat([model.embed(model.scale(batch[None]))[0] for batch in batches]).numpy()


def restored(recipe: FarConditionedNeighbours, weights: Arrays) -> MaskedModel:
    """A single-seed model in evaluation state with `weights` (no S axis), on the CPU: scoring runs there."""
    model = recipe.network.build(recipe.window, weights["scale.mean"].shape[-1], (0,))
    model.load_state_dict({name: torch.from_numpy(array)[None] for name, array in weights.items()})
    return model.eval()


def nuisance(near: np.ndarray, far: np.ndarray, rank: int) -> np.ndarray:
    """U (E, rank): orthonormal directions of the near embedding that vary most with the far one over normal pairs.

    The left singular vectors of the cross-covariance of (n, E) and (n, E). *Chosen*: no whitening as in a canonical
    correlation analysis, which would count faint shared directions as much as strong ones.
    """
    a, b = (z.astype(np.float64) - z.mean(axis=0, dtype=np.float64) for z in (near, far))
    return np.linalg.svd(a.T @ b / len(a))[0][:, :rank]


def conditioned(described: Arrays, subspace: np.ndarray, attenuation: float) -> Arrays:
    """The three blocks, the embedding as `z' = z - λ U U' z`."""
    z = described["msm"].astype(np.float64)
    return {**{name: described[name] for name in BLOCKS}, "msm": z - attenuation * (z @ subspace) @ subspace.T}


def balance(blocks: Arrays) -> Arrays:
    """Centre and scale (D,) of each block, so that each has variance 1 in all over the training windows.

    Descriptors are standardised dimension by dimension first: their bands differ in spread for no reason of the
    machine's; but one that hardly moved in training is not blown up to outvote all others when it moves as they do.
    The embedding is not: its directions' variances are what λ has just set.
    """
    fitted = {}
    for name, block in blocks.items():
        values = block.astype(np.float64)
        spread = values.std(axis=0)
        spread = np.maximum(spread, max(LEAST_SPREAD * np.median(spread), PerDimension.floor))
        whole = np.full_like(spread, np.sqrt(np.square(spread).sum()))
        fitted[f"{name} centre"] = values.mean(axis=0)
        fitted[f"{name} scale"] = whole if name == "msm" else spread * len(spread) ** 0.5
    return fitted


def balanced(blocks: Arrays, fitted: Arrays, weights: Sequence[float]) -> np.ndarray:
    """(n, D) float32, the blocks side by side; a block of weight 0 is left out."""
    parts = [
        weight * (blocks[name] - fitted[f"{name} centre"]) / fitted[f"{name} scale"]
        for name, weight in zip(BLOCKS, weights, strict=True)
        if weight
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class NeighbourScorer:
    """One seed's masked model with the training windows it is compared to."""

    recipe: FarConditionedNeighbours
    model: MaskedModel
    fitted: Arrays
    neighbours: Neighbours
    history: np.ndarray  # (epochs, 3) training loss, validation loss, seconds

    @classmethod
    def of(
        cls,
        recipe: FarConditionedNeighbours,
        model: MaskedModel,
        described: Arrays,
        is_target: np.ndarray,
        fitted: Arrays,
        history: np.ndarray,
    ) -> NeighbourScorer:
        """From what the store holds: every training window's description, and the numbers fitted to them."""
        blocks = conditioned(described, fitted["subspace"], recipe.attenuation)
        bank = balanced(blocks, fitted, recipe.block_weights)
        neighbours = recipe.density.restore(bank, described["clip"], is_target, fitted["typical"])
        return cls(recipe, model, fitted, neighbours, history)

    @property
    def train_scores(self) -> np.ndarray:
        """(N,) each training clip without its own windows among the neighbours; what precedes the kNN has seen it."""
        return self.fitted["train_scores"]

    @property
    def n_parameters(self) -> int:
        return n_parameters(self.model)

    def score(self, feature: Feature) -> float:
        blocks = conditioned(
            self.recipe.describe(self.model, feature), self.fitted["subspace"], self.recipe.attenuation
        )
        ratios = self.neighbours.ratios(balanced(blocks, self.fitted, self.recipe.block_weights))
        return top_mean(ratios, self.recipe.top_share)
