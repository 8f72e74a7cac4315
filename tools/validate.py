#!/usr/bin/env python3
"""Every defect of a submission package, each with its place; a clean one gets the list of what no machine can check.

    python tools/validate.py submission/Example_EXU_task2.zip
    python tools/validate.py submission/Example_EXU_task2.zip --data data/dcase2026t2 --results results

Without --data the challenge's own machines and 200 clips each are expected. With --results the package is also held
against the runs it was made from: its scores, its development figures, the proof in run.json. Exit code 2: a defect.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs import there
from asd.tables import counted
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("package", type=given, metavar="ZIP")
    parser.add_argument("--data", type=given, help="expect the machines and clips of this data folder")
    parser.add_argument("--results", type=given, help="hold it against the runs of this results folder")
    return parser


@command
def main(argv: Sequence[str]) -> int:
    args = command_line().parse_args(argv)
    there.check_file(args.package, "a package (.zip)")
    if args.results:
        there.check_file(args.results, "a results folder")
    for kind in ("dev", "eval") if args.data else ():
        there.check_data(args.data, kind)
    from asd.programs.validation import CHECKLIST, defects  # after the checks: it imports torch

    found = defects(args.package, args.data, args.results)
    if found:
        print("\n".join(found))
        if args.data is None and any("no machine '" in defect for defect in found):
            print("(the challenge's own machines are expected; for a package of another data set give --data DIR)")
        print(f"\n{counted(len(found), 'defect')}; {args.package} is not ready to be submitted")
        return 2
    print(f"{args.package}: no defect found")
    if args.results is None:
        print("not checked: development figures, parameters and the train-only proof (give --results)")
    print(f"\n{CHECKLIST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
