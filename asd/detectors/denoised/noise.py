"""Noise for noisy pairs: where it comes from. Features of the training clips in, log-mels (F, M) of noise in dB out.

The report does not name its noise ("noise-to-noise augmentation"); its data had one microphone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from asd.contracts import Feature
from asd.errors import BadInput


class Noise(Protocol):
    @property
    def channels(self) -> int:
        """Of log-mels side by side in a feature, near first."""

    @property
    def hears_noise(self) -> bool:
        """Whether the noise clips of supplemental/ are wanted."""

    def clips(self, features: Sequence[Feature], recorded: Sequence[Feature]) -> list[Feature]:
        """Features of the training clips and of the recorded noise -> clips of noise (F, M)."""

    def two(self, clip: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Which two of `count` noise clips training clip number `clip` gets: different ones where there are two."""


class OfOthers:
    """Noise that comes with the training clips: a clip gets that of others, never its own."""

    hears_noise: ClassVar[bool] = False

    def two(self, clip: int, count: int, rng: np.random.Generator) -> np.ndarray:
        return (clip + 1 + rng.choice(count - 1, 2, replace=count < 3)) % count


def several(features: Sequence[Feature]) -> Sequence[Feature]:
    if len(features) < 2:
        raise BadInput("one training clip: the noise added to a clip is of others, two needed")
    return features


@dataclass(frozen=True)
class OtherClips(OfOthers):
    """Other training clips as they are, machine and noise: needs one channel and nothing beside the training clips, as
    the report's data have it. What stays alike between a pair's sides is the clip's own sound.
    """

    channels: ClassVar[int] = 1

    def clips(self, features: Sequence[Feature], recorded: Sequence[Feature]) -> list[Feature]:
        return list(several(features))


@dataclass(frozen=True)
class FarChannel(OfOthers):
    """The far channel of other training clips, which holds the environment's noise, louder than the machine.

    A departure: the report's data had no far microphone.
    """

    channels: ClassVar[int] = 2

    def clips(self, features: Sequence[Feature], recorded: Sequence[Feature]) -> list[Feature]:
        return [np.split(feature, 2, axis=1)[1] for feature in several(features)]


@dataclass(frozen=True)
class Supplemental:
    """The noise clips of supplemental/, as DCASE 2025 has them for some machines (`_noise_` in their names)."""

    channels: ClassVar[int] = 1
    hears_noise: ClassVar[bool] = True

    def clips(self, features: Sequence[Feature], recorded: Sequence[Feature]) -> list[Feature]:
        return list(recorded)

    def two(self, clip: int, count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(count, 2, replace=count < 2)
