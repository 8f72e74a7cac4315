"""A system's results folder: of one set of numbers and one run at a time, written whole, compared byte by byte.

results/<dev|eval>/<system>/: the challenge's files, the same by seed, the numbers (system.yaml), the run (run.json)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml

from asd.contracts import Record
from asd.errors import BadInput, unlike_written
from asd.fingerprint import canonical, digest
from asd.json_files import read_json
from asd.locks import Claimed, claimed, locked
from asd.score_files import DECISION, SCORE, decision_text, file_name, read_decisions, read_rows, score_text
from asd.shapes import misfit
from asd.store import flattened, write_json, write_text
from asd.yaml_files import read_yaml

BY, REMEDY = "run.py", "delete it, then run again"
# Of system.yaml: where it was deleted, results of other numbers would stay beside new ones.
ANEW = "run the system again"
LOCK, CLAIM = ".lock", ".claim"
# Kept by a clean-up; system.yaml changes last: one that was killed begins again.
KEPT = ("system.yaml", "selected.json", LOCK, CLAIM)


def first_difference(found: str, expected: str) -> str:
    """`:line: found ..., re-derived ...` of the first line that differs."""
    pairs = zip_longest(found.splitlines(keepends=True), expected.splitlines(keepends=True), fillvalue="")
    line, (a, b) = next((i, pair) for i, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    return (
        f":{line}: {a!r} in the file, {b!r} re-derived from the clip alone (edited since, or does it depend on more?)"
    )


def are_other_clips(there: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Test clips that one of the two has not got yet are no others."""
    test = there["test"] != now["test"] and there["n_test"] > 0 < now["n_test"]
    return there["train"] != now["train"] or test


def told_differences(there: Mapping[str, object], now: Mapping[str, object]) -> str:
    names = [name for name in dict.fromkeys([*there, *now]) if there.get(name) != now.get(name)]
    told = [f"{name} {there.get(name)}, here {now.get(name)}" for name in names[:3]]
    return "; ".join([*told, *(["..."] if len(names) > 3 else [])])


CLIPS = {"train": str, "n_train": int, "test": str, "n_test": int}  # and what earlier versions of the kit had not:
CLIPS |= {"folder?": str, "channels?": int, "n_target?": int}
CLIPS |= {"clean?": str, "n_clean?": int, "noise?": str, "n_noise?": int}
RECORD = {"members": [str], "parameters": int, "macs_per_clip": int, "training_seconds": float, "threshold": float}
RECORD |= {"data": CLIPS, "clip_seconds?": float, "train_seconds?": (float, float)}
RECORD |= {"section?": str, "made_by?": str, "numbers?": str, "files?": str}
RUN = {"machines": {...: RECORD}, "device?": str}  # run.json


def read_run(folder: Path) -> dict[str, dict[str, Any]]:
    """Machine -> its record in run.json. Raises BadInput where that is missing or not what run.py writes."""
    return read_record(folder)["machines"]


def read_record(folder: Path) -> dict[str, Any]:
    """The whole of run.json, its machines checked."""
    path = folder / "run.json"
    if not path.exists():
        raise BadInput(f"{path}: no such file; `python run.py -d|-e {folder.name}` writes results/<dev|eval>/<system>")
    run = read_json(path, BY, RUN, REMEDY)
    if not run["machines"]:
        raise unlike_written(path, BY, "no machine", REMEDY)
    return run


NUMBERS = {"system": str, "members": {...: (str, int)}, "trained": {...: dict}, "recipe?": dict, "quick?": bool}


def read_numbers(folder: Path) -> dict[str, Any]:
    """What system.yaml holds. Raises BadInput where it is missing or not what run.py writes."""
    path = folder / "system.yaml"
    recorded = read_yaml(path)
    if wrong := misfit(recorded, NUMBERS):
        raise unlike_written(path, BY, wrong, ANEW)
    return recorded


def yaml_text(resolved: object) -> str:
    return yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)


