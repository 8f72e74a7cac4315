#!/usr/bin/env python3
"""Kill, damage and crowd a small whole pipeline, and compare every byte with an undisturbed one.

    python tools/torture.py /tmp/torture --kills 200 --crowds 10     an hour or two
    python tools/torture.py /tmp/torture --kills 10                  minutes

The pipeline trains ae and ssd on simulated data, scores, proves, packages, evaluates and reports. Exit code 1: a fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs.torture import Pipeline, crowded, damaged, killed, prepared
from asd.text_files import given


@command
def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("out", type=given, help="a new folder for data and results")
    add("--kills", type=int, default=10, help="at random moments, of four ways (%(default)s)")
    add("--crowds", type=int, default=0, help="rounds of three runs at once in one results folder (%(default)s)")
    add("--damage", action="store_true", help="harm every kind of file of the store in four ways")
    add("--seed", type=int, default=0, help="of the moments and ways (%(default)s)")
    args = parser.parse_args(argv)
    tell = partial(print, flush=True)
    folder = args.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    prepared(folder)
    faults: list[str] = []
    if args.kills:
        outcome = killed(Pipeline(folder, folder / "kills"), args.kills, args.seed, tell)
        faults += outcome.faults
        ways = ", ".join(f"{n} of {way}" for way, n in sorted(outcome.kills.items()))
        tell(f"kills: {ways}; {outcome.with_checkpoint} with a checkpoint on disk")
    if args.damage:
        faults += damaged(Pipeline(folder, folder / "damage"), args.seed, tell)
    if args.crowds:
        faults += crowded(Pipeline(folder, folder / "crowd"), args.crowds, tell)
    print("\n".join(faults) if faults else "no fault found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
