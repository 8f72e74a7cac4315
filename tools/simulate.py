#!/usr/bin/env python3
"""Simulate a data set in the layout of DCASE 2026 Task 2 (--channels 1: of 2023 to 2025), from physics alone.

Leaves, under OUT (16 kHz, PCM_16, channel 0 near, channel 1, if there are two, far):
    dev_data/raw/<machine>/{train,test}/section_00_<domain>_<split>_<condition>_<nnnn>_<attrs>.wav, attributes_00.csv
    eval_data/raw/<machine>/train/ named as in dev, test/section_00_<nnnn>.wav anonymous      (--eval: other machines)
    eval_data/eval_data_list.csv   the truth, in the format of the organisers' eval_data_list_2026.csv

    python tools/simulate.py data/sim                       # per machine 100 + 10 training, 4 x 25 test clips of 6 s
    python tools/simulate.py data/sim --eval                # the same for the evaluation machines
    python tools/simulate.py /tmp/sim --size tiny --machines fan
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd import simulation
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", metavar="OUT", type=given, help="the data folder; dev_data/ or eval_data/ is made in it")
    parser.add_argument("--machines", nargs="+", metavar="NAME", help="default: all of the split")
    parser.add_argument("--train", nargs=2, type=int, metavar=("SOURCE", "TARGET"), help="training clips per domain")
    parser.add_argument("--test", type=int, metavar="N", help="test clips of each domain and condition")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of a clip")
    parser.add_argument("--channels", type=int, default=2, help="2: near and far; 1: near alone (%(default)s)")
    parser.add_argument("--eval", dest="split", action="store_const", const="eval_data", default="dev_data")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--size", choices=simulation.SIZES, default="small", help="default: small")
    return parser


def simulate(args: argparse.Namespace) -> None:
    size = simulation.sized(args.size, args.train, args.test, args.seconds, args.channels)
    machines = simulation.pick(args.machines or [m.name for m in simulation.FLEETS[args.split]], args.split)
    raw = args.out / args.split / "raw"
    simulation.check(raw, machines)
    for m in machines:
        simulation.WRITERS[args.split](raw, m, size, args.seed)
        print(f"{m.name}: {size.source} + {size.target} training, 4 x {size.test} test clips of {size.seconds:g} s")
    print(f"next: python run.py -{args.split[0]} s0 --data {args.out}")


@command
def main(argv: Sequence[str]) -> None:
    simulate(command_line().parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