@dataclass(frozen=True)
class ResultFolder:
    """results/<dev|eval>/<system>/: the challenge's files, the same by seed, the numbers, the record of the run.

    A run claims the numbers before it works, and locks the folder while it writes, proves and evaluates.
    """

    folder: Path

    def locked(self) -> AbstractContextManager[None]:
        """The folder is this run's alone; another one waits."""
        return locked(self.folder / LOCK)

    @contextmanager
    def claimed(self, numbers: Mapping) -> Iterator[None]:
        """While it lasts, no run of other numbers can begin here. Raises BadInput where one is under way."""
        try:
            with claimed(self.folder / CLAIM, canonical(numbers)):
                yield
        except Claimed as error:
            other = told_differences(flattened(json.loads(error.content)), flattened(numbers))
            raise BadInput(
                f"{self.folder}: {error.holder}, makes results of other numbers here ({other}); give another "
                "--results, or wait for its end"
            ) from error

    def begin(self, resolved: object, data: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> str:
        """Write system.yaml; `data`: machine -> what its record will say of its clips. What gives way, in words.

        Results of other numbers or members are removed, so that two never mix. Raises BadInput for other clips.
        """
        text, path = yaml_text(resolved), self.folder / "system.yaml"
        self.folder.mkdir(parents=True, exist_ok=True)
        stale = path.exists() and not self.is_of(resolved)
        gone = self._gone() if stale else ""
        replaced = "" if stale else self.replaced(data)
        for old in self.folder.iterdir() if stale else ():
            if old.name not in KEPT:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        write_text(path, text)
        return gone or replaced

    def _gone(self) -> str:
        try:
            of = ", ".join(self._machines())
        except BadInput:  # a damaged run.json goes with them
            of = ""
        what = "results of other numbers, seeds or members removed" + (f" ({of})" if of else "")
        return f"{what}; the store keeps what was trained"

    def replaced(self, data: Mapping[str, Mapping[str, Any]]) -> str:
        """Which rows are of other clips than these and give way, in words.

        Raises BadInput where they are of another data folder, and rows of other machines would stay beside new ones.
        """
        there = {machine: record["data"] for machine, record in self._machines().items()}
        other = [m for m, now in data.items() if m in there and are_other_clips(there[m], now)]
        places = {of["folder"] for of in data.values()}
        stay = sorted(m for m in there.keys() - data.keys() if places and there[m].get("folder") not in places)
        same = there.keys() & data.keys() - set(other)  # where the same clips have moved, all have
        if stay and not same:
            raise BadInput(
                f"{self.folder}: the rows of {', '.join(stay)} are of {there[stay[0]].get('folder')}, not of "
                f"{', '.join(sorted(places))}, and would stay beside new ones; give another --results, run all of "
                f"these machines, or delete the old ones first: rm -r {self.folder}"
            )
        return f"rows of other clips replaced: {', '.join(other)}" if other else ""

    def is_of(self, resolved: object) -> bool:
        """Whether results of these numbers and members lie here."""
        path = self.folder / "system.yaml"
        return path.exists() and path.read_bytes() == yaml_text(resolved).encode()

    def check(self, resolved: object) -> None:
        """Raises BadInput unless the results that lie here are of these numbers and members."""
        path = self.folder / "system.yaml"
        if not self.is_of(resolved):
            what = "are of other numbers, seeds or members" if path.exists() else "are not there"
            raise BadInput(
                f"{path}: the results {what}; give the same systems, --seeds and --set as when they were written"
            )

    def write(self, member: str, machine: str, section: str, scored: Scored) -> None:
        """A machine's scores, decisions and training scores; of the whole system (member "") or of one member."""
        for path, text in self._texts(member, machine, section, scored).items():
            write_text(path, text)

    def compare(self, member: str, machine: str, section: str, scored: Scored) -> None:
        """Raises BadInput at the first line where a file differs from what `write` would write."""
        for path, text in self._texts(member, machine, section, scored).items():
            found = path.read_bytes().decode("utf-8", errors="replace") if path.exists() else ""
            if found != text:
                raise BadInput(f"{path}{first_difference(found, text)}")

    def _texts(self, member: str, machine: str, section: str, scored: Scored) -> dict[Path, str]:
        folder = self.folder / "seeds" / member if member else self.folder
        train = folder / "train_scores" / file_name(SCORE, machine, section, "train")
        texts = {train: score_text(train, scored.train_scores)}
        if scored.scores:
            path = folder / file_name(SCORE, machine, section)
            texts[path] = score_text(path, scored.scores)
            texts[folder / file_name(DECISION, machine, section)] = decision_text(scored.decisions)
        return texts

    def write_history(self, member: str, machine: str, history: np.ndarray) -> None:
        """A member's losses per epoch, (epochs, 3)."""
        lines = [f"{i},{a!r},{b!r},{s:.3f}" for i, (a, b, s) in enumerate(history.tolist(), start=1)]
        text = "\n".join(["epoch,training_loss,validation_loss,seconds", *lines]) + "\n"
        write_text(self.folder / "seeds" / member / f"training_{machine}.csv", text)

    def record(self, run: Record, machine: str, of_machine: Record) -> None:
        """Put a machine's record into run.json; those of other machines stay."""
        write_json(self.folder / "run.json", {**run, "machines": {**self._machines(), machine: of_machine}})

    def unproven(self, machine: str) -> None:
        """Call it before a machine's files are rewritten: a proof of the old ones no longer counts."""
        if machine in self._machines():
            self.mark(machine, {"verified": False})

    def recorded(self, machine: str) -> Mapping[str, Any]:
        """What run.json says of a machine; {} where it says nothing."""
        return self._machines().get(machine, {})

    def mark(self, machine: str, entries: Record) -> None:
        """Set entries of a machine in run.json."""
        path = self.folder / "run.json"
        if not path.exists():
            raise BadInput(f"{path}: no such file; nothing has been written for this system yet")
        run = read_record(self.folder)
        if machine not in run["machines"]:
            raise BadInput(f"{path}: nothing of {machine}; was it edited? run again")
        run["machines"][machine] |= entries
        write_json(path, run)

    def _machines(self) -> dict[str, dict]:
        path = self.folder / "run.json"
        return read_run(self.folder) if path.exists() else {}

    def numbers(self) -> str:
        """Hash of system.yaml."""
        return digest((self.folder / "system.yaml").read_bytes())

    def proof(self, machine: str, section: str) -> str:
        """Content of the machine's two submitted files: what a proof is of."""
        files = (self.folder / file_name(kind, machine, section) for kind in (SCORE, DECISION))
        return digest(*(path.read_bytes() if path.exists() else b"" for path in files))

    def scores(self, machine: str, section: str) -> dict[str, float]:
        return read_rows(self.folder / file_name(SCORE, machine, section))

    def decisions(self, machine: str, section: str) -> dict[str, int]:
        return read_decisions(self.folder / file_name(DECISION, machine, section))


@dataclass(frozen=True)
class Scored:
    """What one machine's files hold, by clip name."""

    scores: Mapping[str, float]
    decisions: Mapping[str, int]
    train_scores: Mapping[str, float]
