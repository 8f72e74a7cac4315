#!/usr/bin/env python3
"""Speed, measured here and now: two ways of the same work in turn in one run, and their ratio; above 1 is faster.

    python tools/bench.py                    the whole table, a few minutes
    python tools/bench.py --quick            smaller work, half a minute
    python tools/bench.py learning           features, training and scoring; hearing: front-ends and separation;
                                             working: workers

One process, one thread; seconds are of this process, so that a busy machine spoils only `working`. Quote the ratio:
absolute figures are this machine's, at this moment.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs import bench
from asd.tables import FORMATS, rendered


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(bench.GROUPS))
    parser.add_argument("--quick", action="store_const", const=bench.QUICK, default=bench.FULL, dest="size")
    parser.add_argument("--format", choices=FORMATS, default="text")
    args = parser.parse_args(argv)
    if unknown := set(args.groups) - set(bench.GROUPS):
        parser.error(f"{', '.join(sorted(unknown))}: {', '.join(bench.GROUPS)} expected")
    cells = bench.table(args.groups or list(bench.GROUPS), args.size, lambda told: print(told, file=sys.stderr))
    print(rendered("Speed", cells, args.format), end="")


if __name__ == "__main__":
    sys.exit(main())
