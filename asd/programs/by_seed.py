"""By seed: results folders of the development set in; terms of Ω per machine, of ensemble and single seeds, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from asd import evaluation
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.results import part_of, read_folder, read_run
from asd.system import mean

Terms = tuple[float, float, float]  # AUC_source, AUC_target, pAUC of one machine


@dataclass(frozen=True)
class Run:
    """One system's development results."""

    scores: SystemScores
    record: Mapping[str, Mapping]  # machine -> what run.json says of it

    @cached_property
    def ensemble(self) -> dict[str, Terms]:
        """Machine -> terms."""
        return terms_of(self.scores.scores)

    @cached_property
    def by_seed(self) -> dict[str, dict[str, Terms]]:
        """Seed -> machine -> terms; members of an ensemble that have the same seed are averaged clip by clip."""
        members: dict[str, list[Mapping]] = {}
        for label, scores in self.scores.seeds.items():
            members.setdefault(label.rpartition("-")[2], []).append(scores)
        return {seed: terms_of({m: averaged([s[m] for s in of]) for m in of[0]}) for seed, of in members.items()}

    @cached_property
    def seeds(self) -> dict[str, float]:
        """Seed -> Ω over machines."""
        return {seed: omega(of_machine.values()) for seed, of_machine in self.by_seed.items()}


def omega(terms: Iterable[Terms]) -> float:
    return evaluation.omega(t for of_machine in terms for t in of_machine)


def terms_of(scores: Mapping[str, Mapping[str, float]]) -> dict[str, Terms]:
    """Machine -> clip -> score in, machine -> terms out."""
    return {m: evaluation.terms_of(m, of, evaluation.truth_of_names(of)) for m, of in scores.items()}


def averaged(columns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {clip: mean([column[clip] for column in columns]) for clip in columns[0]}


def runs_of(folders: Sequence[Path], wanted: Sequence[str] | None = None) -> dict[str, Run]:
    """Folder name -> run, over the machines that all have (or those wanted). Raises BadInput where one lacks some."""
    found = [read_folder(folder) for folder in folders]
    machines = wanted or sorted(set.intersection(*(set(system.scores) for system in found)))
    if not machines:
        raise BadInput(f"no machine that all of {', '.join(map(str, folders))} have")
    parts = zip(part_of(found, machines), map(read_run, folders), strict=True)
    return {system.name: Run(system, record) for system, record in parts}
