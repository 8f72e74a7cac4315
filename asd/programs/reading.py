"""Finished scores and their truth from wherever they lie: results folders, packages, long CSVs in, SystemScores out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from asd import evaluation
from asd.clips import ANONYMOUS
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.results import part_of, read_folder, read_long_scores
from asd.score_files import SCORE
from asd.submission import read_package
from asd.yaml_files import read_yaml


def read_systems(paths: Iterable[Path], machines: Sequence[str] | None = None) -> list[SystemScores]:
    """The systems of all `paths`, each a system's folder, a folder of such, a package (.zip) or a long CSV.

    Raises BadInput for what holds no scores (of `machines`), a file that does not parse, or one file of a pair.
    """
    paths = list(paths)
    duplicate = next((path for path in paths if paths.count(path) > 1), None)
    if duplicate:
        raise BadInput(f"{duplicate}: given twice")
    found = [(path, system) for path in paths for system in _systems(path)]
    counts = Counter(system.name for _, system in found)
    named = [replace(s, name=f"{path}:{s.name}") if counts[s.name] > 1 else s for path, s in found]
    return part_of(named, machines)


def _systems(path: Path) -> list[SystemScores]:
    if path.is_dir():
        inside = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and any(folder.glob(f"{SCORE}_*.csv"))]
        single = any(path.glob(f"{SCORE}_*.csv")) or not inside
        return [read_folder(path)] if single else [read_folder(folder) for folder in inside]
    if path.suffix.lower() == ".zip":
        return read_package(path)
    if path.is_file():
        return [SystemScores(path.stem, read_long_scores(path))]
    raise BadInput(f"{path}: no such file or folder (a system's folder is results/dev/<system>)")


def truths_of_names(system: SystemScores) -> evaluation.Truths:
    """The truth that the names of the system's clips tell. Raises BadInput for anonymous ones."""
    hidden = next(anonymous(system), None)
    if hidden:
        raise BadInput(
            f"{system.name}: {hidden} does not tell its truth; once it is published: "
            "`python tools/evaluate.py RESULTS --ground-truth PATH`"
        )
    return {machine: evaluation.truth_of_names(scores) for machine, scores in system.scores.items()}


def published_figures() -> Mapping[str, Any]:
    """Of reports and of the challenge's results, to set beside one's own."""
    return read_yaml(evaluation.PUBLISHED)


def anonymous(system: SystemScores) -> Iterator[str]:
    """The clips whose names do not tell their truth."""
    return (clip for scores in system.scores.values() for clip in scores if ANONYMOUS.fullmatch(clip))


def published_truths(path: Path, machines: Iterable[str] | None) -> evaluation.Truths:
    """The truth at `path`, of these machines alone; of all where None."""
    truths = evaluation.read_truth(path)
    wanted = list(truths if machines is None else machines)
    if lacking := [m for m in wanted if m not in truths]:
        raise BadInput(f"{path}: no truth of {', '.join(lacking)} (there: {', '.join(truths)})")
    return {m: truths[m] for m in wanted}
