#!/usr/bin/env python3
"""The official metric of evaluation results against their published truth: joined by clip name, never by order.

    python tools/evaluate.py results/eval/s1 --ground-truth eval_data_list_2026.csv
    python tools/evaluate.py submission/Example_EXU_task2.zip --ground-truth dcase2026_task2_evaluator --ci

PATH is your checkout of the organisers' evaluator (nttcslab/dcase2026_task2_evaluator, public since the results; its
licence forbids passing it on, so it is not part of this kit), the baseline's eval_data_list_2026.csv, or the
simulator's data folder. On the challenge's clips the published results stand below. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs.comparing import compared
from asd.programs.reading import published_figures, published_truths, read_systems
from asd.tables import FORMATS
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=given, metavar="RESULTS|ZIP", help="system folders or a package")
    parser.add_argument("--ground-truth", type=given, required=True, metavar="PATH")
    parser.add_argument("--machines", nargs="+", metavar="MACHINE", help="a part of the machines")
    parser.add_argument("--ci", action="store_true", help="bootstrap intervals and paired differences")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="%(default)s")
    return parser


@command
def main(argv: Sequence[str]) -> None:
    args = command_line().parse_args(argv)
    truths = published_truths(args.ground_truth, args.machines)
    systems = read_systems(args.results, args.machines)
    draws = args.draws if args.ci else None
    print(compared(systems, truths, published_figures(), draws, args.format), end="")


if __name__ == "__main__":
    sys.exit(main())
