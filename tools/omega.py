#!/usr/bin/env python3
"""Ω of finished development scores, by machine and side by side, with intervals; or signs of test statistics in them.

    python tools/omega.py results/dev/s1 results/dev/ae --ci      tables, bootstrap intervals, paired differences
    python tools/omega.py results/dev                             every system there, beside the published ones
    python tools/omega.py scores.csv                              columns machine_type, file_id, anomaly_score
    python tools/omega.py results/eval/s1 --forensic              ranks, z-scores, min-max, percentile decisions

The truth is read from the clips' names; for anonymous clips see tools/evaluate.py. Exit code 2: bad input, or with
--forensic a sign.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import evaluation, guard
from asd.clips import ANONYMOUS
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.programs.reading import read_systems
from asd.results import part_of
from asd.settings import read_yaml
from asd.tables import FORMATS, rendered

PUBLISHED = Path(__file__).with_name("published.yaml")


def truths_of(systems: Sequence[SystemScores]) -> evaluation.Truths:
    """The truth that the names of the first system's clips tell."""
    names = {machine: list(scores) for machine, scores in systems[0].scores.items()}
    hidden = next((n for of_machine in names.values() for n in of_machine if ANONYMOUS.fullmatch(n)), None)
    if hidden:
        raise BadInput(
            f"{systems[0].name}: {hidden} does not tell its truth; once it is published: "
            "`python tools/evaluate.py RESULTS --ground-truth PATH`"
        )
    return {machine: evaluation.truth_of_names(of_machine) for machine, of_machine in names.items()}


def forensic(system: SystemScores) -> list[str]:
    """Signs in one system, machine by machine, then those that only all machines together give."""
    files = {m: (scores, system.decisions.get(m)) for m, scores in system.scores.items()}
    alone = [guard.signs(*of) for of in files.values()][0] if len(files) == 1 else []
    return [f"{system.name}: {sign}" for sign in alone or guard.signs_of_all(files)]


def main(argv: Sequence[str]) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="system folders, packages, long CSVs")
    parser.add_argument("--machines", nargs="+", metavar="MACHINE", help="a part of the machines")
    parser.add_argument("--ci", action="store_true", help="bootstrap intervals and paired differences")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="%(default)s")
    parser.add_argument("--forensic", action="store_true", help="look for statistics over test clips; needs no truth")
    args = parser.parse_args(argv)
    try:
        systems = part_of(read_systems(args.results), args.machines)
        if args.forensic:
            signs = [sign for system in systems for sign in forensic(system)]
            print("\n".join(signs) if signs else "no sign of statistics over test clips")
            return 2 if signs else 0
        truths = truths_of(systems)
        bootstrap = evaluation.Bootstrap(truths, args.draws) if args.ci else None
        published = evaluation.published_omegas(read_yaml(PUBLISHED))
        for title, rows in evaluation.tables(systems, truths, published, bootstrap):
            print(rendered(title, rows, args.format), end="")
    except (BadInput, OSError) as error:
        print(f"omega.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
