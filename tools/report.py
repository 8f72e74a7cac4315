#!/usr/bin/env python3
"""One static report.html with its figures: metric and intervals, scores, ROC, training, the clips that went most wrong.

    python tools/report.py results/dev/s1 results/dev/ae                      results/dev/s1/report/report.html
    python tools/report.py results/eval/s1 --ground-truth PATH --out DIR      once the truth is published

Without a truth (evaluation clips before it is published) scores and training alone are shown. Spectrograms are of the
clips that the runs were made from; --data says where they have moved. The page loads nothing from elsewhere. Exit code
2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.errors import BadInput
from asd.programs.report import read_runs, write_report
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=given, metavar="RESULTS", help="folders of systems, results/dev/s1")
    parser.add_argument("--data", type=given, help="the data folder of the runs, where it has moved")
    parser.add_argument("--ground-truth", type=given, metavar="PATH", help="of evaluation clips; see tools/evaluate.py")
    parser.add_argument("--out", type=given, help="default: report/ in the first RESULTS")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    return parser


def main(argv: Sequence[str]) -> int:
    args = command_line().parse_args(argv)
    try:
        runs = read_runs(args.results, args.ground_truth)
        print(write_report(runs, args.out or args.results[0] / "report", args.data, args.draws))
    except (BadInput, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
