#!/usr/bin/env python3
"""Write a data set with the noise taken out, in the challenge's layout, so that any system runs on it unchanged.

python tools/denoise.py adasub DATA OUT                          by a front-end, here AdaSub
python tools/denoise.py semi_denoise DATA OUT                    by a detector that denoises, trained first
python run.py -d baseline_mse --data OUT                         the unchanged baseline on denoised audio

SYSTEM is a name that run.py knows; it is fitted to the training clips of DATA (never to test clips), each machine by
itself. What RESULTS holds from a run with the same numbers is not learnt again. Clips keep their names; the far channel
and supplemental/ stay as they are. A machine that OUT has already is refused; others can be added, with other numbers.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

import systems
from asd.errors import BadInput
from asd.jobs import cpus
from asd.programs import there
from asd.text_files import given

if TYPE_CHECKING:
    from asd.programs.request import Request


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    stage = p.add_mutually_exclusive_group()
    stage.add_argument("-d", "--dev", dest="kind", action="store_const", const="dev", help="as in run.py; the default")
    stage.add_argument("-e", "--eval", dest="kind", action="store_const", const="eval", help="as in run.py")
    p.set_defaults(kind="dev")
    add = p.add_argument
    add("system", metavar="SYSTEM", help="see run.py --list; its detector or its front-end denoises")
    add("data", metavar="DATA", type=given, help="holds dev_data/raw and eval_data/raw")
    add("out", metavar="OUT", type=given, help="gets the same folders")
    add(
        "--results",
        type=given,
        default=Path("results"),
        help="as for run.py, keeps what is learnt (%(default)s)",
    )
    add("--machines", nargs="+", metavar="MACHINE", help="default: all of the data folder")
    add("--channels", type=int, choices=[1, 2], help="1: near alone; default: as the input, far unchanged")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="e.g. detector.training.epochs=65")
    add("--seed", type=int, help="of a detector that denoises; default: the system's first")
    add("--quick", action="store_true", help="as for run.py: a small version, to see that all runs")
    add("--workers", type=int, default=cpus(), help="processes of one thread (%(default)s)")
    add("--device", default="auto", help="for training: auto, cpu, cuda, cuda:1, mps (%(default)s)")
    return p


def check(args: argparse.Namespace) -> None:
    """Before anything heavy is imported."""
    if args.workers < 1:
        raise BadInput(f"--workers {args.workers}: at least 1 expected")
    systems.check_known(args.system)
    there.check_data(args.data, args.kind, args.machines)


def request(args: argparse.Namespace) -> Request:
    from asd.programs.request import Request

    fields = {name: getattr(args, name) for name in ("data", "results", "machines", "workers", "device")}
    seeds = 1 if args.seed is None else (args.seed,)
    return Request.of(args.kind, [args.system], args.set, args.quick, seeds=seeds, **fields)


@command
def main(argv: Sequence[str]) -> None:
    args = parser().parse_args(argv)
    check(args)
    from asd.programs.denoising import Output, denoise

    denoise(request(args), Output(args.out, args.channels), partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
