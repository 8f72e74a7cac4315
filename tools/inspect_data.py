#!/usr/bin/env python3
"""Show what a data folder holds and every problem in it: a folder in, a report per machine out; exit 2 on any problem.

A problem stops every run. A warning does not: a dead channel, a clip shorter than its siblings, a recording twice.

python tools/inspect_data.py data/dcase2026t2
python tools/inspect_data.py data/dcase2026t2 --machines fan ToyCar --levels 50
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.errors import BadInput
from asd.programs import inspection
from asd.tables import counted
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=given, help="the data folder (holds dev_data/raw), or a raw folder")
    parser.add_argument("--machines", nargs="+", help="default: all")
    parser.add_argument("--levels", type=int, metavar="N", help="listen to N clips per split only (default: to all)")
    return parser


@command
def main(argv: Sequence[str]) -> int:
    args = command_line().parse_args(argv)
    problems: list[str] = []
    warnings: list[str] = []
    try:
        if args.levels is not None and args.levels < 1:
            raise BadInput(f"--levels {args.levels}: at least 1 expected")
        for report in inspection.reports(args.folder, args.machines, args.levels):
            print("", *report.lines, sep="\n")
            problems += report.problems
            warnings += report.warnings
    except BadInput as error:
        problems.append(str(error))
    for line in (*(f"warning: {warning}" for warning in warnings), *problems):
        print(line, file=sys.stderr)
    told = [counted(len(problems), "problem"), *([counted(len(warnings), "warning")] if warnings else [])]
    print(f"\n{', '.join(told)} found", file=sys.stderr if problems else sys.stdout)
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
