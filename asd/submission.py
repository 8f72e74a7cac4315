"""Submission files: scores and decisions by clip name in, the challenge's CSV files out, and back.

    anomaly_score_<machine>_section_00_test.csv      section_00_0000.wav,<finite float>
    decision_result_<machine>_section_00_test.csv    section_00_0000.wav,<0 or 1>
No header, one row a clip, sorted by name. A float is written so that it reads back to the same bits.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from asd.store import write_json, write_text
from asd.vocabulary import BadInput, Record

SCORE, DECISION = "anomaly_score", "decision_result"


def file_name(kind: str, machine: str, section: str = "00", split: str = "test") -> str:
    """`kind` is SCORE or DECISION.

    >>> file_name(SCORE, "fan")
    'anomaly_score_fan_section_00_test.csv'
    """
    return f"{kind}_{machine}_section_{section}_{split}.csv"


def write_scores(path: Path, scores: Mapping[str, float]) -> None:
    for name, score in scores.items():
        if not math.isfinite(score):
            raise BadInput(
                f"{path.name}: the score of {name} is {score}; nothing was written (is the clip silent or broken?)"
            )
    write_text(path, "".join(f"{name},{float(scores[name])!r}\n" for name in sorted(scores)))


def write_decisions(path: Path, decisions: Mapping[str, int]) -> None:
    write_text(path, "".join(f"{name},{int(decisions[name])}\n" for name in sorted(decisions)))


def read_rows(path: Path) -> dict[str, float]:
    """Clip name -> value of a score or decision file. Raises BadInput at file:line for anything else."""
    values: dict[str, float] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.reader(file), start=1):
            if len(row) != 2 or not _is_number(row[1]):
                raise BadInput(
                    f"{path}:{line}: {','.join(row)!r}, expected `<clip>.wav,<finite number>` without a header"
                )
            if row[0] in values:
                raise BadInput(f"{path}:{line}: {row[0]} stands twice")
            values[row[0]] = float(row[1])
    return values


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class ResultFolder:
    """results/<dev|eval>/<system>/: the challenge's files, the same by seed, the numbers, the record of the run."""

    folder: Path

    def begin(self, resolved: object) -> list[str]:
        """Write system.yaml. Results of other numbers are removed, so that two never mix; returns their names."""
        text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
        path, stale = self.folder / "system.yaml", []
        if path.exists() and path.read_text(encoding="utf-8") != text:
            stale = sorted(p.name for p in self.folder.iterdir())
            shutil.rmtree(self.folder)
        write_text(path, text)
        return stale

    def write(self, machine: str, section: str, scored: Scored) -> None:
        """A machine's scores, decisions and training scores."""
        self._write_one(self.folder, machine, section, scored)

    def write_seed(self, seed: int, machine: str, section: str, scored: Scored, history: np.ndarray) -> None:
        folder = self.folder / "seeds" / str(seed)
        self._write_one(folder, machine, section, scored)
        lines = [f"{i},{a!r},{b!r},{s:.3f}" for i, (a, b, s) in enumerate(history.tolist(), start=1)]
        write_text(
            folder / f"training_{machine}.csv",
            "\n".join(["epoch,training_loss,validation_loss,seconds", *lines]) + "\n",
        )

    def _write_one(self, folder: Path, machine: str, section: str, scored: Scored) -> None:
        write_scores(folder / "train_scores" / file_name(SCORE, machine, section, "train"), scored.train_scores)
        if scored.scores:
            write_scores(folder / file_name(SCORE, machine, section), scored.scores)
            write_decisions(folder / file_name(DECISION, machine, section), scored.decisions)

    def record(self, run: Record, machine: str, of_machine: Record) -> None:
        """Put a machine into run.json beside those that are there."""
        path = self.folder / "run.json"
        machines = json.loads(path.read_text(encoding="utf-8"))["machines"] if path.exists() else {}
        write_json(path, {**run, "machines": {**machines, machine: of_machine}})

    def scores(self, machine: str, section: str) -> dict[str, float]:
        return read_rows(self.folder / file_name(SCORE, machine, section))

    def decisions(self, machine: str, section: str) -> dict[str, int]:
        return {
            name: int(value) for name, value in read_rows(self.folder / file_name(DECISION, machine, section)).items()
        }


@dataclass(frozen=True)
class Scored:
    """What one machine's files hold, by clip name."""

    scores: Mapping[str, float]
    decisions: Mapping[str, int]
    train_scores: Mapping[str, float]
