#!/usr/bin/env python3
"""One to four systems as the challenge's submission package: what the team says, and everything that can be measured.

    cp submission/template.yaml submission/team.yaml     then fill it in
    python tools/package.py                              submission/<Surname>_<INST>_task2.zip, and the report's tables
    python tools/package.py --macs second                with multiply-accumulates per second of audio in meta.yaml

Needs results/dev/<system> and results/eval/<system> of the same numbers, the latter proven (run.py -e does both), and
the data folder they are of. The zip appears only if `tools/validate.py` finds no defect in it. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs import there
from asd.programs.team import MACS, read_team, refuse_missing
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    add = parser.add_argument
    add("--team", type=given, default=Path("submission/team.yaml"), help="%(default)s")
    add("--data", type=given, default=Path("data/dcase2026t2"), help="the data folder of the runs (%(default)s)")
    add("--results", type=given, default=Path("results"), help="%(default)s")
    add("--out", type=given, default=Path("submission"), help="%(default)s")
    add("--macs", choices=MACS, default="none", help="MACS in meta.yaml, per clip or second; templates differ (none)")
    return parser


@command
def main(argv: Sequence[str]) -> None:
    args = command_line().parse_args(argv)
    team = read_team(args.team)
    refuse_missing([item["system"] for item in team["systems"]], args.data, args.results)
    for kind in ("dev", "eval"):
        there.check_data(args.data, kind)
    from asd.programs.packaging import package  # after the checks: it imports torch
    from asd.programs.validation import CHECKLIST

    target = package(team, args.team, args.data, args.results, args.out, args.macs)
    print(f"{target}: no defect found\n\n{CHECKLIST}")
    print(f"\n{target} and the report's tables (report_tables.md, .tex) beside it")


if __name__ == "__main__":
    sys.exit(main())
