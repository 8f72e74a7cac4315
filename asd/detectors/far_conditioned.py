"""Masked spectrogram modelling with far-conditioning and DSP blocks, scored by a kNN density. (F, 2 M) features in.

Jeong 2026, "Noise-aware far-conditioned masked spectrogram modeling with DSP feature fusion". Only the abstract is
public: a number without a source is *chosen*, with its reason beside it. A feature is near | far log-mel side by side.

    windows of 2.5 s -> MSM embedding (far-conditioned) | ridge residual | modulation -> balanced -> kNN -> top 10 %
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from asd import signal
from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.backends.bank import top_mean
from asd.detectors.backends.density import DomainDensity, Neighbours
from asd.detectors.descriptors import Descriptor, ModulationExcess, RidgeResidual
from asd.detectors.masked import MaskedModel, MaskedNet, Masking
from asd.detectors.networks import PerDimension, n_parameters
from asd.detectors.windows import BandScale, Windows
from asd.epochs import Training
from asd.errors import check

BLOCKS = ("msm", "ridge", "modulation")
BATCH = 256  # windows embedded at once
LEAST_SPREAD = 0.1  # of a block's median spread; *chosen*: a band still in training counts at most ten times another
MASKED_TRAINING = Training(
    epochs=30,  # *chosen*: half an hour for a machine of 1,000 clips on one core
    batch_size=64,  # windows; *chosen*: enough steps an epoch where there are a hundred clips
)


@dataclass(frozen=True)
class MaskedTraining:
    """What training the masked model makes."""

    window: int
    hop: int
    masking: Masking
    network: MaskedNet
    training: Training

    def train(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        windows = Windows(list(features), self.window, self.hop, workplace.device)
        n_mels = windows.frames.shape[1] // 2

        def build(seeds: Sequence[int]) -> MaskedModel:
            model = self.network.build(self.window, n_mels, seeds)
            model.scale.learn(windows.frames[:, :n_mels])
            model.far_scale.learn(windows.frames[:, n_mels:])
            return model

        def loss(network: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
            near = windows[rows][..., :n_mels]  # (S, B, W, M)
            masks = [self.masking.draw(r, self.window, n_mels) for r in rows.cpu().numpy()]
            return network(near, torch.from_numpy(np.stack(masks)).to(rows.device))

        split = loop.random_rows(len(windows), self.training)
        return loop.trained_weights(build, loss, split, self.training, workplace)

    def restored(self, trained: Arrays) -> MaskedModel:
        """A single-seed model in evaluation state with these weights, on the CPU: scoring runs there."""
        model = self.network.build(self.window, trained["scale.mean"].shape[-1], (0,))
        loop.with_weights(model, trained)
        return model


@dataclass(frozen=True)
class FarConditionedNeighbours:
    """One masked model a seed; no number is set for a machine, and λ is the one that the development set decides."""

    attenuation: float = 0.5  # λ, share of the far-correlated part taken away; a development run chooses
    window: int = 78  # frames, 2.5 s at hop 512; the abstract
    hop: int = 16  # frames, 0.5 s; *chosen*: 16 windows in 10 s, so that their top 10 % are two
    masking: Masking = field(default_factory=Masking)
    network: MaskedNet = field(default_factory=MaskedNet)
    training: Training = field(default_factory=lambda: MASKED_TRAINING)
    ridge: RidgeResidual = field(default_factory=RidgeResidual)
    modulation: Descriptor = field(default_factory=ModulationExcess)
    nuisance_rank: int = 8  # directions of the shared subspace; *chosen*: an eighth of the embedding
    block_weights: tuple[float, ...] = (1.0, 1.0, 1.0)  # of msm, ridge, modulation; equal in the abstract, 0 drops one
    density: DomainDensity = field(default_factory=DomainDensity)
    top_share: float = 0.1  # of a clip's windows, averaged; the abstract

    def __post_init__(self) -> None:
        embedding, weights = self.network.embedding, self.block_weights
        check("attenuation", self.attenuation, 0 <= self.attenuation <= 1, "from 0 to 1")
        check("top_share", self.top_share, 0 < self.top_share <= 1, "above 0, at most 1")
        check("window", self.window, self.window >= 1, "at least 1")
        check("hop", self.hop, self.hop >= 1, "at least 1")
        check("nuisance_rank", self.nuisance_rank, 1 <= self.nuisance_rank <= embedding, f"from 1 to {embedding}")
        weighs = len(weights) == len(BLOCKS) and min(weights) >= 0 and any(weights)
        check("block_weights", weights, weighs, f"one weight for each of {', '.join(BLOCKS)}, not all 0,")

    @property
    def channels(self) -> int:
        """Channels side by side that it compares, in each feature."""
        return 2

    @property
    def min_frames(self) -> int:
        """A quarter of a window: a shorter clip, repeated to fill one, would be mostly its own repetition."""
        return max(2, self.window // 4)

    @property
    def trainer(self) -> MaskedTraining:
        """Neither λ nor descriptors nor density enter."""
        return MaskedTraining(self.window, self.hop, self.masking, self.network, self.training)

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> NeighbourScorer:
        model = self.trainer.restored(trained)
        clips = [self.describe(model, feature) for feature in features]
        described = {name: np.concatenate([clip[name] for clip in clips]) for name in clips[0]}
        clip = np.repeat(np.arange(len(clips)), [len(of_clip["msm"]) for of_clip in clips])  # (n,) of each window
        return self.restore(trained, self.fit_density(described, clip, is_target))

    def restore(self, trained: Arrays, arrays: Arrays) -> NeighbourScorer:
        bank, clip, is_target, typical = (arrays[name] for name in ("bank", "clip", "is_target", "typical"))
        neighbours = self.density.restore(bank, clip, is_target, typical)
        return NeighbourScorer(self, self.trainer.restored(trained), arrays, neighbours, trained["history"])

    def fit_density(self, described: Arrays, clip: np.ndarray, is_target: np.ndarray) -> Arrays:
        """Subspace, balance, the windows to compare with, typical distances, and the training scores, each clip's
        without its own windows among the neighbours.
        """
        subspace = nuisance(described["msm"], described["far"], self.nuisance_rank)
        blocks = conditioned(described, subspace, self.attenuation)
        fitted = {"subspace": subspace, **balance(blocks)}
        bank = balanced(blocks, fitted, self.block_weights)
        neighbours = self.density.fit(bank, clip, is_target)
        ratios = neighbours.own_ratios(bank, clip)
        scores = np.array([top_mean(ratios[clip == i], self.top_share) for i in range(len(is_target))])
        kept = {"bank": bank, "clip": clip, "is_target": is_target, "typical": neighbours.typical}
        return {**fitted, **kept, "train_scores": scores}

    def describe(self, model: MaskedModel, feature: Feature) -> Arrays:
        """Every window of one clip: near and far embedding (n, E), ridge (n, M), modulation (n, octaves M).

        *Chosen*: the far window goes through the near encoder, there being no other, standardised by the far bands'
        own statistics: the two microphones differ in level and colour, and the encoder knows deviations from a mean.
        """
        near, far = np.split(signal.windows(feature, self.window, self.hop), 2, axis=2)  # (n, W, M) each
        found = {"msm": embedded(model, model.scale, near), "far": embedded(model, model.far_scale, far)}
        found |= {"ridge": self.ridge(near, far), "modulation": self.modulation(near, far)}
        return {name: array.astype(np.float32) for name, array in found.items()}


@torch.no_grad()
def embedded(model: MaskedModel, scale: BandScale, windows: np.ndarray) -> np.ndarray:
    """Windows (n, W, M) in dB -> (n, E), by a single-seed model in evaluation state and one of its scales."""
    batches = torch.from_numpy(np.ascontiguousarray(windows)).split(BATCH)
    return torch.cat([model.embed(scale(batch[None]))[0] for batch in batches]).numpy()


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

    def arrays(self) -> Arrays:
        return self.fitted

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
