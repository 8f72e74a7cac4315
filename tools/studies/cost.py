#!/usr/bin/env python3
"""What training longer buys: Ω against epochs x vectors an epoch, from a hundredth of the full cost to all of it.

    python tools/studies/cost.py REAL SIMULATED --results results/cost
    python tools/studies/cost.py DATA --results RESULTS --systems adasub --shares 0.01 0.1 --epochs 10 100 --seeds 3

Each row's difference is to the uncut training, seed by seed; a share that needs more vectors than an epoch has is left
out. Development sets only. `run.py --plan` tells what one training costs on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from asd.commands import command

from asd.jobs import cpus
from asd.programs.cost_study import table
from asd.programs.request import wanted_seeds
from asd.tables import rendered
from asd.text_files import given


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", nargs="+", type=given, help="development sets: folders that hold dev_data/raw")
    add("--results", type=given, required=True, help="a folder for each data set is made in it, with its store")
    add("--systems", nargs="+", default=["baseline_mse", "ae", "adasub"], help="%(default)s")
    add("--shares", nargs="+", type=float, default=[0.01, 0.03, 0.1, 0.3], help="of the full cost (%(default)s)")
    add("--epochs", nargs="+", type=int, default=[30, 100], help="that a share is spent in (%(default)s)")
    add("--machines", nargs="+", help="default: all of each data folder")
    add("--seeds", default="3", help="as in run.py (%(default)s)")
    add("--workers", type=int, default=cpus(), help="processes (%(default)s)")
    args = parser.parse_args(argv)
    request = {"machines": args.machines, "seeds": wanted_seeds(args.seeds), "workers": args.workers}
    tell = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    rows = table(args.data, args.systems, args.shares, args.epochs, args.results, tell, **request)
    print(rendered("What cost buys", rows, "markdown"), end="")


if __name__ == "__main__":
    sys.exit(main())
