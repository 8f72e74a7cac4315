"""Semi-denoising: a U-Net trained noise to noise cleans a clip's log-mels for an unchanged detector behind it.

(F, 2 M) features in, near and far log-mel side by side; the detector gets the denoised near half (F, M).
Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report), secs. 2 and 4; what it leaves open is *chosen*.

It is a detector, not a front-end, because it has seeds: each seed's U-Net cleans for that seed's detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from asd import training as loop
from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.autoencoder import AutoEncoder, AutoEncoderScorer, DenseTraining
from asd.detectors.convolution import repeated
from asd.detectors.networks import n_parameters
from asd.detectors.unet import ResidualUNet
from asd.detectors.windows import BandScale
from asd.errors import BadInput, check
from asd.signal import filled
from asd.training import Training, generator


@dataclass(frozen=True)
class NoisyPairs:
    """Pairs of patches of one clip: noisy ones, the clip with one noise and the clip with another, and beside them
    original ones, the clip as it is on both sides.

    The noise is the far channel of two other training clips, added in power. A departure: the paper does not name its
    noise, and its data had no far microphone; the far channel holds the environment's noise, louder than the machine.
    """

    pairs: int = 10  # noisy ones of each clip; sec. 4.2
    original_share: float = 0.3  # of all pairs, noisy to original 7:3; sec. 2.2; beside ten noisy ones 4, the nearest
    least_snr: float = 0.0  # dB of the clip over the added noise; *chosen*: as loud as the clip, which is noisy already
    most_snr: float = 10.0  # dB; *chosen*: just audible in the clip

    def __post_init__(self) -> None:
        check("pairs", self.pairs, self.pairs >= 1, "at least 1")
        check("original_share", self.original_share, 0 <= self.original_share < 1, "from 0 to below 1")
        check("most_snr", self.most_snr, self.most_snr >= self.least_snr, f"at least least_snr, {self.least_snr},")

    @property
    def originals(self) -> int:
        """How many original pairs a clip has beside its noisy ones."""
        return round(self.pairs * self.original_share / (1 - self.original_share))

    @property
    def together(self) -> int:
        return self.pairs + self.originals


class Patches:
    """The pairs of all training clips by row number: a row is (clip, pair), its draws depend on the row alone."""

    def __init__(self, features: Sequence[Feature], frames: int, numbers: NoisyPairs, device: str) -> None:
        if len(features) < 2:
            raise BadInput("one training clip: the noise added to a clip is the far channel of others, two needed")
        self.frames = min(frames, max(map(len, features)))
        clips = [filled(feature, self.frames) for feature in features]
        begins = np.cumsum([0, *map(len, clips)])
        rooms = np.array([len(clip) - self.frames + 1 for clip in clips])
        draws = [self._draw(row, rooms, begins, numbers) for row in range(len(clips) * numbers.together)]
        places, snrs = (np.array(column) for column in zip(*draws, strict=True))
        together = np.concatenate(clips)  # (sum F, 2 M)
        self.near, self.far = (torch.from_numpy(half.copy()).to(device) for half in np.split(together, 2, axis=1))
        self._places = torch.from_numpy(places).to(device)  # (n, 3) first frames of the clip and of either noise
        self._snrs = torch.from_numpy(snrs.astype(np.float32)).to(device)  # (n, 2) SNR in dB, inf: no noise

    @staticmethod
    def _draw(row: int, rooms: np.ndarray, begins: np.ndarray, numbers: NoisyPairs) -> tuple[list, list]:
        rng, (clip, pair) = generator(row), divmod(row, numbers.together)
        steps = 1 + rng.choice(len(rooms) - 1, 2, replace=len(rooms) < 3)  # to two other clips
        chosen = [clip, *((clip + steps) % len(rooms))]
        places = [int(begins[c] + rng.integers(rooms[c])) for c in chosen]
        snrs = rng.uniform(numbers.least_snr, numbers.most_snr, 2)
        return places, [np.inf, np.inf] if pair < numbers.originals else list(snrs)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Row numbers (S, B) -> both sides of the pairs in dB, (S, B, frames, M) each."""
        offsets = torch.arange(self.frames, device=rows.device)
        clip, *noises = (self._places[rows][..., i, None] + offsets for i in range(3))  # (S, B, frames) each
        near, snrs = self.near[clip], self._snrs[rows]
        one, other = (with_noise(near, self.far[n], snrs[..., i]) for i, n in enumerate(noises))
        return one, other


def with_noise(near: torch.Tensor, noise: torch.Tensor, snr: torch.Tensor) -> torch.Tensor:
    """Log-mel patches (..., T, M) in dB, SNR (...) in dB -> the log-mel patch whose power is that of both together.

    The noise's level is set by the mean power of the whole patches. An SNR of inf leaves the patch as it is.
    """
    power, added = (10 ** (patch / 10) for patch in (near, noise))
    level = power.mean(dim=(-2, -1)) / added.mean(dim=(-2, -1)).clamp_min(torch.finfo(added.dtype).tiny)
    gain = level * 10 ** (-snr / 10)
    noisy = 10 * torch.log10((power + gain[..., None, None] * added).clamp_min(torch.finfo(power.dtype).tiny))
    return torch.where(torch.isinf(snr)[..., None, None], near, noisy)


