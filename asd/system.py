"""The system: the chain front-end -> features -> detector -> calibration, fitted to one machine, scoring one clip.

It knows parts by their protocols alone. Waves come from a `read` function, so that no data set is opened here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from asd.clips import Clip
from asd.contracts import (
    TRAIL,
    Arrays,
    Calibrated,
    Calibration,
    Detector,
    Feature,
    Features,
    FittedFrontEnd,
    FrontEnd,
    Scorer,
    TrainedFrontEnd,
    Wave,
    Workplace,
)
from asd.errors import BadInput
from asd.store import Store, content, digest, fingerprint
from asd.training import machine_room, macs

Read = Callable[[Clip], Wave]


@dataclass(frozen=True)
class System:
    """A recipe: four parts and the seeds it trains by default. A system's score is the mean over its seeds."""

    frontend: FrontEnd
    features: Features
    detector: Detector
    calibration: Calibration
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

    def chosen_seeds(self, wanted: int | tuple[int, ...] | None) -> tuple[int, ...]:
        """The default seeds, the first `wanted` of them (counting on where they end), or exactly those wanted."""
        if isinstance(wanted, int):
            further = range(self.seeds[-1] + 1, self.seeds[-1] + 1 + wanted)
            return (*self.seeds, *further)[:wanted]
        return wanted or self.seeds


@dataclass(frozen=True)
class Ensemble:
    """A recipe that trains nothing: the mean of the standardised scores of all seeds of other systems."""

    members: tuple[str, ...]  # names of systems
    calibration: Calibration


@dataclass(frozen=True)
class SelectedEnsemble(Ensemble):
    """An ensemble of the `size` single seeds with the highest development Ω among its members' seeds.

    They are chosen on the development set, written to a file, and read from it for evaluation.
    """

    size: int = 10

    def choose(self, omegas: dict[tuple[str, int], float]) -> list[tuple[str, int]]:
        """Of (system, seed) -> development Ω, the best; ties go to the name and seed that come first."""
        return sorted(omegas, key=lambda member: (-omegas[member], member))[: self.size]


@dataclass(frozen=True)
class ClipScore:
    """What one clip gets: each member's standardised score and decision, their mean and what it decides."""

    members: tuple[float, ...]
    member_decisions: tuple[int, ...]
    score: float
    decision: int  # 1: anomalous


@dataclass(frozen=True)
class Member:
    """One seed of one system, fitted to one machine."""

    label: str  # the seed, or <system>-<seed> in an ensemble
    frontend: FittedFrontEnd
    features: Features
    scorer: Scorer
    calibrated: Calibrated

    @cached_property
    def train_scores(self) -> np.ndarray:
        """(N,) standardised scores of the training clips."""
        return np.array([self.calibrated(float(a)) for a in self.scorer.train_scores])


@dataclass(frozen=True)
class FittedSystem:
    """A system or ensemble fitted to one machine. Calling it scores ONE clip; it keeps nothing from one to the next."""

    members: tuple[Member, ...]
    calibration: Calibration

    @cached_property
    def train_scores(self) -> np.ndarray:
        """(N,) mean over members of the training clips' standardised scores."""
        return np.array([mean(column) for column in zip(*(m.train_scores for m in self.members), strict=True)])

    @cached_property
    def thresholds(self) -> tuple[float, ...]:
        """Each member's own decision threshold."""
        return tuple(self.calibration.threshold(member.train_scores) for member in self.members)

    @cached_property
    def threshold(self) -> float:
        return self.calibration.threshold(self.train_scores)

    def __call__(self, wave: Wave) -> ClipScore:
        features: dict[tuple[int, int], Feature] = {}  # members of one system share theirs
        raw = []
        for member in self.members:
            chain = id(member.frontend), id(member.features)
            if chain not in features:
                features[chain] = member.features(member.frontend(wave))
            raw.append(member.scorer.score(features[chain]))
        scores = tuple(member.calibrated(float(a)) for member, a in zip(self.members, raw, strict=True))
        decisions = tuple(int(a > t) for a, t in zip(scores, self.thresholds, strict=True))
        return ClipScore(scores, decisions, mean(scores), int(mean(scores) > self.threshold))

    def record(self, wave: Wave) -> dict[str, object]:
        """What run.json says of it; MACs are those of scoring this clip by all members."""
        scorers = [member.scorer for member in self.members]
        frontends = list({id(member.frontend): member.frontend for member in self.members}.values())
        return {
            "members": [member.label for member in self.members],
            "threshold": self.threshold,
            "parameters": sum(getattr(part, "n_parameters", 0) for part in (*scorers, *frontends)),
            "macs_per_clip": macs(lambda: self(wave)),
            "frontend_medians": medians(self.members[0].frontend),
            "training_seconds": round(sum(training_seconds(part) for part in (*scorers, *frontends)), 3),
        }


