#!/usr/bin/env python3
"""Write a fitted system of one machine to one file, which scores where there are neither data nor store.

python tools/export.py results/dev/s1 fan                  s1_fan.npz
python tools/monitor.py s1_fan.npz recording.wav           there, or in Python: asd.load("s1_fan.npz")("clip.wav").score

The file holds numbers and arrays, no pickle: every part's numbers, weights, calibration, versions, the data's
fingerprint, and a training clip with its features and score as a self-test. It is refused where a bit of it differs, or
where the self-test does not come out. An encoder's checkpoint is not in it.
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

from asd.programs import there
from asd.text_files import given


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    p.add_argument("results", type=given, metavar="RESULTS", help="results/<dev|eval>/<system>")
    p.add_argument("machine", metavar="MACHINE")
    p.add_argument("--out", type=given, help="default: <system>_<machine>.npz here; nothing is overwritten")
    p.add_argument("--data", type=given, help="as for run.py; only where the clips have moved since")
    return p


@command
def main(argv: Sequence[str]) -> None:
    args = parser().parse_args(argv)
    out = args.out or Path(f"{args.results.resolve().name}_{args.machine}.npz")
    there.check_run(args.results, args.machine)
    there.check_new(out)
    if args.data:
        there.check_data_of([args.results], args.data)
    from asd.programs.exporting import export_run  # after the checks: it imports torch

    export_run(args.results, args.machine, out, args.data)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB; python tools/monitor.py {out} RECORDING")


if __name__ == "__main__":
    sys.exit(main())
