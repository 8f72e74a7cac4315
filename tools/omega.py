#!/usr/bin/env python3
"""Ω of finished score files, and signs in them that statistics over test clips were used.

    python tools/omega.py results/dev/s1 results/dev/ae       per-machine tables of development results
    python tools/omega.py results/eval/s1 --forensic          ranks, z-scores, min-max, percentile decisions

A folder holds the challenge's files (anomaly_score_<machine>_section_00_test.csv, decision_result_...), of any origin.
Exit code 2: bad input, or with --forensic a sign.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import evaluation, guard
from asd.submission import DECISION, SCORE, file_name, read_decisions, read_rows
from asd.vocabulary import BadInput

NAME = re.compile(rf"{SCORE}_(.+)_section_(\d\d)_test\.csv")
Files = tuple[dict[str, float], dict[str, int]]  # scores and decisions of one machine


def machines_of(folder: Path) -> dict[str, Files]:
    """Machine -> its scores and decisions. Raises BadInput for a folder without score files or one file of a pair."""
    found = {}
    for path in sorted(folder.glob(f"{SCORE}_*.csv")) if folder.is_dir() else ():
        match = NAME.fullmatch(path.name)
        if match is None:
            raise BadInput(f"{path}: not a name of the challenge, expected {file_name(SCORE, '<machine>')}")
        machine, section = match.groups()
        decisions = folder / file_name(DECISION, machine, section)
        if not decisions.exists():
            raise BadInput(f"{decisions}: no such file, but {path.name} is there (was a file left out?)")
        found[machine] = read_rows(path), read_decisions(decisions)
    if not found:
        raise BadInput(f"{folder}: no {file_name(SCORE, '<machine>')} (a system's folder is results/dev/<system>)")
    return found


def table(folder: Path) -> list[tuple[str, ...]]:
    results = [
        evaluation.evaluate(machine, scores, decisions, evaluation.truth_of_names(scores))
        for machine, (scores, decisions) in machines_of(folder).items()
    ]
    return evaluation.rows(results)


def show(title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)))


def forensic(folder: Path) -> list[str]:
    """Signs in one folder, machine by machine, then those that only all machines together give."""
    machines = machines_of(folder)
    alone = [guard.signs(*files) for files in machines.values()][0] if len(machines) == 1 else []
    return [f"{folder}: {sign}" for sign in alone or guard.signs_of_all(machines)]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RESULTS", help="a system's folder of score files")
    parser.add_argument("--forensic", action="store_true", help="look for statistics over test clips; needs no truth")
    args = parser.parse_args(argv)
    try:
        if args.forensic:
            signs = [sign for folder in args.folders for sign in forensic(folder)]
            print("\n".join(signs) if signs else "no sign of statistics over test clips")
            return 2 if signs else 0
        for folder in args.folders:
            show(folder.name, table(folder))
    except (BadInput, OSError) as error:
        print(f"omega.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
