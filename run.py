#!/usr/bin/env python3
"""Train and test anomalous sound detection systems, one per machine, on DCASE 2026 Task 2 data.

python run.py -d baseline_mse baseline_mahala     development set: scores, decisions, Ω table
python run.py -e s1                               evaluation set: train on its training clips, write the challenge's
                                                  score and decision files for the anonymous clips, and prove that
                                                  each score is its own clip's alone
python run.py -e s1 --verify                      prove it again for the files that lie in the results folder
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch load: a process is one thread, more would change the bytes

from asd.commands import command

import systems
from asd.errors import BadInput
from asd.jobs import cpus
from asd.text_files import given

if TYPE_CHECKING:
    from asd.programs.request import Request

DATA, RESULTS = Path("data/dcase2026t2"), Path("results")
DEFAULT_SYSTEMS = ["baseline_mse", "baseline_mahala"]


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    stage = p.add_mutually_exclusive_group()
    stage.add_argument("-d", "--dev", dest="kind", action="store_const", const="dev", help="development set")
    stage.add_argument("-e", "--eval", dest="kind", action="store_const", const="eval", help="evaluation set")
    p.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"see --list; default {' '.join(DEFAULT_SYSTEMS)}")
    add = p.add_argument
    add(
        "--data",
        type=given,
        help=f"holds dev_data/raw and eval_data/raw ({DATA}; --verify: where the run's data were)",
    )
    add(
        "--results",
        type=given,
        help=f"results, and the store of what is trained ({RESULTS}; --quick: {RESULTS}/quick)",
    )
    add("--machines", nargs="+", metavar="MACHINE", help="default: all of the data folder")
    add("--seeds", help="how many (3), or which (0,4,7); default: the system's own")
    part = p.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="stop after training; test clips need not be there")
    part.add_argument("--test-only", action="store_true", help="train no network; what is trained must be in the store")
    part.add_argument("--verify", action="store_true", help="only re-derive what the results folder holds, and compare")
    add("--no-verify", action="store_true", help="with -e: leave that proof out (run.json says so)")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="e.g. detector.training.epochs=3")
    add("--quick", action="store_true", help="small versions of the systems, to see that all runs: scores mean nothing")
    add("--workers", type=int, default=cpus(), help="processes of one thread (%(default)s)")
    add("--scheduler", default="", metavar="WHERE", help="Dask's tcp://host:8786 or scheduler file, for its workers")
    add("--plan", action="store_true", help="do nothing but estimate time, memory and disk from a few real steps")
    add("--hours", type=float, metavar="H", help="cut windows_per_epoch, then epochs, to what fits into H hours")
    add("--device", default="auto", help="for training: auto, cpu, cuda, cuda:1, mps (%(default)s)")
    add("--list", action="store_true", help="list the systems; with SYSTEM, its numbers and the parts that fit")
    return p


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """The command line; one that holds flags of the organisers' baseline is answered with ours."""
    form = parser()
    args, unknown = form.parse_known_args(argv)
    if unknown:
        from asd.programs.organisers import answer

        form.error(answer(unknown) or f"unrecognized arguments: {' '.join(unknown)}")
    return args


@command
def main(argv: Sequence[str]) -> None:
    args = parsed(argv)
    args.results = args.results or (RESULTS / "quick" if args.quick else RESULTS)
    if args.list and not args.systems:
        width = max(map(len, systems.names()))
        print("\n".join(f"{name:{width}}  {systems.description(name)}" for name in systems.names()))
        return
    if not sys.stderr.isatty():
        logging.basicConfig(level=logging.INFO, format="%(message)s")  # a student's epochs; a terminal has a bar
    signal.signal(signal.SIGTERM, terminated)
    show_numbers(args) if args.list else run(args)


def terminated(*_: object) -> None:
    """Ends the workers on the way out."""
    print("run.py: ended by SIGTERM; the same command goes on from what is finished", file=sys.stderr)
    sys.exit(143)


def show_numbers(args: argparse.Namespace) -> None:
    """Every number of a system as yaml, then the parts that fit each of its fields."""
    import yaml

    from asd.fingerprint import numbers
    from asd.settings import alternatives

    for name in args.systems:
        recipe = systems.load(name, args.set)
        print(f"# {name}: {systems.description(name)}")
        print(yaml.safe_dump(numbers(recipe), sort_keys=False), end="")
        print("# parts that fit, for --set FIELD=PART:")
        for field, now, fitting in alternatives(recipe):
            others = ", ".join(part for part in fitting if part != now)
            print(f"#   {field}: {now}{f' (or {others})' if others else ''}")


def run(args: argparse.Namespace) -> None:
    """Check everything, train in worker processes, write, prove, evaluate, print."""
    check(args)
    from asd.programs import developing

    tell = partial(print, flush=True)  # a log shows each line when it is said
    if args.verify:
        for name in args.systems or DEFAULT_SYSTEMS:
            folder = args.results / args.kind / name
            pool = {"workers": args.workers, "scheduler": args.scheduler}
            with developing.proven(folder, args.data, args.machines, tell, **pool) as session:
                developing.show(session, systems.description, tell)
    else:
        wanted = request(args)
        if args.plan or args.hours:
            wanted = developing.plan(wanted, args.hours, tell)
        if args.plan:
            return
        proof = args.kind == "eval" and not args.no_verify and not args.train_only
        with developing.developed(wanted, tell, proof) as session:
            developing.show(session, systems.description, tell)


def check(args: argparse.Namespace) -> None:
    """Raises BadInput for what cannot be meant."""
    if args.kind is None:
        raise BadInput("-d (development set) or -e (evaluation set) is needed")
    if args.workers < 1:
        raise BadInput(f"--workers {args.workers}: at least 1 expected")
    if args.hours is not None and not 0 < args.hours < float("inf"):
        raise BadInput(f"--hours {args.hours:g}: above 0 expected")
    if args.verify and (args.set or args.seeds or args.quick):
        raise BadInput("--verify proves what the results folder records: leave --set, --seeds and --quick out")
    for name in args.systems:
        systems.check_known(name)
    if swallowed := [word for word in args.machines or () if word in systems.names()]:
        words = " ".join(args.machines)
        raise BadInput(f"--machines {words}: {swallowed[0]} is a system; systems go before --machines")
    if not args.verify:  # before torch is imported
        from asd.data import chosen_machines, raw_folder

        chosen_machines(raw_folder(args.data or DATA, args.kind), args.machines)


def request(args: argparse.Namespace) -> Request:
    """The command line as a request."""
    from asd.programs.request import Request, wanted_seeds

    return Request.of(
        args.kind,
        args.systems or DEFAULT_SYSTEMS,
        args.set,
        quick=args.quick,
        data=args.data or DATA,
        results=args.results,
        machines=args.machines,
        seeds=wanted_seeds(args.seeds),
        device=args.device,
        workers=args.workers,
        scheduler=args.scheduler,
        may_train=not args.test_only,
        splits=("train",) if args.train_only else ("train", "test"),
    )


if __name__ == "__main__":
    sys.exit(main())
