"""Contracts: the arrays that pass between parts, and what a part of each role must offer. Nothing here computes.

A part is a frozen dataclass of numbers (the recipe); `fit` returns a different object (the fitted part), so that
nothing half-fitted can exist. A field of a recipe takes any part whose methods are those of its annotated protocol,
with the same parameter names, wherever the part lives.

A front-end, features, an encoder or a detector that cannot do without the far channel says so: `needs_far`, a class
variable, or a property where its numbers decide, is True. What says nothing takes machines of one channel as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

Wave = np.ndarray  # (C, T) float32, one or two channels: channel 0 near, channel 1, where there is one, far
Power = np.ndarray  # (C, K, F) float32 power spectrogram, one or more channels
Feature = np.ndarray  # (F, D) float32, one clip
Arrays = dict[str, np.ndarray]  # a fitted part as the store keeps it
Record = Mapping[str, object]  # a JSON object
Lasting = Callable[[Any], Path]  # a part with `files()` -> a folder that stays; files in it name what else they need
Score = TypeVar("Score")  # a float, or many in the guard's array


# ---- front-ends and features -----------------------------------------------------------------------------------------


class FrontEnd(Protocol):
    """A front-end may also have `statistics`: the part that decides what `fit` learns; equal ones share it."""

    def fit(self, waves: Iterable[Wave]) -> FittedFrontEnd:
        """Training-normal clips only; one pass."""

    def restore(self, arrays: Arrays) -> FittedFrontEnd:
        """The fitted front-end whose `arrays()` these are."""


class FittedFrontEnd(Protocol):
    def __call__(self, wave: Wave) -> Power: ...

    def arrays(self) -> Arrays: ...


@runtime_checkable
class TrainedFrontEnd(FrontEnd, Protocol):
    """A front-end whose fit takes long enough to be resumed, and may need more than the training clips."""

    def files(self) -> tuple[Path, ...]:
        """What `fit` reads besides clips; their content is part of what it learns."""

    def fit_on(
        self, waves: Sequence[Wave], clean: Iterable[Wave], scratch: Path, device: str, lasting: Lasting
    ) -> FittedFrontEnd:
        """`clean` are recordings of the machine alone, where there are any; a wave is read each time it is asked for.
        `scratch` is a folder for work under way: the same call with the same folder resumes what was killed. What a
        part makes of a clip may stay in `lasting(part)`, for other fits with the same part.
        """

    def rehearse(self, waves: Sequence[Wave], device: str) -> tuple[FittedFrontEnd, list[Pace]]:
        """An untrained one, and what fitting to these waves would take on this machine, from some real steps."""


@runtime_checkable
class Audible(Protocol):
    """A fitted front-end that can give sound: what encoders hear, players play and exported audio holds."""

    def sound(self, wave: Wave) -> Wave:
        """(C, T) -> (1, T) the near signal with the noise taken out, or (2, T) where it keeps both microphones."""


class Features(Protocol):
    def __call__(self, power: Power) -> Feature: ...


@runtime_checkable
class Encoder(Protocol):
    """In the place of features: it hears the front-end's sound instead of seeing its power.

    Where another package than torch computes it, a class variable `packages` names it: its version is in the key too.
    """

    def files(self) -> tuple[Path, ...]:
        """What it reads besides sound (a checkpoint); their content is in the key of what it gives."""

    def embed(self, sound: Wave) -> Feature:
        """(C, T) float32 at 16 kHz -> (n, D) float32, one row or more per clip; its own resampling inside."""


AnyFeatures = Features | Encoder


# ---- detectors -------------------------------------------------------------------------------------------------------


class Scorer(Protocol):
    """A fitted detector. It may also have `train_scores` (N,), each training clip scored as if it had not been seen.

    nan: this seed has no such score of the clip, others may. Where a scorer has no `train_scores`, the detector is
    fitted again without some of the clips, and those are scored.

    Where it has `decides_domain` and that is true, it has `domain(feature)` too, True for target: whose statistics it
    holds a clip to, and `train_domains` (N,), the same of the training clips. Scores of clips that it holds to the
    target domain are then moved by how much higher such clips left out score than the others, so that one threshold
    serves both.

    It may also have `contributions(feature)` (F',), on the scale of the score: what each frame, or each vector of
    neighbouring frames, adds to a score that is their mean, or is itself where the score is a percentile over them.
    """

    def score(self, feature: Feature) -> float:
        """ONE clip. Higher is more anomalous."""


class Detector(Protocol):
    """The least that a detector offers; it trains nothing, and `fit` gives the same scorer for the same clips."""

    @property
    def min_frames(self) -> int:
        """The shortest clip it can score, in frames."""

    def fit(self, features: Sequence[Feature], is_target: np.ndarray) -> Scorer:
        """Features (F, D) of each training-normal clip, is_target (N,) its domain."""


@dataclass(frozen=True)
class Pace:
    """What one optimisation would take on this machine, from some of its real steps."""

    epochs: int
    steps: int  # of an epoch
    windows: int  # rows drawn an epoch
    epoch_seconds: float  # validation included


@dataclass(frozen=True)
class Workplace:
    """Where and for which seeds something is trained; none of it changes the numbers of the recipe."""

    seeds: tuple[int, ...]
    device: str  # cpu | cuda | cuda:1 | mps
    scratch: Path  # a folder for work under way; the same training with the same folder resumes what was killed
    noise: Sequence[Feature] = ()  # of the noise clips in supplemental/, for a trainer that hears them
    rehearsal: list[Pace] | None = None  # a list: nothing is trained, each training is measured and noted there


class Trainer(Protocol):
    """It may have `hears_noise`: where that is true, the noise clips of supplemental/ come with the workplace, and what
    is trained depends on them.
    """

    def train(self, features: Sequence[Feature], is_target: np.ndarray, workplace: Workplace) -> list[Arrays]:
        """What training makes, for each seed of `workplace.seeds`."""


class TrainedScorer(Scorer, Protocol):
    @property
    def train_scores(self) -> np.ndarray:
        """(N,) each training clip scored as if it had not been seen, where the method allows; nan: not by this seed."""

    @property
    def history(self) -> np.ndarray:
        """(epochs, 3) training loss, validation loss, seconds."""

    @property
    def n_parameters(self) -> int:
        """Trainable parameters of this seed's networks."""

    def arrays(self) -> Arrays:
        """What `fit_scorer` found, beside the trained arrays."""


@runtime_checkable
class TrainedDetector(Protocol):
    """A detector behind a training that is kept: its trained arrays are stored, and so is what scoring fits to them."""

    @property
    def min_frames(self) -> int:
        """The shortest clip it can score, in frames."""

    @property
    def trainer(self) -> Trainer:
        """The part that decides what training makes, scoring left out; detectors with equal ones share it.

        Its fields have the names of the detector's, so that a message can tell a user which number differs.
        """

    def fit_scorer(
        self, trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> TrainedScorer: ...

    def restore(self, trained: Arrays, arrays: Arrays) -> TrainedScorer:
        """The scorer whose `arrays()` these are."""


@runtime_checkable
class SharingDetector(TrainedDetector, Protocol):
    """A detector that can have its scoring fitted together with others of its class that have an equal trainer, for
    little more than its own fit costs.
    """

    @staticmethod
    def fit_scorers(
        detectors: Sequence[Any], trained: Arrays, seed: int, features: Sequence[Feature], is_target: np.ndarray
    ) -> Sequence[TrainedScorer]:
        """Of each detector, equal to what its own `fit_scorer` gives."""


@runtime_checkable
class SharingScorer(TrainedScorer, Protocol):
    """A scorer of a `SharingDetector`."""

    @staticmethod
    def scores(scorers: Sequence[Any], feature: Feature) -> Sequence[float]:
        """ONE clip's by each scorer of one training and seed, equal to what its own `score` gives."""


@runtime_checkable
class DenoisingDetector(TrainedDetector, Protocol):
    """A detector that cleans log-mels for another behind it: sound can be made of what it changes."""

    def denoiser(self, trained: Arrays) -> Callable[[Feature], Feature]:
        """Of one seed: a clip's features (F, D) -> what is added to its near log-mels (F, M) in dB."""


AnyDetector = Detector | TrainedDetector


# ---- calibration and finished scores ---------------------------------------------------------------------------------


class Calibrated(Protocol):
    def __call__(self, score: Score) -> Score:
        """The score on the scale on which members are averaged; element-wise arithmetic with constants only."""


class Calibration(Protocol):
    """Training scores are those of clips that were left out, where the method allows."""

    def fit(self, train_scores: np.ndarray) -> Calibrated: ...

    def threshold(self, train_scores: np.ndarray, is_target: np.ndarray) -> float:
        """Decision threshold on the averaged scale, from the clips' averaged scores (N,) and domains (N,)."""


@dataclass(frozen=True)
class SystemScores:
    """A system's finished scores, its decisions where there are any, and the scores of its single seeds or members."""

    name: str
    scores: Mapping[str, Mapping[str, float]]  # machine -> clip name -> score
    decisions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seeds: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)  # label -> as `scores`
    nominal: float | None = None  # share of false alarms that its thresholds aim at, where it is recorded
    quick: bool = False  # of small networks (--quick)
