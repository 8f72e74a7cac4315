"""The detector: features of one clip (F, D) in, those of the unchanged detector behind the U-Net scored.

D is M, the near log-mel, or 2 M with the far one beside it where the noise is the far channel. The detector behind gets
the denoised near log-mel (F, M). It is a detector, not a front-end, because it has seeds: each seed's U-Net cleans for
that seed's detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import nn

from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.autoencoder import AutoEncoder, AutoEncoderScorer, DenseTraining
from asd.detectors.denoised.images import Images, Resized, resized
from asd.detectors.denoised.noise import Noise, OtherClips
from asd.detectors.denoised.pairs import NoisyPairs, Patches
from asd.detectors.denoised.unet import ResidualUNet
from asd.detectors.networks import n_parameters
from asd.detectors.windows import BandScale
from asd.epochs import Training
from asd.errors import check


class Denoiser(nn.Module):
    """Log-mel (S, B, T, M) in dB -> denoised log-mel in dB: standardised, as images, U-Net, and its changes back.

    Only what the U-Net changes is resized back, so that resizing by itself takes nothing from the clip; *chosen*.
    """

    def __init__(self, network: ResidualUNet, images: Images, n_mels: int, seeds: Sequence[int]) -> None:
        super().__init__()
        self.images = images
        self.scale = BandScale(n_mels, len(seeds))
        self.unet = network.build(seeds)

    def changes(self, patches: torch.Tensor) -> torch.Tensor:
        """(S, B, T, M) in dB -> what denoising adds, in dB."""
        images = self.images.drawn(self.scale(patches))  # (S, B, H, R)
        return resized(self.unet(images) - images, *patches.shape[-2:]) * self.scale.std[:, None]

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return patches + self.changes(patches)

    def loss(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Mean squared error of one side's image, denoised, against the other side's, standardised: -> (S,)."""
        noisy, wanted = (self.images.drawn(self.scale(side)) for side in (one, other))
        return (self.unet(noisy) - wanted).square().mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class DenoisedTraining:
    """What training makes: a U-Net for each seed, then that seed's detector on what the U-Net leaves of the clips."""

    images: Images
    noise: Noise
    pairs: NoisyPairs
    network: ResidualUNet
    training: Training
    detector: DenseTraining

    @property
    def hears_noise(self) -> bool:
        """Whether training wants the noise clips of supplemental/."""
        return self.noise.hears_noise

    def train(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        denoisers = self.train_denoisers(
            features, is_target, replace(workplace, scratch=workplace.scratch / "denoiser")
        )
        return [
            self.with_detector(trained, features, is_target, workplace, seed)
            for trained, seed in zip(denoisers, workplace.seeds, strict=True)
        ]

    def train_denoisers(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        """What the detector's validation leaves out, the U-Net leaves out too, but for the noise in others' pairs and
        the statistics of its bands.
        """
        numbers = self.images, self.noise, self.pairs
        patches = Patches(list(features), list(workplace.noise), *numbers, workplace.device)

        def build(seeds: Sequence[int]) -> Denoiser:
            denoiser = Denoiser(self.network, self.images, patches.near.shape[1], seeds)
            denoiser.scale.learn(patches.near)
            return denoiser

        def loss(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
            return network.loss(*patches[rows])  # type: ignore[operator]

        clip = np.arange(len(patches)) // self.pairs.together  # (n,) of each row
        split = partial(self.detector.validation.split, clip, is_target, self.training)
        return loop.trained_weights(build, loss, split, self.training, workplace)

    def with_detector(
        self, trained: Arrays, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace, seed: int
    ) -> Arrays:
        """One seed's U-Net and, under `detector/`, what its detector has learnt; `history` is of both in turn."""
        denoiser = self.restored(trained)
        cleaned = [denoised(denoiser, feature) for feature in features]
        place = replace(workplace, seeds=(seed,), scratch=workplace.scratch / f"detector_{seed}")
        (behind,) = self.detector.train(cleaned, is_target, place)
        named = {f"detector/{name}": array for name, array in behind.items()}
        return {**trained, **named, "history": np.concatenate([trained["history"], behind["history"]])}

    def restored(self, trained: Arrays) -> Denoiser:
        """A single-seed denoiser in evaluation state, on the CPU: scoring runs there."""
        own = {name: array for name, array in trained.items() if not name.startswith("detector/")}
        denoiser = Denoiser(self.network, self.images, own["scale.mean"].shape[-1], (0,))
        loop.with_weights(denoiser, own)
        return denoiser


@dataclass(frozen=True)
class SemiDenoising:
    """The U-Net of each seed in front of `detector` with that seed."""

    images: Images = field(default_factory=Resized)  # the whole spectrogram; sec. 4.2
    noise: Noise = field(default_factory=OtherClips)  # *chosen*: the least data; the report does not name it
    pairs: NoisyPairs = field(default_factory=NoisyPairs)
    network: ResidualUNet = field(default_factory=ResidualUNet)
    training: Training = field(default_factory=lambda: Training(epochs=100, batch_size=16))  # pairs; sec. 4.2
    detector: AutoEncoder = field(default_factory=AutoEncoder)  # the organisers' baseline, unchanged; sec. 4.2

    def __post_init__(self) -> None:
        own, behind = self.training.validation_share, self.detector.training.validation_share
        check("detector.training.validation_share", behind, own == behind, f"training.validation_share, {own},")
        name, channels = type(self.detector).__name__, getattr(self.detector, "channels", 1)
        check("detector", name, channels == 1, "a detector of one channel, the denoised near one,")

    @property
    def channels(self) -> int:
        """Channels side by side that it takes, in each feature."""
        return self.noise.channels

    @property
    def min_frames(self) -> int:
        return self.detector.min_frames

    @property
    def trainer(self) -> DenoisedTraining:
        numbers = self.images, self.noise, self.pairs, self.network, self.training
        return DenoisedTraining(*numbers, self.detector.trainer)

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> DenoisedScorer:
        denoiser, of_detector = self.trainer.restored(trained), below("detector", trained)
        cleaned = [denoised(denoiser, feature) for feature in features]
        return DenoisedScorer(
            denoiser, self.detector.fit_scorer(of_detector, seed, cleaned, is_target), trained["history"]
        )

    def denoiser(self, trained: Arrays) -> Callable[[Feature], Feature]:
        return partial(changed, self.trainer.restored(trained))

    def restore(self, trained: Arrays, arrays: Arrays) -> DenoisedScorer:
        behind = self.detector.restore(below("detector", trained), arrays)
        return DenoisedScorer(self.trainer.restored(trained), behind, trained["history"])


def below(name: str, arrays: Arrays) -> Arrays:
    """The arrays under `<name>/`, without it."""
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}


def near_of(denoiser: Denoiser, feature: Feature) -> Feature:
    """(F, D) -> (F, M): a far half does not enter."""
    return feature[:, : denoiser.scale.mean.shape[-1]]


@torch.no_grad()
def changed(denoiser: Denoiser, feature: Feature) -> Feature:
    """One clip (F, D) in dB -> what denoising changes of its near log-mel, (F, M) in dB."""
    near = torch.from_numpy(near_of(denoiser, feature).copy())
    return denoiser.changes(near[None, None])[0, 0].numpy()


def denoised(denoiser: Denoiser, feature: Feature) -> Feature:
    """One clip (F, D) in dB -> its near log-mel without noise (F, M) in dB."""
    return near_of(denoiser, feature) + changed(denoiser, feature)


@dataclass(frozen=True)
class DenoisedScorer:
    """One seed's U-Net and the detector behind it."""

    denoiser: Denoiser
    behind: AutoEncoderScorer
    history: np.ndarray  # (epochs of both, 3) training loss, validation loss, seconds: U-Net first, then the detector

    @property
    def train_scores(self) -> np.ndarray:
        return self.behind.train_scores

    def arrays(self) -> Arrays:
        return self.behind.arrays()

    @property
    def n_parameters(self) -> int:
        return n_parameters(self.denoiser) + self.behind.n_parameters

    def score(self, feature: Feature) -> float:
        return self.behind.score(denoised(self.denoiser, feature))

    def contributions(self, feature: Feature) -> np.ndarray:
        """(F',) what each vector of frames says (contracts.Scorer)."""
        return self.behind.contributions(denoised(self.denoiser, feature))

    @property
    def train_domains(self) -> np.ndarray:
        return self.behind.train_domains

    @property
    def decides_domain(self) -> bool:
        return self.behind.decides_domain

    def domain(self, feature: Feature) -> bool:
        return self.behind.domain(denoised(self.denoiser, feature))
