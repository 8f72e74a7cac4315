"""The runs of a report: results folders in, each with its scores, its record and the truth of its clips out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asd import evaluation, results
from asd.clips import CONDITIONS
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.programs.reading import anonymous, published_truths, read_systems, truths_of_names
from asd.score_files import SCORE, file_name, read_rows


@dataclass(frozen=True)
class Run:
    """One system's folder, its scores, and the truth of its clips; {} where it is not known."""

    folder: Path
    scores: SystemScores
    truths: evaluation.Truths

    @cached_property
    def record(self) -> Mapping[str, Mapping[str, Any]]:
        """Of run.json, by machine."""
        return results.read_run(self.folder)

    @property
    def kind(self) -> str:
        return self.folder.parent.name  # dev | eval

    @property
    def machines(self) -> list[str]:
        return list(self.scores.scores)

    def train_scores(self, machine: str) -> np.ndarray:
        """(N,)."""
        path = self.folder / "train_scores" / file_name(SCORE, machine, split="train")
        return np.array([*read_rows(path).values()])

    def scores_by_kind(self, machine: str) -> dict[tuple[str, str], np.ndarray]:
        """(domain, condition) -> scores (N,) of the test clips."""
        truth, found = self.truths[machine], dict[tuple[str, str], list[float]]()
        for clip, score in self.scores.scores[machine].items():
            key = truth[clip].domain, CONDITIONS[truth[clip].is_anomaly]
            found.setdefault(key, []).append(score)
        return {key: np.array(values) for key, values in found.items()}

    def worst(self, machine: str) -> list[tuple[str, str]]:
        """(clip, what it is): the normal with the highest score, the anomaly with the lowest."""
        scores, truth = self.scores.scores[machine], self.truths[machine]
        normal = max((c for c in scores if not truth[c].is_anomaly), key=scores.__getitem__)
        anomaly = min((c for c in scores if truth[c].is_anomaly), key=scores.__getitem__)
        alarm = self.scores.decisions[machine][normal] == 1
        miss = self.scores.decisions[machine][anomaly] == 0
        return [
            (normal, "worst false alarm" if alarm else "highest-scoring normal clip, decided normal"),
            (anomaly, "worst miss" if miss else "lowest-scoring anomaly, decided anomalous"),
        ]


def read_runs(folders: Sequence[Path], ground_truth: Path | None) -> list[Run]:
    """Raises BadInput for a folder that run.py has not written, a truth that does not fit, or other machines."""
    found = [read_run(folder, ground_truth) for given in folders for folder in systems_in(given)]
    first = found[0]
    for run in found[1:]:
        if run.scores.scores.keys() != first.scores.scores.keys() or run.kind != first.kind:
            raise BadInput(f"{run.folder}: other machines than {first.folder}; a report compares runs on the same ones")
    return found


def systems_in(folder: Path) -> list[Path]:
    """The folder itself, or the systems' folders in it: results/dev."""
    inside = sorted(path.parent for path in folder.glob("*/run.json"))
    return [folder] if (folder / "run.json").exists() or not inside else inside


def read_run(folder: Path, ground_truth: Path | None) -> Run:
    record = results.read_run(folder)
    (scores,) = read_systems([folder.resolve()])
    if lacking := [m for m in scores.scores if m not in record]:
        raise BadInput(f"{folder / 'run.json'}: nothing of {', '.join(lacking)}; run it again")
    return Run(folder.resolve(), scores, truths_of(scores, ground_truth))


def truths_of(scores: SystemScores, ground_truth: Path | None) -> evaluation.Truths:
    """From the published truth or the clips' names; {} where neither tells."""
    if ground_truth is not None:
        return published_truths(ground_truth, scores.scores)
    return {} if any(anonymous(scores)) else truths_of_names(scores)