class Denoiser(nn.Module):
    """Log-mel (S, B, T, M) in dB -> denoised log-mel in dB: standardised, stretched to `rows`, U-Net, and back."""

    def __init__(self, network: ResidualUNet, rows: int, n_mels: int, seeds: Sequence[int]) -> None:
        super().__init__()
        if rows % n_mels:
            raise BadInput(f"rows {rows}: a multiple of the {n_mels} mel bands expected")
        self.stretch = rows // n_mels
        self.scale = BandScale(n_mels, len(seeds))
        self.unet = network.build(seeds)

    def corrected(self, scaled: torch.Tensor) -> torch.Tensor:
        images = repeated(scaled, self.stretch)  # (S, B, T, R), an image of the paper's 256 x 256
        return self.unet(images).unflatten(-1, (-1, self.stretch)).mean(dim=-1)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.corrected(self.scale(patches)) * self.scale.std[:, None] + self.scale.mean[:, None]

    def loss(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Mean squared error of one side's reconstruction against the other side, standardised: -> (S,)."""
        return (self.corrected(self.scale(one)) - self.scale(other)).square().mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class DenoisedTraining:
    """What training makes: a U-Net for each seed, then that seed's detector on what the U-Net leaves of the clips."""

    rows: int
    frames: int
    pairs: NoisyPairs
    network: ResidualUNet
    training: Training
    detector: DenseTraining

    def train(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        denoisers = self.train_denoisers(features, replace(workplace, scratch=workplace.scratch / "denoiser"))
        return [
            self.with_detector(trained, features, is_target, workplace, seed)
            for trained, seed in zip(denoisers, workplace.seeds, strict=True)
        ]

    def train_denoisers(self, features: Sequence[Feature], workplace: Workplace) -> list[Arrays]:
        patches = Patches(list(features), self.frames, self.pairs, workplace.device)

        def build(seeds: Sequence[int]) -> Denoiser:
            denoiser = Denoiser(self.network, self.rows, patches.near.shape[1], seeds)
            denoiser.scale.learn(patches.near)
            return denoiser

        def loss(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
            return network.loss(*patches[rows])  # type: ignore[operator]

        return loop.trained_weights(
            build, loss, loop.random_rows(len(patches), self.training), self.training, workplace
        )

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
        denoiser = Denoiser(self.network, self.rows, own["scale.mean"].shape[-1], (0,))
        loop.with_weights(denoiser, own)
        return denoiser


@dataclass(frozen=True)
class SemiDenoising:
    """The U-Net of each seed in front of `detector` with that seed."""

    rows: int = 256  # of a patch, mel bands repeated to fill them; sec. 4.2 resizes log-spectrograms to 256 x 256
    frames: int = 256  # of a patch, 8.2 s, or the longest clip's; sec. 4.2
    pairs: NoisyPairs = field(default_factory=NoisyPairs)
    network: ResidualUNet = field(default_factory=ResidualUNet)
    training: Training = field(default_factory=lambda: Training(epochs=100, batch_size=16))  # pairs; sec. 4.2
    detector: AutoEncoder = field(default_factory=AutoEncoder)  # the organisers' baseline, unchanged; sec. 4.2

    def __post_init__(self) -> None:
        check("rows", self.rows, self.rows >= 2, "at least 2")
        check("frames", self.frames, self.frames >= 2, "at least 2")
        name, channels = type(self.detector).__name__, getattr(self.detector, "channels", 1)
        check("detector", name, channels == 1, "a detector of one channel, the denoised near one,")

    @property
    def channels(self) -> int:
        """Channels side by side that it compares, in each feature."""
        return 2

    @property
    def min_frames(self) -> int:
        return self.detector.min_frames

    @property
    def trainer(self) -> DenoisedTraining:
        numbers = self.rows, self.frames, self.pairs, self.network, self.training
        return DenoisedTraining(*numbers, self.detector.trainer)

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> DenoisedScorer:
        denoiser, of_detector = self.trainer.restored(trained), below("detector", trained)
        cleaned = [denoised(denoiser, feature) for feature in features]
        return DenoisedScorer(
            denoiser, self.detector.fit_scorer(of_detector, seed, cleaned, is_target), trained["history"]
        )

    def restore(self, trained: Arrays, arrays: Arrays) -> DenoisedScorer:
        behind = self.detector.restore(below("detector", trained), arrays)
        return DenoisedScorer(self.trainer.restored(trained), behind, trained["history"])


def below(name: str, arrays: Arrays) -> Arrays:
    """The arrays under `<name>/`, without it."""
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}


@torch.no_grad()
def denoised(denoiser: Denoiser, feature: Feature) -> Feature:
    """One clip, near and far (F, 2 M) in dB -> near without noise (F, M) in dB; the far half does not enter."""
    near = np.split(feature, 2, axis=1)[0]
    return denoiser(torch.from_numpy(near.copy())[None, None])[0, 0].numpy()


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
