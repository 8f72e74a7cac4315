"""The runs of a report: results folders in, each with its scores, its record and the truth of its clips out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asd import evaluation, results
from asd.clips import CONDITIONS, DOMAINS, Clip, ClipName, wav_paths
from asd.contracts import SystemScores
from asd.data import KINDS
from asd.errors import BadInput
from asd.programs.reading import anonymous, published_truths, read_systems, truths_of_names
from asd.programs.there import systems_in
from asd.score_files import SCORE, file_name, read_rows
from asd.system.keys import clips_key
from asd.tables import counted
from asd.truth_list import FILE_NAME

SETS = {"dev": "development set", "eval": "evaluation set"}
FEW = 10  # clips of a domain and condition, below which the page warns
LISTED = 10  # most anomalous clips of a machine


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

    def train_scores(self, machine: str) -> dict[str, float]:
        return read_rows(self.folder / "train_scores" / file_name(SCORE, machine, split="train"))

    def scores_by_kind(self, machine: str) -> dict[tuple[str, str], np.ndarray]:
        """(domain, condition) -> scores (N,) of the test clips."""
        truth, found = self.truths[machine], dict[tuple[str, str], list[float]]()
        for clip, score in self.scores.scores[machine].items():
            key = truth[clip].domain, CONDITIONS[truth[clip].is_anomaly]
            found.setdefault(key, []).append(score)
        return {key: np.array(values) for key, values in found.items()}

    def worst(self, machine: str) -> list[tuple[str, str]]:
        """(clip, what it is): the normal with the highest score, the anomaly with the lowest, as far as there are."""
        scores, truth, found = self.scores.scores[machine], self.truths[machine], list[tuple[str, str]]()
        decided = self.scores.decisions[machine]
        if normals := [clip for clip in scores if not truth[clip].is_anomaly]:
            clip = max(normals, key=scores.__getitem__)
            found.append(
                (clip, "Worst false alarm" if decided[clip] else "Highest-scoring normal clip, decided normal")
            )
        if anomalies := [clip for clip in scores if truth[clip].is_anomaly]:
            clip = min(anomalies, key=scores.__getitem__)
            found.append((clip, "Lowest-scoring anomaly, decided anomalous" if decided[clip] else "Worst miss"))
        return found

    def domains(self, machine: str) -> list[str]:
        """Of the test clips whose truth is known."""
        there = {t.domain for t in self.truths.get(machine, {}).values()}
        return [domain for domain in DOMAINS if domain in there]

    def most_anomalous(self, machine: str) -> list[str]:
        """The first LISTED clips by score."""
        scores = self.scores.scores[machine]
        return sorted(scores, key=lambda clip: (-scores[clip], clip))[:LISTED]

    def few(self, machine: str) -> list[str]:
        """Each domain and condition with fewer than FEW clips; of training clips those that have a left-out score."""
        train = Counter(ClipName.parse(name).domain for name in self.train_scores(machine))
        domains = self.domains(machine) or DOMAINS
        counts = {(d, "training score"): train[d] for d in domains}
        test = Counter((t.domain, CONDITIONS[t.is_anomaly]) for t in self.truths.get(machine, {}).values())
        if test:
            counts |= {(d, f"{c} test clip"): test[d, c] for d in domains for c in CONDITIONS}
        return [f"{counted(n, what)} of the {domain} domain" for (domain, what), n in counts.items() if n < FEW]


@dataclass(frozen=True)
class Group:
    """The runs on one set's machines: development or evaluation."""

    runs: Sequence[Run]

    @property
    def title(self) -> str:
        return SETS.get(self.runs[0].kind, self.runs[0].kind)

    @property
    def truths(self) -> evaluation.Truths:
        return self.runs[0].truths

    @cached_property
    def whole(self) -> evaluation.Truths:
        """Of the machines that the challenge's metric is defined for."""
        return evaluation.divided(self.truths)[0]

    @cached_property
    def partial(self) -> evaluation.Truths:
        """Of the others: test clips of one domain or condition."""
        return evaluation.divided(self.truths)[1]

    @property
    def machines(self) -> list[str]:
        return self.runs[0].machines

    @property
    def entries(self) -> list[SystemScores]:
        return [run.scores for run in self.runs]


def read_runs(folders: Sequence[Path], ground_truth: Path | None, data_folder: Path | None = None) -> list[Group]:
    """`data_folder`: where clips have moved; the truth of imported or simulated ones lies there.

    Raises BadInput for a folder that run.py has not written, a truth that does not fit, or other machines.
    """
    found = [read_run(folder, ground_truth, data_folder) for given in folders for folder in systems_in(given)]
    groups = [Group([run for run in found if run.kind == kind]) for kind in sorted({run.kind for run in found})]
    for group in groups:
        first = group.runs[0]
        for run in group.runs[1:]:
            if set(run.machines) != set(first.machines):
                raise BadInput(
                    f"{run.folder}: other machines than {first.folder}; a report compares runs on the same ones"
                )
            if run.scores.name == first.scores.name:
                raise BadInput(f"{run.folder}: given twice, or a second system named {run.scores.name}")
    return groups


def read_run(folder: Path, ground_truth: Path | None, data_folder: Path | None) -> Run:
    record = results.read_run(folder)
    (scores,) = read_systems([folder.resolve()])
    if lacking := [m for m in scores.scores if m not in record]:
        raise BadInput(f"{folder / 'run.json'}: nothing of {', '.join(lacking)}; run it again")
    beside = {m: truth_beside(data_of(record[m], data_folder), m, record[m]["data"]["test"]) for m in scores.scores}
    return Run(folder.resolve(), scores, truths_of(scores, ground_truth, beside if all(beside.values()) else {}))


def data_of(record: Mapping[str, Any], data_folder: Path | None) -> Path:
    """Where a machine's clips lie: `data_folder`, or what its record says; no such folder where it says nothing."""
    return data_folder or Path(record["data"].get("folder", "/absent"))


def truths_of(scores: SystemScores, ground_truth: Path | None, beside: evaluation.Truths) -> evaluation.Truths:
    """From the clips' names, the published truth, or what lies beside the clips; {} where none of them tells."""
    if not any(anonymous(scores)):
        return truths_of_names(scores)
    return beside if ground_truth is None else published_truths(ground_truth, scores.scores)


def truth_beside(data_folder: Path, machine: str, key: str) -> dict[str, evaluation.Truth]:
    """Of an imported or simulated machine, whose truth lies in its data folder; {} where none does.

    `key` is of the test clips that were scored: anonymous names are alike, so others would get a wrong truth.
    """
    folder = data_folder / KINDS["eval"]
    if not (folder / FILE_NAME).is_file():
        return {}
    clips = [Clip(path, machine, "") for path in wav_paths(folder / "raw" / machine / "test")]
    return evaluation.read_truth(folder / FILE_NAME).get(machine, {}) if clips_key(clips) == key else {}
