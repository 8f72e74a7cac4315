"""Which clips there are: a size in, the clips of a machine's training and test sets out. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asd.clips import CONDITIONS, DOMAINS
from asd.errors import BadInput

LIMITS = {  # field of Size: option of tools/simulate.py, lowest and highest value
    "source": ("--train SOURCE", 1, 9999),
    "target": ("--train TARGET", 0, 9999),
    "test": ("--test", 0, 2500),
    "seconds": ("--seconds", 1, 60),
    "channels": ("--channels", 1, 2),
}


@dataclass(frozen=True)
class Size:
    """How much of a machine to render; the defaults are --size small."""

    source: int = 100  # training clips of the source domain
    target: int = 10  # training clips of the target domain
    test: int = 25  # test clips of each domain and condition
    seconds: float = 6.0  # s, length of every clip
    channels: int = 2  # near and far, as in 2026; 1: near alone, as from 2023 to 2025

    def __post_init__(self) -> None:
        for name, (option, low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(f"{option}: {value} found, {low} to {high} allowed")


# tiny is for smoke tests: an autoencoder wants some 100 epochs on it, 32 test clips tell an AUC to a tenth at best
SIZES = {"tiny": Size(24, 4, 8, 4.0), "small": Size(), "challenge": Size(990, 10, 50, 10.0)}


def sized(
    name: str, train: Sequence[int] | None, test: int | None, seconds: float | None, channels: int = Size.channels
) -> Size:
    """SIZES[name] with what is given in place of its own; `train` is (source, target)."""
    size = replace(SIZES[name], channels=channels)
    source, target = train or (size.source, size.target)
    size = replace(size, source=source, target=target)
    size = size if test is None else replace(size, test=test)
    return size if seconds is None else replace(size, seconds=seconds)


@dataclass(frozen=True, repr=False)
class SimulatedClip:
    """Which clip of a machine."""

    domain: str  # source | target
    split: str  # train | test
    condition: str  # normal | anomaly
    number: int

    def __repr__(self) -> str:
        """The key of the clip's random streams: another text gives other clips."""
        return f"Clip(domain={self.domain!r}, split={self.split!r}, condition={self.condition!r}, number={self.number})"


def training_clips(size: Size) -> list[SimulatedClip]:
    counts = {"source": size.source, "target": size.target}
    return [SimulatedClip(domain, "train", "normal", i) for domain, count in counts.items() for i in range(count)]


def test_clips(size: Size) -> list[SimulatedClip]:
    return [SimulatedClip(d, "test", c, i) for d in DOMAINS for c in CONDITIONS for i in range(size.test)]