def medians(frontend: FittedFrontEnd) -> dict[str, float]:
    """Of each array a front-end has learnt; of a network's weights they would tell nothing."""
    if getattr(frontend, "n_parameters", 0):
        return {}
    return {name: float(np.median(array)) for name, array in frontend.arrays().items()}


def training_seconds(part: object) -> float:
    """Of a fitted part with the history of a training, (epochs, 3); 0 for one that trains nothing."""
    history = getattr(part, "history", None)
    return 0.0 if history is None else float(history[:, 2].sum())


def mean(scores: Sequence[float] | np.ndarray) -> float:
    """In float64, added in the order given."""
    total = 0.0
    for score in scores:  # not sum(): from Python 3.12 on it compensates, and gives other bits
        total += float(score)
    return total / len(scores)


@dataclass(frozen=True)
class Block(Sequence[Feature]):
    """The features of some clips, in the store under one name; read when first used. A sequence of (F, D)."""

    key: str
    store: Store

    @cached_property
    def _arrays(self) -> Arrays:
        return self.store.load("features", self.key) or _refuse()

    def __len__(self) -> int:
        return len(self._arrays["lengths"])

    def __getitem__(self, i: int) -> Feature:  # type: ignore[override]
        lengths = self._arrays["lengths"]
        if not 0 <= i < len(lengths):
            raise IndexError(i)
        end = int(np.sum(lengths[: i + 1]))
        return self._arrays["frames"][end - lengths[i] : end]


