"""Finished scores from wherever they lie: results folders, packages and long CSVs in, SystemScores out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.results import read_folder, read_long_scores
from asd.score_files import SCORE
from asd.submission import read_package


def read_systems(paths: Iterable[Path]) -> list[SystemScores]:
    """The systems of all `paths`, each a system's folder, a folder of such, a package (.zip) or a long CSV.

    Raises BadInput for what holds no scores, a file that does not parse, or one file of a pair.
    """
    paths = list(paths)
    doubled = next((path for path in paths if paths.count(path) > 1), None)
    if doubled:
        raise BadInput(f"{doubled}: given twice")
    found = [(path, system) for path in paths for system in _systems(path)]
    counts = Counter(system.name for _, system in found)
    return [replace(s, name=f"{path}:{s.name}") if counts[s.name] > 1 else s for path, s in found]


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
