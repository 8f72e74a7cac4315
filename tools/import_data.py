#!/usr/bin/env python3
"""Bring recordings of your own into the challenge's layout, which every system and tool here reads.

    FOLDER/<machine>/normal/*  abnormal/*        or train/ and test/{normal,abnormal}/; test/ alone: not known
    FOLDER/normal/*            abnormal/*        one machine, called like the folder or --machine

python tools/import_data.py recordings data/mine                         several machines, one or two channels
python tools/import_data.py recordings data/mine --pair _near _far       two files a recording
python tools/import_data.py recordings data/mine --pattern '(?P<speed>[0-9]+)rpm' --target speed=900
python tools/import_data.py MIMII data/mimii --preset mimii

Any format and rate that soundfile reads, resampled to 16 kHz; long recordings are cut, a rest is left out. Named groups
of --pattern, and columns of --table (beside `file`), are machine, condition, split, domain; others are attributes. A
machine with anomalies and both domains goes to dev_data (run.py -d), any other to eval_data (run.py -e). imported.csv
in a machine's folder has the old names; nothing is overwritten.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd import importing
from asd.errors import BadInput
from asd.text_files import given


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    p.add_argument("folder", type=given, metavar="FOLDER")
    p.add_argument("out", type=given, metavar="OUT", help="the data folder; dev_data/ or eval_data/ is made in it")
    p.add_argument("--machine", nargs="+", default=[], metavar="NAME", help="these alone; or the name of the only one")
    p.add_argument("--preset", choices=importing.PRESETS, help="the folders of a known data set")
    p.add_argument("--pattern", help="regular expression with named groups, searched in each path below FOLDER")
    p.add_argument("--table", type=given, help="csv: file,domain,speed,...")
    p.add_argument("--target", nargs="+", metavar="KEY=VALUE", help="attributes of the target domain's clips")
    p.add_argument("--pair", nargs=2, metavar=("NEAR", "FAR"), help="what tells names of near and far files apart")
    p.add_argument("--channels", metavar="NEAR[,FAR]", help="of a file, from 0; default: one or two as they are")
    p.add_argument("--seconds", type=float, default=10.0, help="longest clip (%(default)s); longer recordings are cut")
    p.add_argument("--test-share", type=float, default=0.2, help="of normal recordings without train/ or test/")
    return p


def guide_of(args: argparse.Namespace) -> importing.Guide:
    """The preset with what the command line says instead."""
    said = {
        "pattern": args.pattern,
        "table": importing.read_table(args.table) if args.table else None,
        "target": tuple(args.target) if args.target else None,
        "near_far": tuple(args.pair) if args.pair else None,
        "channels": channels_of(args.channels) if args.channels else None,
    }
    preset = importing.PRESETS[args.preset] if args.preset else importing.Guide()
    return dataclasses.replace(preset, **{name: value for name, value in said.items() if value is not None})


def channels_of(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)?", text):
        raise BadInput(f"--channels {text}: one or two channels expected, from 0: 0 or 0,4")
    return tuple(map(int, text.split(",")))


def bring(args: argparse.Namespace) -> None:
    if not 0 < args.test_share < 1 or not args.seconds >= 1:
        raise BadInput("--test-share above 0 and below 1, and --seconds of 1 at least, expected")
    if args.folder.resolve() in (out := args.out.resolve(), *out.parents):
        raise BadInput(f"{args.out}: lies in {args.folder}, it would be taken for recordings; another OUT expected")
    guide = guide_of(args)
    imports = importing.planned(importing.found(args.folder, guide, args.machine), guide, args.seconds, args.test_share)
    importing.check(args.out, imports)
    for one in imports:
        importing.write(args.out, one, guide)
        print(
            f"{one.machine}: {one.count('train')} training, {one.count('test')} test clips in {one.stage}", flush=True
        )
    stages = sorted({one.stage[0] for one in imports})
    near = " --set frontend=Near" * (imports[0].channels == 1)  # s0 hears far, too
    print("next: " + " and ".join(f"python run.py -{stage} s0 --data {args.out}{near}" for stage in stages))


@command
def main(argv: Sequence[str]) -> None:
    bring(parser().parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
