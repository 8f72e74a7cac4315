"""The words every room shares: a clip, its name, the arrays that pass between parts, and the parts' contracts.

Nothing here computes. A part is a frozen dataclass of numbers (the recipe); `fit` returns a different object
(the fitted part), so that nothing half-fitted can exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from asd.store import Store

Wave = np.ndarray  # (2, T) float32, channel 0 near, channel 1 far
Power = np.ndarray  # (C, K, F) float32 power spectrogram, one or more channels
Feature = np.ndarray  # (F, D) float32, one clip
Arrays = dict[str, np.ndarray]  # a fitted part as the store keeps it


@dataclass(frozen=True)
class SystemScores:
    """A system's finished scores, its decisions where there are any, and the scores of its single seeds or members."""

    name: str
    scores: Mapping[str, Mapping[str, float]]  # machine -> clip name -> score
    decisions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seeds: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)  # label -> as `scores`


@dataclass(frozen=True)
class Workplace:
    """Where and for which seeds a detector is fitted; none of it changes the numbers of the recipe."""

    store: Store
    data_key: str  # content hash of the training features: clips, front-end, features
    seeds: tuple[int, ...]
    device: str  # cpu | cuda


class FrontEnd(Protocol):
    @property
    def statistics(self) -> object:
        """The part that decides what `fit` learns; front-ends with equal ones share it."""

    def fit(self, waves: Iterable[Wave]) -> FittedFrontEnd:
        """Training-normal clips only; one pass."""

    def restore(self, arrays: Arrays) -> FittedFrontEnd:
        """The fitted front-end whose `arrays()` these are."""


@runtime_checkable
class TrainedFrontEnd(FrontEnd, Protocol):
    """A front-end whose fit takes long enough to be resumed, and may need more than the training clips."""

    def files(self) -> tuple[Path, ...]:
        """What `fit` reads besides clips; their content is part of what it learns."""

    def fit_on(self, waves: Iterable[Wave], clean: Iterable[Wave], trail: Path) -> FittedFrontEnd:
        """`clean` are recordings of the machine alone, where there are any; the same call with the same `trail`
        resumes what was killed. The caller deletes `trail` with its suffixes TRAIL once the result is safe.
        """


TRAIL = (".checkpoint", ".csv", ".lesson")  # files a training under way may keep


class FittedFrontEnd(Protocol):
    def __call__(self, wave: Wave) -> Power: ...

    def arrays(self) -> Arrays: ...


class Features(Protocol):
    def __call__(self, power: Power) -> Feature: ...


class Scorer(Protocol):
    @property
    def train_scores(self) -> np.ndarray:
        """(N,) each training clip scored as if it had not been seen, where the method allows."""

    @property
    def history(self) -> np.ndarray:
        """(epochs, 3) training loss, validation loss, seconds; (0, 3) where nothing was optimised."""

    @property
    def n_parameters(self) -> int:
        """Trainable parameters of this seed's networks."""

    def score(self, feature: Feature) -> float:
        """ONE clip. Higher is more anomalous."""


class Detector(Protocol):
    @property
    def min_frames(self) -> int:
        """The shortest clip it can score, in frames."""

    def fit(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> Sequence[Scorer]:
        """One scorer a seed, in the order of `workplace.seeds`; what is learnt lies in the store afterwards.

        The features are touched only where the store lacks something: a fitted detector is restored by `fit` too.
        """

    def training_key(self, data_key: str) -> str:
        """Name of the training behind the scores: detectors with the same key share it."""


Score = TypeVar("Score")  # a float, or many in the guard's array


class Calibrated(Protocol):
    def __call__(self, score: Score) -> Score:
        """The score on the scale on which members are averaged; element-wise arithmetic with constants only."""


class Calibration(Protocol):
    def fit(self, train_scores: np.ndarray) -> Calibrated: ...

    def threshold(self, train_scores: np.ndarray) -> float:
        """Decision threshold on the averaged scale, from the training clips' averaged scores (N,)."""


Record = Mapping[str, object]  # a JSON object
