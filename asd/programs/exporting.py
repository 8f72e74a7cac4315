"""Exporting: a fitted system of one machine as one file, which scores where there are neither data nor store.

    about                        JSON: names, every part's number, members, versions, the data's fingerprint, self-test
    is_target                    (N,) domain of each training clip
    <system>/frontend/*          what the front-end has learnt
    <system>/features/*          of the training clips, for a detector that trains nothing: it is fitted to them again
    <system>-<seed>/trained/*    weights     /scorer/* what scoring has found     /train_scores (N,)
    self_test/wave, <system>     a training clip (C, T) and each system's features of it

Arrays and text alone: parts are made from their numbers, by the classes of the kit and of systems/.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import systems
from asd.clips import RATE, Clip, wav_paths
from asd.contracts import Arrays, Encoder, Feature, Scorer, TrainedDetector, Wave
from asd.data import KINDS, read_wave
from asd.errors import BadInput, unlike_written
from asd.failures import is_of_memory
from asd.fingerprint import numbers
from asd.json_files import parsed_json
from asd.programs.opening import Recorded, open_recorded
from asd.programs.session import label, weights_of
from asd.programs.there import check_new
from asd.programs.versions import versions_here
from asd.shapes import misfit
from asd.store import content, read_arrays, write_arrays
from asd.system import FittedSystem, Member, Recipe, System, checked_feature

FORMAT = 1
ABOUT = "about"
ESSENTIAL = {"system": str, "machine": str, "channels": int, "n_samples": int, "recipe": dict, "trained": {...: dict}}
ESSENTIAL |= {"members": [(str, int)], "checkpoints": {...: [str]}, "versions": dict}
ESSENTIAL |= {"score": float, "threshold": float, "train_seconds?": (float, float)}
BY, REMEDY = "tools/export.py", "export it again"
# What arrays of other names, shapes or types end in; torch's are RuntimeErrors.
UNFIT = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RuntimeError)
TOLERANCE = 1e-4  # of the largest feature, and of a score's size or 1; *chosen*: other processors differ by 1e-6


# ---- writing ---------------------------------------------------------------------------------------------------------


def export_run(folder: Path, machine: str, out: Path, data: Path | None = None) -> None:
    """What results/<dev|eval>/<system> records of a machine; its first training clip, by name, is the self-test."""
    recorded = open_recorded(folder, machine)
    place = data or Path(recorded.record["data"]["folder"])
    train = place / KINDS[folder.resolve().parent.name] / "raw" / recorded.machine / "train"
    clips = wav_paths(train)
    if not clips:
        raise BadInput(f"{train}: no training clip for the self-test (have they moved? --data names their new place)")
    write_export(recorded, read_wave(Clip(clips[0], recorded.machine, "")), out)


def write_export(recorded: Recorded, wave: Wave, path: Path) -> None:
    """`wave` (C, T) is the self-test clip, one that the system was fitted to. Nothing is overwritten."""
    check_new(path)
    fitted = recorded.fitted()
    arrays = {"is_target": recorded.is_target, "self_test/wave": wave}
    for system, chain in recorded.chains.items():
        arrays |= below(f"{system}/frontend", chain.frontend.arrays())
        if not isinstance(chain.system.detector, TrainedDetector):
            arrays |= below(f"{system}/features", joined(list(chain.training_block())))
    for (system, seed), member in zip(recorded.members, fitted.members, strict=True):
        arrays |= _of_member(recorded, system, seed, member)
        arrays[f"self_test/{system}"] = _feature(member, wave)
    about = _about(recorded) | {"score": fitted(wave).score, "threshold": fitted.threshold}
    write_arrays(path, {ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays})


def _of_member(recorded: Recorded, system: str, seed: int, member: Member) -> Arrays:
    chain, place = recorded.chains[system], f"{system}-{seed}"
    arrays = {f"{place}/train_scores": member.train_scores}
    if isinstance(chain.system.detector, TrainedDetector):
        (trained,) = chain.trained((seed,))
        arrays |= below(f"{place}/trained", trained)
        arrays |= below(f"{place}/scorer", member.scorer.arrays())  # type: ignore[attr-defined]
    return arrays


def _about(recorded: Recorded) -> dict[str, Any]:
    trained = {system: chain.system for system, chain in recorded.chains.items()}
    return {
        "format": FORMAT,
        "system": recorded.name,
        "machine": recorded.machine,
        "channels": recorded.channels,
        "n_samples": recorded.n_samples,
        "train_seconds": recorded.train_seconds,
        "rate": RATE,
        "recipe": numbers(recorded.recipe),
        "trained": {system: numbers(recipe) for system, recipe in trained.items()},
        "members": list(recorded.members),
        "checkpoints": {system: [*map(content, files_of(recipe))] for system, recipe in trained.items()},
        "versions": versions_here(),
        "data": {key: recorded.record["data"][key] for key in ("train", "n_train", "n_target")},
    }


def files_of(system: System) -> tuple[Path, ...]:
    """The checkpoints that an encoder reads whenever it hears something: they are not in the file."""
    return system.features.files() if isinstance(system.features, Encoder) else ()


def _feature(member: Member, wave: Wave) -> Feature:
    return checked_feature(member.frontend, member.features, member.min_frames, wave)


def joined(features: list[Feature]) -> Arrays:
    """Clips (F, D) as one array and their lengths."""
    return {"frames": np.concatenate(features), "lengths": np.array([len(f) for f in features])}


def parted(arrays: Arrays) -> list[Feature]:
    """The other way round."""
    return np.split(arrays["frames"], np.cumsum(arrays["lengths"])[:-1])


def below(place: str, arrays: Arrays) -> Arrays:
    return {f"{place}/{name}": array for name, array in arrays.items()}


def at(place: str, arrays: Arrays) -> Arrays:
    """The arrays below a place, under their own names."""
    head = f"{place}/"
    return {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}


# ---- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exported:
    """What such a file holds."""

    path: Path
    about: Mapping[str, Any]
    arrays: Arrays

    @property
    def name(self) -> str:
        return self.about["system"]

    @property
    def machine(self) -> str:
        return self.about["machine"]

    @property
    def channels(self) -> int:
        return self.about["channels"]

    @property
    def n_samples(self) -> int:
        return self.about["n_samples"]

    @property
    def train_seconds(self) -> tuple[float, float]:
        """Of the shortest and the longest training clip; before files had them, both the first one's."""
        shortest, longest = self.about.get("train_seconds", [self.n_samples / RATE] * 2)
        return shortest, longest

    @cached_property
    def trained(self) -> dict[str, System]:
        """The systems that the members are of."""
        return {name: systems.rebuilt(name, of, str(self.path)) for name, of in self.about["trained"].items()}  # type: ignore[misc]

    def fitted(self) -> FittedSystem:
        """Raises BadInput where its arrays are not what its systems need here, or score its self-test otherwise."""
        self._check_checkpoints()
        try:
            fitted = self._restored()
            wrong = self._difference(fitted)
        except BadInput:
            raise
        except UNFIT as error:
            if is_of_memory(error):
                raise
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{repr(error).splitlines()[0]}, {Path(place.filename).name}:{place.lineno}"
            raise BadInput(
                f"{self.path}: not what its systems need here ({told}); was it built anew or edited? {self._why()}"
            ) from error
        if wrong:
            raise BadInput(f"{self.path}: {wrong}; {self._why()}")
        return fitted

    def _restored(self) -> FittedSystem:
        recipe: Recipe = systems.rebuilt(self.name, self.about["recipe"], str(self.path))
        seeds = [(system, seed) for system, seed in self.about["members"]]
        frontends = {
            name: of.frontend.restore(at(f"{name}/frontend", self.arrays)) for name, of in self.trained.items()
        }
        members = tuple(
            Member(
                label(recipe, system, seed),
                system,
                frontends[system],
                self.trained[system].features,
                self.trained[system].detector.min_frames,
                self._scorer(system, seed),
                self.arrays[f"{system}-{seed}/train_scores"],
            )
            for system, seed in seeds
        )
        weights = weights_of(recipe, [system for system, _ in seeds])
        return FittedSystem(members, recipe.calibration, weights, self.arrays["is_target"])

    def _scorer(self, system: str, seed: int) -> Scorer:
        detector, place = self.trained[system].detector, f"{system}-{seed}"
        if isinstance(detector, TrainedDetector):
            return detector.restore(at(f"{place}/trained", self.arrays), at(f"{place}/scorer", self.arrays))
        return detector.fit(parted(at(f"{system}/features", self.arrays)), self.arrays["is_target"])

    def _check_checkpoints(self) -> None:
        for system, recipe in self.trained.items():
            files, expected = files_of(recipe), self.about["checkpoints"].get(system)
            if expected is None or len(expected) != len(files):
                raise unlike_written(self.path, BY, f"checkpoints of {system}", REMEDY)
            for path in (path for path, of in zip(files, expected, strict=True) if content(path) != of):
                raise BadInput(f"{path}: another checkpoint than that of {self.path}; put it there")

    def _difference(self, fitted: FittedSystem) -> str:
        """What the self-test clip gives otherwise here, in words; "" where nothing."""
        wave = self.arrays["self_test/wave"]
        for system, member in {member.system: member for member in fitted.members}.items():
            there, here = self.arrays[f"self_test/{system}"], _feature(member, wave)
            if there.shape != here.shape or not np.abs(here - there).max() <= TOLERANCE * np.abs(there).max():
                return f"{system}'s features of its self-test clip differ here"
        for name, value in {"score": fitted(wave).score, "threshold": fitted.threshold}.items():
            expected = self.about[name]
            if not abs(value - expected) <= TOLERANCE * max(1.0, abs(expected)):
                return f"its self-test's {name} is {value:.6g}, not {expected:.6g}"
        return ""

    def _why(self) -> str:
        now = versions_here()
        there = self.about["versions"].items()
        other = [f"{name} {of}, here {now[name]}" for name, of in there if now.get(name, of) != of]
        return f"{'; '.join(other) or 'another version of the kit?'}: export it again with what is installed here"


def read_export(path: Path, machine: str = "") -> Exported:
    """Raises BadInput for a file that is damaged or not of this kit, or of another machine."""
    arrays = read_arrays(path)
    if ABOUT not in arrays:
        raise unlike_written(path, BY, f"no {ABOUT}", REMEDY)
    about = parsed_json(arrays.pop(ABOUT).tobytes(), str(path), BY, {"format": int}, REMEDY)
    if about["format"] != FORMAT:
        raise BadInput(f"{path}: format {about['format']}, {FORMAT} expected; it is of another version of the kit")
    if wrong := misfit(about, ESSENTIAL):
        raise unlike_written(path, BY, wrong, REMEDY)
    if machine and machine != about["machine"]:
        raise BadInput(f"{path}: of the machine {about['machine']}, not {machine}")
    return Exported(path, about, arrays)
