"""Finished scores from results folders and long CSVs in, SystemScores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from asd.contracts import SystemScores
from asd.errors import BadInput, unlike_written
from asd.results.folder import ANEW, BY, read_numbers
from asd.score_files import (
    DECISION,
    NAME,
    OF_BASELINE,
    SCORE,
    YEAR,
    file_name,
    parse,
    read_decisions,
    read_rows,
)
from asd.shapes import misfit
from asd.text_files import numbered_rows

LONG = ("machine_type", "file_id", "anomaly_score")  # columns of one CSV that holds all machines' scores


def read_folder(folder: Path) -> SystemScores:
    """A system's folder, with its seeds/<label>/ where they lie there."""
    files = _by_machine(folder)
    decisions = {}
    for machine, path in files.items():
        decisions[machine] = path.with_name(path.name.replace(SCORE, DECISION, 1))
        if not decisions[machine].exists():
            raise BadInput(f"{decisions[machine]}: no such file, but {path.name} is there (was a file left out?)")
    if not files:
        raise BadInput(f"{folder}: no {file_name(SCORE, '<machine>')} (a system's folder is results/dev/<system>)")
    decided_alone = (p for p in folder.glob(f"{DECISION}_*.csv") if not _scores_of(p).exists())
    if alone := sorted(decided_alone):
        raise BadInput(f"{alone[0]}: decisions without their {SCORE} file (was a file left out?)")
    seeds = {}
    for part in sorted((folder / "seeds").iterdir(), key=_natural) if (folder / "seeds").is_dir() else ():
        of_seed = _by_machine(part)
        if of_seed and of_seed.keys() != files.keys():
            raise BadInput(f"{part}: scores of {', '.join(of_seed)} alone (is a run under way, or was one cut short?)")
        if of_seed:
            seeds[part.name] = {machine: read_rows(path) for machine, path in of_seed.items()}
    scores = {machine: read_rows(path) for machine, path in files.items()}
    decided = {m: read_decisions(path) for m, path in decisions.items()}
    return SystemScores(folder.name, scores, decided, seeds, nominal(folder), is_quick(folder))


def nominal(folder: Path) -> float | None:
    """The share of false alarms that the folder's thresholds aim at, by its system.yaml; None where it has none."""
    path = folder / "system.yaml"
    if not path.exists():
        return None
    record = read_numbers(folder)
    recipe = record.get("recipe") or record["trained"].get(record["system"], {})
    if wrong := misfit(recipe, {"calibration?": {"quantile?": float}}):
        raise unlike_written(path, BY, wrong, ANEW)
    quantile = recipe.get("calibration", {}).get("quantile")
    return None if quantile is None else 1 - float(quantile)


def is_quick(folder: Path) -> bool:
    """Whether its system.yaml says that it is a run with --quick."""
    path = folder / "system.yaml"
    return path.exists() and read_numbers(folder).get("quick", False)


def _natural(folder: Path) -> tuple[str, int]:
    """s1-10 after s1-9."""
    stem, _, number = folder.name.rpartition("-")
    return stem, int(number) if number.isdigit() else 0


def _scores_of(decisions: Path) -> Path:
    return decisions.with_name(decisions.name.replace(DECISION, SCORE, 1))


def _by_machine(folder: Path) -> dict[str, Path]:
    """Machine -> its score file, of this kit or of the organisers' baseline, which may have left a copy of it."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"{SCORE}_*.csv")):
        match = NAME.fullmatch(path.name) or OF_BASELINE.fullmatch(path.name)
        if match is None:
            raise BadInput(f"{path}: not a name of the challenge, expected {file_name(SCORE, '<machine>')}")
        machine = YEAR.sub("", match[2])
        if machine in found and path.read_bytes() != found[machine].read_bytes():
            raise BadInput(
                f"{path}: a second score file of {machine} beside {found[machine].name}; one section expected"
            )
        found.setdefault(machine, path)
    return found


def read_long_scores(path: Path) -> dict[str, dict[str, float]]:
    """Per-clip scores of one long CSV (columns machine_type, file_id, anomaly_score): machine -> name -> score."""
    (_, header), *rows = numbered_rows(path) or [(1, [])]
    if lacking := [column for column in LONG if column not in header]:
        raise BadInput(
            f"{path}: no column {', '.join(lacking)}; expected a CSV with {', '.join(LONG)}, or a folder or .zip"
        )
    by_machine: dict[str, dict[str, float]] = {}
    for line, cells in rows:
        row = dict(zip_longest(header, cells[: len(header)], fillvalue=""))
        _put(by_machine.setdefault(row["machine_type"], {}), row, f"{path}:{line}")
    if not by_machine:
        raise BadInput(f"{path}: no row below its header")
    return by_machine


def _put(scores: dict[str, float], row: dict[str, str], where: str) -> None:
    name = Path(row["file_id"]).name
    values, problems = parse(f"{name},{row['anomaly_score']}".encode(), SCORE, where)
    if problems:
        raise BadInput(problems[0])
    if name in scores:
        raise BadInput(f"{where}: duplicate of {name}")
    scores |= values


def part_of(systems: Sequence[SystemScores], machines: Sequence[str] | None) -> list[SystemScores]:
    """The same systems on these machines alone; all of them where None."""
    if machines is None:
        return list(systems)
    for system in systems:
        if lacking := [m for m in machines if m not in system.scores]:
            raise BadInput(f"{system.name}: no scores of {', '.join(lacking)} (there: {', '.join(system.scores)})")
    return [
        replace(
            s,
            scores={m: s.scores[m] for m in machines},
            decisions={m: s.decisions[m] for m in machines if m in s.decisions},
            seeds={label: {m: of[m] for m in machines} for label, of in s.seeds.items()},
        )
        for s in systems
    ]
