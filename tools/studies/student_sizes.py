#!/usr/bin/env python3
"""What a smaller or larger student costs and gains: seconds an epoch, real-time factor, SI-SNRi, Ω.

    python tools/studies/student_sizes.py DATA RESULTS --machines latheRoom fanRoom
    python tools/studies/student_sizes.py DATA RESULTS --sizes 64,32 256,128-both --set frontend.training.epochs=15 \
        --clean REAL/sources/fan --noise REAL/noise --rirs REAL/rirs.npz:workshop

Students learn from the same targets, which are made once. SI-SNRi needs recordings of a machine and of noise alone. The
default sizes end with the one the paper cites, 40 times the parameters of the kit's.
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

from asd.errors import BadInput
from asd.jobs import cpus
from asd.programs.separation_benchmark.options import Options
from asd.programs.student_sizes import table
from asd.tables import rendered
from asd.text_files import given

SIZES = ("64,32", "32,32", "64", "32", "256,128-both")


def options_of(args: argparse.Namespace) -> Options | None:
    """The benchmark's; None without recordings. Raises BadInput for one kind of recordings alone."""
    if not args.clean and not args.noise:
        return None
    if not args.clean or not args.noise:
        raise BadInput("--clean and --noise: both are needed for SI-SNRi, or neither")
    settings = tuple(text.removeprefix("frontend.") for text in args.set if text.startswith("frontend."))
    mixtures = {"seconds": args.seconds, "train": args.train, "test": args.test, "ae_seeds": 0}
    return Options(args.clean, args.noise, args.rirs, **mixtures, settings=settings, out=args.results / "separation")


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=given, help="holds dev_data/raw")
    add("results", type=given, help="results folder; those of ssd in it are the last size's")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--sizes", nargs="+", default=SIZES, help="units of each layer (%(default)s)")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="as in run.py")
    add("--clean", type=given, help="recordings of the machine alone, in normal/ and anomaly/")
    add("--noise", type=given, help="recordings of noise alone")
    add("--rirs", default="", help="FILE.npz:ROOM; default: a simulated room")
    add("--seconds", type=float, default=4.0, help="of a mixture (%(default)s)")
    add("--train", type=int, default=60, help="mixtures to train on (%(default)s)")
    add("--test", type=int, default=40, help="mixtures to test on (%(default)s)")
    add("--workers", type=int, default=cpus(), help="processes (%(default)s)")
    args = parser.parse_args(argv)
    request = {"data": args.data, "results": args.results, "machines": args.machines, "workers": args.workers}
    rows = table(args.sizes, args.set, options_of(args), lambda line: print(line, file=sys.stderr), **request)
    print(rendered("Sizes of the student", rows, "markdown"), end="")


if __name__ == "__main__":
    sys.exit(main())
