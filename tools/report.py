#!/usr/bin/env python3
"""A report to look at and to mail: one HTML file with figures, sounds and tables in it, under 5 MB, loads nothing.

    python tools/report.py results/dev                                     every system there: results/dev/report.html
    python tools/report.py results/dev/s1 results/dev/ae --out FILE.html   two of them
    python tools/report.py results/dev results/eval --ground-truth PATH    both sets, where the truth is known

The truth of imported or simulated clips is found in their data folder. Without a truth, scores, losses and the
most anomalous clips alone are shown. Spectrograms and sounds are of the clips that the runs were made from; --data says
where they have moved. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs import there
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=given, metavar="RESULTS", help="folders of systems, results/dev/s1")
    parser.add_argument("--data", type=given, help="the data folder of the runs, where it has moved")
    parser.add_argument("--ground-truth", type=given, metavar="PATH", help="of evaluation clips; see tools/evaluate.py")
    parser.add_argument("--out", type=given, metavar="FILE.html", help="default: report.html in the first RESULTS")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    return parser


def check(args: argparse.Namespace, out: Path) -> None:
    """Before anything heavy is imported."""
    folders = [folder for place in args.results for folder in there.systems_in(place)]
    for folder in folders:
        there.check_run(folder)
    if args.data:
        there.check_data_of(folders, args.data)
    if args.ground_truth:
        there.check_file(args.ground_truth, "the published truth, see tools/evaluate.py,")
    there.check_html(out)


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@command
def main(argv: Sequence[str]) -> None:
    args = command_line().parse_args(argv)
    out = args.out or args.results[0] / "report.html"
    check(args, out)
    from asd.programs.reading import published_figures
    from asd.programs.report import read_runs, write_report

    groups = read_runs(args.results, args.ground_truth, args.data)
    write_report(groups, out, args.data, args.draws, published_figures(), tell)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB; open it in a browser")


if __name__ == "__main__":
    sys.exit(main())
