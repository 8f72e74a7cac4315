"""Finished scores from wherever they lie: results folders, packages and long CSVs in, SystemScores out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.submission.archive import read_archive
from asd.submission.files import DECISION, NAME, SCORE, file_name, parse, read_decisions, read_rows

LONG = ("machine_type", "file_id", "anomaly_score")  # columns of one CSV that holds all machines' scores


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


def read_folder(folder: Path) -> SystemScores:
    """A system's folder, with its seeds/<label>/ where they lie there."""
    files = _by_machine(folder)
    decisions = {}
    for machine, path in files.items():
        section = NAME.fullmatch(path.name)[3]  # type: ignore[index]
        decisions[machine] = folder / file_name(DECISION, machine, section)
        if not decisions[machine].exists():
            raise BadInput(f"{decisions[machine]}: no such file, but {path.name} is there (was a file left out?)")
    if not files:
        raise BadInput(f"{folder}: no {file_name(SCORE, '<machine>')} (a system's folder is results/dev/<system>)")
    alone = sorted(
        {path.name for path in folder.glob(f"{DECISION}_*.csv")} - {path.name for path in decisions.values()}
    )
    if alone:
        raise BadInput(f"{folder / alone[0]}: decisions without their {SCORE} file (was a file left out?)")
    seeds = {}
    for part in sorted((folder / "seeds").iterdir(), key=_natural) if (folder / "seeds").is_dir() else ():
        of_seed = _by_machine(part)
        if of_seed and of_seed.keys() != files.keys():
            raise BadInput(f"{part}: scores of {', '.join(of_seed)} alone (is a run under way, or was one cut short?)")
        if of_seed:
            seeds[part.name] = {machine: read_rows(path) for machine, path in of_seed.items()}
    scores = {machine: read_rows(path) for machine, path in files.items()}
    return SystemScores(folder.name, scores, {m: read_decisions(path) for m, path in decisions.items()}, seeds)


def _natural(folder: Path) -> tuple[str, int]:
    """s1-10 after s1-9."""
    stem, _, number = folder.name.rpartition("-")
    return stem, int(number) if number.isdigit() else 0


def _by_machine(folder: Path) -> dict[str, Path]:
    """Machine -> its score file."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"{SCORE}_*.csv")):
        match = NAME.fullmatch(path.name)
        if match is None:
            raise BadInput(f"{path}: not a name of the challenge, expected {file_name(SCORE, '<machine>')}")
        if match[2] in found:
            raise BadInput(
                f"{path}: a second score file of {match[2]} beside {found[match[2]].name}; one section expected"
            )
        found[match[2]] = path
    return found


def read_package(path: Path) -> list[SystemScores]:
    """The systems of a package, by label. Raises BadInput with every defect of the zip and its CSVs."""
    entries, defects = read_archive(path)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    decisions: dict[str, dict[str, dict[str, int]]] = {}
    for name, raw in entries.items():
        label, match = PurePosixPath(name).parent.name, NAME.fullmatch(PurePosixPath(name).name)
        if match is not None:
            if match[2] in (scores if match[1] == SCORE else decisions).get(label, {}):
                defects.append(f"{path.name}:{name}: a second {match[1]} file of {label} and {match[2]}")
            values, problems = parse(raw, match[1], f"{path.name}:{name}")
            defects += problems
            of_label = scores if match[1] == SCORE else decisions
            of_label.setdefault(label, {})[match[2]] = values  # type: ignore[assignment]
    if defects or not scores:
        told = "\n".join(defects) or f"{path}: no {file_name(SCORE, '<machine>')} in it"
        raise BadInput(f"{told}\n(`python tools/validate.py {path}` checks a whole package)")
    lacking = [
        f"{label}: no decisions for {m}" for label in scores for m in scores[label] if m not in decisions.get(label, {})
    ]
    if lacking:
        raise BadInput(f"{path}: {'; '.join(lacking)} (was a file left out?)")
    return [
        SystemScores(label, scores[label], {m: {n: int(v) for n, v in d.items()} for m, d in decisions[label].items()})
        for label in sorted(scores)
    ]


def read_long_scores(path: Path) -> dict[str, dict[str, float]]:
    """Per-clip scores of one long CSV (columns machine_type, file_id, anomaly_score): machine -> name -> score."""
    by_machine: dict[str, dict[str, float]] = {}
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        lacking = [column for column in LONG if column not in (table.fieldnames or ())]
        if lacking:
            raise BadInput(
                f"{path}: no column {', '.join(lacking)}; expected a CSV with {', '.join(LONG)}, or a folder or .zip"
            )
        for line, row in enumerate(table, start=2):
            _put(by_machine.setdefault(row["machine_type"], {}), row, f"{path}:{line}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: not a CSV of UTF-8 text ({error})") from error
    if not by_machine:
        raise BadInput(f"{path}: no row below its header")
    return by_machine


def _put(scores: dict[str, float], row: dict[str, str], where: str) -> None:
    name = Path(row["file_id"] or "").name
    values, problems = parse(f"{name},{row['anomaly_score']}".encode(), SCORE, where)
    if problems:
        raise BadInput(problems[0])
    if name in scores:
        raise BadInput(f"{where}: {name} stands twice")
    scores |= values


def part_of(systems: Sequence[SystemScores], machines: Sequence[str] | None) -> list[SystemScores]:
    """The same systems on these machines alone; all of them where None."""
    if machines is None:
        return list(systems)
    for system in systems:
        if lacking := [m for m in machines if m not in system.scores]:
            raise BadInput(f"{system.name}: no scores of {', '.join(lacking)} (there: {', '.join(system.scores)})")
    return [
        SystemScores(
            s.name,
            {m: s.scores[m] for m in machines},
            {m: s.decisions[m] for m in machines if m in s.decisions},
            {label: {m: of[m] for m in machines} for label, of in s.seeds.items()},
        )
        for s in systems
    ]
