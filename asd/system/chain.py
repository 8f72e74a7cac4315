"""The chain: a system on one machine. Clips in; features, trained arrays, scorers, scores out, all kept in the store.

    clips -> front-end -> features -> training -> scorer -> scores

This is the only code that keeps what parts learn. Every stored file has a record, a mapping that names all it depends
on, and its key is the record's hash; what is missing is told by how the nearest stored record differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from asd.clips import RATE, Clip
from asd.contracts import (
    Arrays,
    Detector,
    Encoder,
    Feature,
    FittedFrontEnd,
    Record,
    Scorer,
    TrainedDetector,
    TrainedFrontEnd,
    TrainedScorer,
    Wave,
    Workplace,
)
from asd.errors import BadInput
from asd.fingerprint import canonical, code, digest, numbers
from asd.folds import left_out_scores
from asd.store import OnDemand, Store, content
from asd.system.block import Block
from asd.system.differences import OF_CLIPS, told
from asd.system.fitted import Member, checked_feature, described, domain_of
from asd.system.keys import are_copies, clips_key
from asd.system.recipe import System
from asd.training import environment, pin, stacks

Read = Callable[[Clip], Wave]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Chain:
    """A system on one machine: its training clips, where its work is kept, and how a clip is read."""

    name: str  # of the system
    system: System
    train: Sequence[Clip]
    is_target: np.ndarray  # (N,) bool, domain of each training clip
    store: Store
    read: Read
    device: str = "cpu"  # cpu | cuda | cuda:1 | mps, for training; scoring is on the CPU
    may_train: bool = True  # False: what the store lacks is an error
    clean: Sequence[Clip] = ()  # recordings of the machine alone, for front-ends that want them
    noise: Sequence[Clip] = ()  # recordings of noise alone, for trainings that hear them

    def __post_init__(self) -> None:
        """Raises BadInput where training hears noise clips and there are none, or all training clips are one."""
        if are_copies(self.train):
            raise BadInput(
                f"{self.train[0].machine}/train: all {len(self.train)} clips have the same content; recordings that "
                "differ expected (was one copied under many names, or are all digitally silent?)"
            )
        if self._hears_noise and not self.noise:
            raise BadInput(
                f"{self.train[0].machine}/supplemental: no noise clip (_noise_ in its name), but {self.name} trains on "
                "such (have they been downloaded? `--set detector.noise=OtherClips` needs none)"
            )

    @property
    def _hears_noise(self) -> bool:
        return getattr(getattr(self.system.detector, "trainer", None), "hears_noise", False)

    @property
    def heard_noise(self) -> Sequence[Clip]:
        """The noise clips that the detector's training hears beside the training clips; mostly none."""
        return self.noise if self._hears_noise else ()

    # ---- what each stored file depends on ------------------------------------------------------------------------

    @cached_property
    def frontend_record(self) -> Record:
        recipe = self.system.frontend
        learns = getattr(recipe, "statistics", recipe)
        clips = {"clips": clips_key(self.train), "reader": code(self.read)}
        record = {**clips, "frontend": numbers(learns), "frontend code": code(learns)}
        if isinstance(recipe, TrainedFrontEnd):
            files = [content(path) for path in recipe.files()]
            return {**record, "files": files, "clean": clips_key(self.clean), **environment(self.device)}
        return record

    def block(self, clips: Sequence[Clip]) -> Block:
        frontend, features = self.system.frontend, self.system.features
        record = {**self.frontend_record, "frontend": numbers(frontend), "features": numbers(features)}
        record |= {"features code": code(frontend, features, described), "of": clips_key(clips)}
        if isinstance(features, Encoder):
            packages = ("torch", *getattr(features, "packages", ()))
            record["encoder"] = [*map(content, features.files()), *map(installed, packages)]
        return Block(record, self.store)

    @cached_property
    def _training_record(self) -> Record:
        """Of what is fitted to the training features and the domain of each clip."""
        return {**self.block(self.train).record, "domains": digest(self.is_target.tobytes())}

    def weights_record(self, seed: int) -> Record:
        assert isinstance(self.system.detector, TrainedDetector)
        trainer = self.system.detector.trainer
        record = {**self._training_record, "detector": numbers(trainer), "detector code": code(trainer)}
        record |= {"noise": clips_key(self.heard_noise)} if self._hears_noise else {}
        return {**record, "seed": seed, **environment(self.device)}

    def scorer_record(self, seed: int) -> Record:
        detector = self.system.detector
        record = {"detector": numbers(detector), "detector code": code(detector)}
        if isinstance(detector, TrainedDetector):
            return {**self.weights_record(seed), **record, "training code": code(detector.trainer)}
        return {**self._training_record, **record}

    def scores_record(self, clips: Sequence[Clip], seed: int) -> Record:
        return {**self.scorer_record(seed), "of": clips_key(clips), "scores code": code(domain_of)}

    def made_by(self, seed: int) -> str:
        """Hash of what scores depend on besides clips, versions and device: numbers, code, files, the seed."""
        record = self.scores_record((), seed)
        left_out = {*OF_CLIPS, *environment(self.device)}
        return digest(canonical({name: value for name, value in record.items() if name not in left_out}))

    @property
    def training_key(self) -> str:
        """Systems with the same one share a training, whatever its seeds; empty where nothing is trained."""
        if not isinstance(self.system.detector, TrainedDetector):
            return ""
        return digest(canonical({**self.weights_record(0), "seed": None}))

    # ---- front-end and features ----------------------------------------------------------------------------------

    @cached_property
    def frontend(self) -> FittedFrontEnd:
        """Fitted to the training clips, once."""
        found = self.store.load("frontends", self.frontend_record)
        if found is None:
            self._check_may_train("frontends", self.frontend_record, "front-end")
            found = self._fit_frontend()
        return self.system.frontend.restore(found)

    @property
    def has_frontend(self) -> bool:
        """Whether the store has what the front-end learns."""
        return self.store.has("frontends", self.frontend_record)

    def _fit_frontend(self) -> Arrays:
        recipe, record = self.system.frontend, self.frontend_record
        waves, clean = self.waves(self.train), self.waves(self.clean)
        with self.store.scratch("frontends", record) as scratch:
            if made := self.store.load("frontends", record):  # by another run, meanwhile
                return made
            if isinstance(recipe, TrainedFrontEnd):
                found = recipe.fit_on(waves, clean, scratch, self.device, self._lasting).arrays()
            else:
                found = recipe.fit(waves).arrays()
            self.store.save("frontends", record, found)
        return found

    def waves(self, clips: Sequence[Clip]) -> Sequence[Wave]:
        return OnDemand(len(clips), lambda i: self.read(clips[i]))

    def _lasting(self, part: Any) -> Path:
        """Where what `part` makes of clips stays, a large network's output say: for every front-end with that part."""
        files = [content(path) for path in part.files()]
        record = {"part": numbers(part), "code": code(part), "files": files, **environment("cpu")}
        return self.store.folder("targets", record)

    def feature(self, clip: Clip, wave: Wave) -> Feature:
        """(F, D). Raises BadInput for a clip too short for the detector."""
        try:
            return checked_feature(self.frontend, self.system.features, self.system.detector.min_frames, wave)
        except BadInput as error:
            where = f"{clip.machine}/{clip.path.name}: {wave.shape[1] / RATE:g} s"
            raise BadInput(f"{where}, {error}") from error

    # ---- detector ------------------------------------------------------------------------------------------------

    def trained(self, seeds: tuple[int, ...]) -> list[Arrays]:
        """What training makes for each seed, made now where the store lacks it: on a GPU in one stack."""
        missing = [seed for seed in seeds if not self.is_trained(seed)]
        for stack in [missing] if stacks(self.device) and missing else [[seed] for seed in missing]:
            self._train(tuple(stack))
        found = (self.store.load("weights", self.weights_record(seed)) for seed in seeds)
        return [arrays for arrays in found if arrays is not None]

    def _train(self, seeds: tuple[int, ...]) -> None:
        self._check_may_train("weights", self.weights_record(seeds[0]), f"seed {seeds[0]}")
        assert isinstance(self.system.detector, TrainedDetector)
        with self.store.scratch("weights", {**self.weights_record(seeds[0]), "seed": list(seeds)}) as scratch:
            if all(self.is_trained(seed) for seed in seeds):  # by another run, meanwhile
                return
            place = Workplace(seeds, self.device, scratch, self.block(self.heard_noise) if self.heard_noise else ())
            made = self.system.detector.trainer.train(self.block(self.train), self.is_target, place)
            for seed, arrays in zip(seeds, made, strict=True):
                self.store.save("weights", self.weights_record(seed), arrays)

    def scorer(self, seed: int) -> Scorer:
        """Fitted now, or restored from the store; one that trains nothing is fitted each time."""
        pin(self.device)
        detector = self.system.detector
        if not isinstance(detector, TrainedDetector):
            return self._untrained_scorer
        (trained,) = self.trained((seed,))
        record = self.scorer_record(seed)
        found = self.store.load("scorers", record)
        if found is None:
            self._check_may_train("scorers", record, f"scoring of seed {seed}")
            found = self.keep_scorer(seed, detector.fit_scorer(trained, seed, self.block(self.train), self.is_target))
        return detector.restore(trained, found)

    def has_scorer(self, seed: int) -> bool:
        return self.store.has("scorers", self.scorer_record(seed))

    def keep_scorer(self, seed: int, scorer: TrainedScorer) -> Arrays:
        """The arrays of a scorer fitted to the training clips, now in the store."""
        found = scorer.arrays()
        self.store.save("scorers", self.scorer_record(seed), found)
        return found

    @cached_property
    def _untrained_scorer(self) -> Scorer:
        return self._fit_untrained(lambda detector, features: detector.fit(features, self.is_target))

    def _fit_untrained(self, use: Callable[[Detector, Sequence[Feature]], Made]) -> Made:
        """`use` of a detector that trains nothing; what its own code refuses is told with its name."""
        detector = self.system.detector
        assert not isinstance(detector, TrainedDetector)
        try:
            return use(detector, self.training_block())
        except BadInput:
            raise
        except ValueError as error:
            raise BadInput(f"{self.train[0].machine}: {type(detector).__name__} of {self.name}: {error}") from error

    def training_block(self) -> Block:
        block = self.block(self.train)
        if not block.is_stored:
            self._refuse("features", block.record, "feature block of the training clips")
        return block

    def train_scores(self, scorer: Scorer) -> np.ndarray:
        """(N,) the detector's score of each training clip, as if it had not been seen."""
        known = getattr(scorer, "train_scores", None)
        if known is not None:
            return known

        def compute() -> Arrays:
            return {"scores": self._fit_untrained(lambda d, features: left_out_scores(d, features, self.is_target))}

        record = {**self.scorer_record(0), "folds code": code(left_out_scores)}
        return self.store.once("scorers", record, compute)["scores"]

    def member(self, seed: int, label: str, system: str) -> Member:
        """`system` is the name under which an ensemble knows it."""
        scorer = self.scorer(seed)
        least = self.system.detector.min_frames
        return Member(label, system, self.frontend, self.system.features, least, scorer, self.train_scores(scorer))

    # ---- scores --------------------------------------------------------------------------------------------------

    def raw_scores(self, clips: Sequence[Clip], seed: int) -> np.ndarray:
        """(N,) the detector's own scores, computed clip by clip or taken from the store."""
        return self._scored(clips, seed)["scores"]

    def domains(self, clips: Sequence[Clip], seed: int) -> np.ndarray:
        """(N,) 1.0 where the detector holds a clip to the target domain, else 0.0."""
        return self._scored(clips, seed)["domains"]

    def _scored(self, clips: Sequence[Clip], seed: int) -> Arrays:
        found = self.store.load("scores", self.scores_record(clips, seed))
        if found is None:
            scorer, features = self.scorer(seed), self.block(clips) if clips else ()
            scores = [scorer.score(feature) for feature in features]
            found = self.keep_scores(clips, seed, scores, [domain_of(scorer, feature) for feature in features])
        return found

    def keep_scores(
        self, clips: Sequence[Clip], seed: int, scores: Sequence[float], domains: Sequence[float]
    ) -> Arrays:
        """The scores of the clips and the domain that each is held to, now in the store."""
        found = {"scores": np.array(scores), "domains": np.array(domains)}
        self.store.save("scores", self.scores_record(clips, seed), found)
        return found

    def is_trained(self, seed: int) -> bool:
        return self.store.has("weights", self.weights_record(seed))

    def is_done(self, clips: Sequence[Clip], seed: int) -> bool:
        """Whether this seed is trained and the clips (none: no clips) are scored."""
        return self.store.has("scores", self.scores_record(clips, seed))

    # ---- what is missing -----------------------------------------------------------------------------------------

    def _check_may_train(self, kind: str, record: Record, what: str) -> None:
        if not self.may_train:
            self._refuse(kind, record, what)

    def _refuse(self, kind: str, record: Record, what: str) -> NoReturn:
        raise BadInput(
            f"{self.train[0].machine}: {what} of {self.name} is not in {self.store.root}: "
            f"{told(self.store.differences(kind, record))}; "
            f"`python run.py -d|-e {self.name}`, without --test-only or --verify, makes it"
        )


def installed(package: str) -> str:
    """Its version; empty where it is missing, which is told where it is used."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