@dataclass(frozen=True)
class Chain:
    """A system on one machine: its training clips, where its work is kept, and how a clip is read."""

    system: System
    train: tuple[Clip, ...]
    is_target: np.ndarray  # (N,) bool, domain of each training clip
    store: Store
    read: Read
    device: str = "cpu"  # cpu | cuda, for training; scoring is on the CPU
    may_train: bool = True  # False: what the store lacks is an error
    clean: tuple[Clip, ...] = ()  # recordings of the machine alone or of noise alone, for front-ends that want them

    @cached_property
    def frontend_key(self) -> str:
        recipe = self.system.frontend
        further = []
        if isinstance(recipe, TrainedFrontEnd):
            further = [*map(content, recipe.files()), clips_key(self.clean), machine_room("cpu")]
        return digest("front-end", fingerprint(recipe.statistics), clips_key(self.train), *further)

    @cached_property
    def frontend(self) -> FittedFrontEnd:
        """Fitted to the training clips, once."""
        recipe = self.system.frontend
        trail = self.store.path("frontends", self.frontend_key, "")
        fit = partial(self._fit, recipe, trail) if self.may_train else _refuse
        found = self.store.once("frontends", trail.name, fit)
        for suffix in TRAIL if self.may_train else ():
            trail.with_suffix(suffix).unlink(missing_ok=True)
        return recipe.restore(found)

    def _fit(self, recipe: FrontEnd, trail: Path) -> Arrays:
        waves: Iterator[Wave] = (self.read(clip) for clip in self.train)
        if isinstance(recipe, TrainedFrontEnd):
            return recipe.fit_on(waves, (self.read(clip) for clip in self.clean), trail).arrays()
        return recipe.fit(waves).arrays()

    def feature(self, clip: Clip, wave: Wave) -> Feature:
        """(F, D). Raises BadInput for a clip too short for the detector."""
        feature, least = self.system.features(self.frontend(wave)), self.system.detector.min_frames
        if len(feature) < least:
            raise BadInput(
                f"{clip.machine}/{clip.path.name}: {wave.shape[1]} samples, {len(feature)} frames; "
                f"the detector needs at least {least} frames (was the clip cut off?)"
            )
        return feature

    def block(self, clips: Sequence[Clip]) -> Block:
        parts = fingerprint(self.system.frontend, self.system.features)
        return Block(digest(self.frontend_key, parts, clips_key(clips)), self.store)

    def scorers(self, seeds: tuple[int, ...]) -> list[Scorer]:
        """One a seed, trained now or taken from the store."""
        features: Sequence[Feature] = self.block(self.train) if self.may_train else _Untouchable()
        workplace = Workplace(self.store, self.data_key, seeds, self.device)
        return list(self.system.detector.fit(features, self.is_target, workplace))

    @cached_property
    def data_key(self) -> str:
        """Content of the training features and the domain of each clip."""
        return digest(self.block(self.train).key, self.is_target.tobytes())

    def member(self, seed: int, label: str, calibration: Calibration) -> Member:
        (scorer,) = self.scorers((seed,))
        return Member(label, self.frontend, self.system.features, scorer, calibration.fit(scorer.train_scores))

    def scores_key(self, clips: Sequence[Clip], seed: int) -> str:
        code = fingerprint(self.system.detector)
        return digest("scores", self.data_key, self.block(clips).key, code, str(seed), machine_room(self.device))

    def raw_scores(self, clips: Sequence[Clip], seed: int) -> np.ndarray:
        """(N,) the detector's own scores, computed clip by clip or taken from the store."""

        def compute() -> Arrays:
            (scorer,) = self.scorers((seed,))
            return {"scores": np.array([scorer.score(feature) for feature in (self.block(clips) if clips else ())])}

        return self.store.once("scores", self.scores_key(clips, seed), compute)["scores"]

    def done(self, clips: Sequence[Clip], seed: int) -> bool:
        """Whether this seed is trained and the clips (none: no clips) are scored."""
        return self.store.path("scores", self.scores_key(clips, seed)).exists()


class _Untouchable(Sequence[Feature]):
    """Training features for a run that may not train."""

    def __len__(self) -> int:
        _refuse()
        return 0

    def __getitem__(self, i: object) -> Feature:  # type: ignore[override]
        return _refuse()["none"]


def _refuse() -> Arrays:
    raise BadInput(
        "not trained yet with these numbers, seeds and training clips; "
        "`python run.py -d|-e SYSTEM` with the same --set and --seeds, without --test-only or --verify, trains it"
    )


def clips_key(clips: Sequence[Clip]) -> str:
    """Content of the clips in their order; names do not enter."""
    return digest(*(content(clip.path) for clip in clips))


def prepare(chains: Sequence[Chain], clips: Sequence[Clip], threads: int) -> None:
    """Put the features of one machine's `clips` into the store for every chain that lacks them, reading each clip once.

    A clip's front-ends run one after another in one thread, so that they share its STFT.
    """
    blocks = {block.key: (chain, block) for chain in chains if not stored(block := chain.block(clips))}
    missing = [chain for chain, _ in blocks.values()]
    for chain in missing:
        _ = chain.frontend  # fitted before threads ask for it

    def features_of(clip: Clip) -> list[Feature]:
        wave = missing[0].read(clip)
        return [chain.feature(clip, wave) for chain in missing]

    if missing and clips:
        with ThreadPoolExecutor(threads) as pool:
            rows = list(pool.map(features_of, clips))
        for (chain, block), features in zip(blocks.values(), zip(*rows, strict=True), strict=True):
            lengths = np.array([len(f) for f in features])
            chain.store.save("features", block.key, {"frames": np.concatenate(features), "lengths": lengths})


def stored(block: Block) -> bool:
    return block.store.path("features", block.key).exists()
