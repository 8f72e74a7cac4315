"""The team: team.yaml in, checked, and what its systems still lack told, before torch is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import systems
from asd import submission
from asd.data import KINDS
from asd.errors import BadInput

MACS = ("none", "clip", "second")  # what meta.yaml counts them per; the challenge's templates differ


def read_team(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        raise BadInput(f"{path}: no such file; copy submission/template.yaml there and fill it in")
    team, problems = submission.check_team(path.read_bytes(), str(path), systems.names())
    report = path.parent / str(team.get("report"))
    if not problems and Path(os.path.abspath(path.parent)) not in Path(os.path.abspath(report)).parents:
        problems.append(f"{path}: report: {report} lies outside {path.parent}; copy the PDF beside {path.name}")
    if not problems and not report.is_file():
        problems.append(f"{path}: report: {report} is not there; a path beside {path.name} is expected")
    if problems:
        raise BadInput("\n".join(problems))
    return team


def refuse_missing(names: Sequence[str], data: Path, results_folder: Path) -> None:
    """Raises BadInput with a command for all runs of the development and of the evaluation set that are missing."""
    commands = []
    for kind in KINDS:
        lacking = [name for name in names if not (results_folder / kind / name / "run.json").exists()]
        if lacking:
            commands.append(f"python run.py -{kind[0]} {' '.join(lacking)} --data {data} --results {results_folder}")
    if commands:
        raise BadInput("\n".join([f"{results_folder}: runs of the team's systems are missing; run first:", *commands]))
