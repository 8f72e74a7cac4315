#!/usr/bin/env python3
"""Ω of finished development scores, per machine and side by side, with intervals; or signs of test statistics in them.

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

from asd.commands import command

from asd.errors import BadInput
from asd.programs.comparing import compared, signs
from asd.programs.reading import published_figures, read_systems, truths_of_names
from asd.tables import FORMATS
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=given, metavar="RESULTS", help="system folders, packages, long CSVs")
    parser.add_argument("--machines", nargs="+", metavar="MACHINE", help="a part of the machines")
    parser.add_argument("--ci", action="store_true", help="bootstrap intervals and paired differences")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="%(default)s")
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--forensic", action="store_true", help="look for statistics over test clips; needs no truth")
    return parser


@command
def main(argv: Sequence[str]) -> int:
    args = command_line().parse_args(argv)
    if args.data:
        anonymous = f"`python tools/evaluate.py RESULTS --ground-truth {args.data}`"
        raise BadInput(f"--data: not needed, names of clips tell the truth; for anonymous clips: {anonymous}")
    systems = read_systems(args.results, args.machines)
    if args.forensic:
        found = [sign for system in systems for sign in signs(system)]
        print("\n".join(found) if found else "no sign of statistics over test clips")
        return 2 if found else 0
    truths, draws = truths_of_names(systems[0]), args.draws if args.ci else None
    print(compared(systems, truths, published_figures(), draws, args.format), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
