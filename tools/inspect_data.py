#!/usr/bin/env python3
"""Show what a data folder holds and every problem in it: a folder in, a report per machine out; exit 2 on any problem.

python tools/inspect_data.py data/dcase2026t2
python tools/inspect_data.py data/dcase2026t2 --machines fan ToyCar --levels 50
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.errors import BadInput
from asd.programs import inspection


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the data folder (holds dev_data/raw), or a raw folder")
    parser.add_argument("--machines", nargs="+", help="default: all")
    parser.add_argument(
        "--levels", type=int, default=20, metavar="N", help="clips per split read for levels (%(default)s)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = command_line().parse_args(argv)
    problems: list[str] = []
    try:
        for report in inspection.reports(args.folder, args.machines, max(1, args.levels)):
            print("", *report.lines, sep="\n")
            problems += report.problems
    except BadInput as error:
        problems.append(str(error))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"\n{len(problems)} problem{'s' * (len(problems) != 1)} found", file=sys.stderr if problems else sys.stdout)
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
