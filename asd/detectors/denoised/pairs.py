"""Pairs to learn from: training clips and noise in, both sides of a pair of patches out, by row number. All in dB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asd.contracts import Feature
from asd.detectors.denoised.images import Images
from asd.detectors.denoised.noise import Noise
from asd.epochs import generator
from asd.errors import check


@dataclass(frozen=True)
class NoisyPairs:
    """Pairs of patches of one clip: noisy ones, the clip with one noise and the clip with another, and beside them
    original ones, the clip as it is on both sides. The noise is added in power.
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


class Cuts:
    """Where patches can be cut from clips (F, M), side by side in `frames` (sum F, M)."""

    def __init__(self, clips: Sequence[Feature], length: int) -> None:
        self.begins = np.cumsum([0, *map(len, clips)])
        self.rooms = [len(clip) - length + 1 for clip in clips]  # first frames to choose from
        self.frames = torch.from_numpy(np.concatenate(clips))

    def draw(self, clip: int, rng: np.random.Generator) -> int:
        """The first frame of a patch of that clip."""
        return int(self.begins[clip] + rng.integers(self.rooms[clip]))


class Patches:
    """The pairs of all training clips by row number: a row is (clip, pair), its draws depend on the row alone."""

    def __init__(
        self,
        features: Sequence[Feature],
        recorded: Sequence[Feature],
        images: Images,
        noise: Noise,
        numbers: NoisyPairs,
        device: str,
    ) -> None:
        """`recorded` are the features of noise clips, for noise that is made of them."""
        near, noises = near_channels(features, noise), noise.clips(features, recorded)
        self.length = images.frames(near)
        clips, added = (Cuts(images.clips(of, self.length), self.length) for of in (near, noises))

        def draw(row: int) -> tuple[list[int], list[float]]:
            rng, (clip, pair) = generator(row), divmod(row, numbers.together)
            two = noise.two(clip, len(noises), rng)
            places = [clips.draw(clip, rng), *(added.draw(i, rng) for i in two)]
            snrs = rng.uniform(numbers.least_snr, numbers.most_snr, 2)
            return places, [np.inf, np.inf] if pair < numbers.originals else list(snrs)

        places, snrs = zip(*map(draw, range(len(near) * numbers.together)), strict=True)
        self.near, self.noise = clips.frames.to(device), added.frames.to(device)  # (sum F, M)
        self._places = torch.tensor(places).to(device)  # (n, 3) first frames of the clip and of either noise
        self._snrs = torch.tensor(snrs, dtype=torch.float32).to(device)  # (n, 2) SNR in dB, inf: no noise

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Row numbers (S, B) -> both sides of the pairs in dB, (S, B, length, M) each."""
        offsets = torch.arange(self.length, device=rows.device)
        clip, *noises = (self._places[rows][..., i, None] + offsets for i in range(3))  # (S, B, length) each
        near, snrs = self.near[clip], self._snrs[rows]
        one, other = (with_noise(near, self.noise[n], snrs[..., i]) for i, n in enumerate(noises))
        return one, other


def near_channels(features: Sequence[Feature], noise: Noise) -> list[Feature]:
    """The near log-mels (F, M) of features with as many channels side by side as the noise says."""
    return [np.split(feature, noise.channels, axis=1)[0] for feature in features]


def with_noise(near: torch.Tensor, noise: torch.Tensor, snr: torch.Tensor) -> torch.Tensor:
    """Log-mel patches (..., T, M) in dB, SNR (...) in dB -> the log-mel patch whose power is that of both together.

    The noise's level is set by the mean power of the whole patches. An SNR of inf leaves the patch as it is.
    """
    power, added = (10 ** (patch / 10) for patch in (near, noise))
    level = power.mean(dim=(-2, -1)) / added.mean(dim=(-2, -1)).clamp_min(torch.finfo(added.dtype).tiny)
    gain = level * 10 ** (-snr / 10)
    noisy = 10 * torch.log10((power + gain[..., None, None] * added).clamp_min(torch.finfo(power.dtype).tiny))
    return torch.where(torch.isinf(snr)[..., None, None], near, noisy)
