#!/usr/bin/env python3
"""Train and test anomalous sound detection systems, one a machine, on DCASE 2026 Task 2 data.

python run.py -d baseline_mse baseline_mahala     development set: scores, decisions, Ω table
python run.py -e s1                               evaluation set: train on its training clips, write the challenge's
                                                  score and decision files for the anonymous clips, and prove that
                                                  each score is its own clip's alone
python run.py -e s1 --verify                      prove it again for the files that lie in the results folder
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import systems

if TYPE_CHECKING:
    from asd.session import Request
    from asd.system import System

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch load: a process is one thread, more would change the bytes

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
        "--data", type=Path, default=Path("data/dcase2026t2"), help="holds dev_data/raw and eval_data/raw (%(default)s)"
    )
    add("--results", type=Path, default=Path("results"), help="results, and the store of what is trained (%(default)s)")
    add("--machines", nargs="+", metavar="MACHINE", help="default: all of the data folder")
    add("--seeds", help="how many (3), or which (0,4,7); default: the system's own")
    part = p.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="stop after training; test clips need not be there")
    part.add_argument("--test-only", action="store_true", help="never train; everything must be in the store")
    part.add_argument("--verify", action="store_true", help="only re-derive what the results folder holds, and compare")
    add("--no-verify", action="store_true", help="with -e: leave that proof out (run.json says so)")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="e.g. detector.training.epochs=3")
    add("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes of one thread (%(default)s)")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="for training (%(default)s)")
    add("--list", action="store_true", help="list the systems; with SYSTEM, its numbers")
    add("--job", type=int, metavar="PID", help=argparse.SUPPRESS)  # a worker process of the one with that id
    return p


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    if args.list and not args.systems:
        width = max(map(len, systems.names()))
        print("\n".join(f"{name:{width}}  {systems.description(name)}" for name in systems.names()))
        return 0
    from asd.errors import BadInput
    from asd.jobs import JobFailed

    try:
        show_numbers(args.systems) if args.list else run(args)
    except BadInput as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    except JobFailed as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    return 0


def show_numbers(names: list[str]) -> None:
    import yaml

    from asd.store import numbers

    for name, recipe in {name: systems.load(name) for name in names}.items():
        print(f"# {name}: {systems.description(name)}")
        print(yaml.safe_dump(numbers(recipe), sort_keys=False), end="")


def run(args: argparse.Namespace) -> None:
    """Check everything, train in worker processes, write, prove, evaluate, print."""
    from asd.jobs import end_with_parent
    from asd.session import Session

    if args.job:
        end_with_parent(args.job)
    session = Session(request(args))
    if args.job:
        return session.verify_here() if args.verify else session.work()
    if not args.verify:
        session.train()
        for name in session.members:
            if session.write(name):
                print(
                    f"{session.folder(name).folder}: results of other numbers removed; the store keeps what was trained"
                )
    if args.verify or (args.kind == "eval" and not args.no_verify and not args.train_only):
        session.verify()
        print("verified: every score and decision re-derived byte for byte from its clip alone")
    for name in session.members:
        print(f"\n{name}: {systems.description(name)}\nresults in {session.folder(name).folder}")
        print_table(session.evaluate(name))


def request(args: argparse.Namespace) -> Request:
    """The command line as a request. Raises BadInput for what cannot be meant."""
    from asd.errors import BadInput
    from asd.session import Request
    from asd.system import Ensemble

    if args.kind is None:
        raise BadInput("-d (development set) or -e (evaluation set) is needed")
    if args.workers < 1:
        raise BadInput(f"--workers {args.workers}: at least 1 expected")
    recipes = {name: systems.load(name, args.set) for name in dict.fromkeys(args.systems or DEFAULT_SYSTEMS)}
    trained: dict[str, System] = {}
    for name, recipe in recipes.items():
        trained |= systems.load_members(recipe, args.set) if isinstance(recipe, Ensemble) else {name: recipe}
    early = args.train_only or (args.job and args.verify)  # no test clip is opened beforehand
    return Request(
        kind=args.kind,
        data=args.data,
        results=args.results,
        recipes=recipes,
        trained=trained,
        worker=lambda names, machine, words: worker(args, names, machine, words),
        machines=args.machines,
        seeds=wanted_seeds(args.seeds),
        device=args.device,
        workers=args.workers,
        may_train=not (args.test_only or args.verify),
        may_select=args.kind == "dev" and not args.verify,
        splits=("train",) if early else ("train", "test"),
    )


def worker(args: argparse.Namespace, names: Sequence[str], machine: str, words: Sequence[str]) -> list[str]:
    """This program again, as one process for one machine."""
    line = [sys.executable, str(Path(__file__).resolve()), f"--{args.kind}", *names, "--job", str(os.getpid())]
    line += ["--seeds", args.seeds] if args.seeds and "--seeds" not in words else []
    line += [
        "--machines",
        machine,
        "--data",
        str(args.data),
        "--results",
        str(args.results),
        "--device",
        args.device,
        "--workers",
        "1",
    ]
    line += ["--train-only"] if args.train_only else []
    return [*line, *words, *(word for text in args.set for word in ("--set", text))]


def wanted_seeds(text: str | None) -> int | tuple[int, ...] | None:
    """`3` is a number of seeds, `0,4,7` and `5,` are the seeds themselves."""
    from asd.errors import BadInput

    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = ()
    if not found or min(found) < 0 or len(set(found)) < len(found) or ("," not in text and found == (0,)):
        raise BadInput(f"--seeds {text}: expected how many (3), or which ones, each once (0,4,7 or 5,)")
    return found if "," in text else found[0]


def print_table(table: Sequence[Sequence[str]]) -> None:
    short = [[*row[:5], *row[9:]] for row in table]  # precision and recall stay in omega.csv
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    for row in short:
        print("  ".join(f"{cell:{'<' if i == 0 else '>'}{widths[i]}}" for i, cell in enumerate(row)))
    if table:
        print(f"Ω = {table[-1][4]}  (precision and recall: omega.csv)")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        sys.exit(130)
