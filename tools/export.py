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

from asd.errors import BadInput
from asd.programs.exporting import export_run


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    p.add_argument("results", type=Path, metavar="RESULTS", help="results/<dev|eval>/<system>")
    p.add_argument("machine", metavar="MACHINE")
    p.add_argument("--out", type=Path, help="default: <system>_<machine>.npz here; nothing is overwritten")
    p.add_argument("--data", type=Path, help="as for run.py; only where the clips have moved since")
    return p


def main(argv: Sequence[str]) -> int:
    args = parser().parse_args(argv)
    out = args.out or Path(f"{args.results.resolve().name}_{args.machine}.npz")
    try:
        export_run(args.results, args.machine, out, args.data)
    except BadInput as error:
        print(f"export.py: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB; python tools/monitor.py {out} RECORDING")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
