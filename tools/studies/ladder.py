#!/usr/bin/env python3
"""The noise-aware report's Tables 1 to 4 and Fig. 2 for your own run, the published values beside.

    python tools/studies/ladder.py results [--machines fan ToyCar] [--figure seeds.png]

Reads results/dev/<system> of the systems that are there (and G of results/eval); a row without a run shows the
published values alone. `python run.py -d ae refsub adasub adasub_dm adasub_shrink adasub_p95 s1 s2 cohgate s3 s4`
makes all of them, with four trainings a machine and seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from asd.commands import command

from asd.programs.ladder import draw, origin, runs_in, tables
from asd.programs.reading import published_figures
from asd.tables import rendered
from asd.text_files import given

PUBLISHED = published_figures()


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=given)
    parser.add_argument("--machines", nargs="+", help="default: all that every system has")
    parser.add_argument("--figure", type=given, help="Ω of every seed, drawn to this .png or .svg")
    args = parser.parse_args(argv)
    runs = runs_in(args.results, PUBLISHED, args.machines)
    found = tables(runs, PUBLISHED, args.results)
    if args.figure:
        draw(runs, args.figure)
    print(origin(runs, PUBLISHED))
    print(*(rendered(title, rows, "markdown") for title, rows in found.items()), sep="", end="")


if __name__ == "__main__":
    sys.exit(main())
