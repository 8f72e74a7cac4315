#!/usr/bin/env python3
"""Train and test anomalous sound detection systems, one a machine, on DCASE 2026 Task 2 data.

python run.py -d baseline_mse baseline_mahala        development set: scores, decisions, Ω table
python run.py -e baseline_mse                        evaluation set: train on the additional training set, write the
                                                     challenge's score and decision files for the anonymous clips
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import systems

if TYPE_CHECKING:
    from asd.data import Machine
    from asd.evaluation import Result
    from asd.jobs import Job
    from asd.submission import ResultFolder
    from asd.system import Chain, FittedSystem, System

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch load: a process is one thread, more would change the bytes

DEFAULT_SYSTEMS = ["baseline_mse", "baseline_mahala"]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    stage = p.add_mutually_exclusive_group()
    stage.add_argument("-d", "--dev", dest="kind", action="store_const", const="dev", help="development set")
    stage.add_argument("-e", "--eval", dest="kind", action="store_const", const="eval", help="evaluation set")
    p.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"see --list; default {' '.join(DEFAULT_SYSTEMS)}")
    p.add_argument(
        "--data", type=Path, default=Path("data/dcase2026t2"), help="holds dev_data/raw and eval_data/raw (%(default)s)"
    )
    p.add_argument(
        "--results", type=Path, default=Path("results"), help="results and the store of trained systems (%(default)s)"
    )
    p.add_argument("--machines", nargs="+", metavar="MACHINE", help="default: all of the data folder")
    p.add_argument("--seeds", help="how many (3), or which (0,4,7); default: the system's own")
    part = p.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="stop after training; test clips need not be there")
    part.add_argument("--test-only", action="store_true", help="never train; everything must be in the store")
    p.add_argument(
        "--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="e.g. detector.training.epochs=3"
    )
    p.add_argument(
        "--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes of one thread (%(default)s)"
    )
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="for training (%(default)s)")
    p.add_argument("--list", action="store_true", help="list the systems; with SYSTEM, its numbers")
    p.add_argument("--job", action="store_true", help=argparse.SUPPRESS)  # one of the parent's worker processes
    return p


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    if args.list and not args.systems:
        width = max(map(len, systems.names()))
        print("\n".join(f"{name:{width}}  {systems.description(name)}" for name in systems.names()))
        return 0
    from asd.jobs import JobFailed
    from asd.vocabulary import BadInput

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

    for name in names:
        print(f"# {name}: {systems.description(name)}")
        print(yaml.safe_dump(numbers(systems.load(name)), sort_keys=False), end="")


def run(args: argparse.Namespace) -> None:
    """The one loop: check everything, extract features, train in worker processes, assemble, evaluate, print."""
    from asd.jobs import end_with_parent, run_all
    from asd.vocabulary import BadInput

    if args.kind is None:
        raise BadInput("-d (development set) or -e (evaluation set) is needed")
    if args.workers < 1:
        raise BadInput(f"--workers {args.workers}: at least 1 expected")
    recipes = {name: systems.load(name, args.set) for name in dict.fromkeys(args.systems or DEFAULT_SYSTEMS)}
    seeds = {name: recipe.chosen_seeds(wanted_seeds(args.seeds)) for name, recipe in recipes.items()}
    machines = open_machines(args)
    device = chosen_device(args.device)
    writable(args.results)
    chains = {(n, m.name): chain_of(args, recipe, m, device) for n, recipe in recipes.items() for m in machines}
    if args.job:
        end_with_parent()
    for machine in machines:
        extract(args, [chains[name, machine.name] for name in recipes], machine)
    if args.job:
        return work(args, list(chains.values()), seeds, machines)
    if not args.test_only:
        run_all(jobs(args, chains, seeds, machines, device), args.workers, args.results / "logs")
    for name, recipe in recipes.items():
        report(args, name, recipe, seeds[name], [(machine, chains[name, machine.name]) for machine in machines])


def wanted_seeds(text: str | None) -> int | tuple[int, ...] | None:
    """`3` is a number of seeds, `0,4,7` and `5,` are the seeds themselves."""
    from asd.vocabulary import BadInput

    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = ()
    if not found or min(found) < 0 or len(set(found)) < len(found) or ("," not in text and found == (0,)):
        raise BadInput(f"--seeds {text}: expected how many (3), or which ones, each once (0,4,7 or 5,)")
    return found if "," in text else found[0]


def open_machines(args: argparse.Namespace) -> list[Machine]:
    """The chosen machines; raises with every problem of all of them at once."""
    from asd import data
    from asd.vocabulary import BadInput

    raw = data.raw_folder(args.data, args.kind)
    splits = ("train",) if args.train_only else ("train", "test")
    surveys = [data.survey(raw / name, splits) for name in data.chosen_machines(raw, args.machines)]
    problems = tuple(problem for survey in surveys for problem in survey.problems)
    if problems:
        raise BadInput(
            f"{data.listed(problems)}\n(`python tools/inspect_data.py {args.data}` shows the whole data set)"
        )
    return [survey.machine() for survey in surveys]


def chosen_device(wanted: str) -> str:
    import torch

    from asd.vocabulary import BadInput

    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda: PyTorch sees no CUDA GPU (is a CPU build of torch installed?); use --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def writable(results: Path) -> None:
    from asd.store import written_whole
    from asd.vocabulary import BadInput

    probe = results / ".writable"
    try:
        with written_whole(probe):
            pass
        probe.unlink()
    except OSError as error:
        raise BadInput(
            f"{results}: cannot be written ({error.strerror}); give another folder with --results"
        ) from error


def chain_of(args: argparse.Namespace, recipe: System, machine: Machine, device: str) -> Chain:
    from asd.data import read_wave
    from asd.store import Store
    from asd.system import Chain

    return Chain(
        recipe, machine.train, machine.is_target, Store(args.results / "store"), read_wave, device, not args.test_only
    )


def extract(args: argparse.Namespace, chains: list[Chain], machine: Machine) -> None:
    from asd.system import prepare

    if not args.test_only:
        prepare(chains, machine.train, args.workers)
    if not args.train_only:
        prepare(chains, machine.test, args.workers)


def work(
    args: argparse.Namespace, chains: list[Chain], seeds: dict[str, tuple[int, ...]], machines: list[Machine]
) -> None:
    """A worker's share: one machine, systems that share a training, some seeds."""
    for chain, chosen in zip(chains, seeds.values(), strict=True):
        chain.scorers(chosen)  # all seeds in one stack where the device trains so
        for seed in chosen:
            chain.raw_scores(() if args.train_only else machines[0].test, seed)


def jobs(
    args: argparse.Namespace,
    chains: dict[tuple[str, str], Chain],
    seeds: dict[str, tuple[int, ...]],
    machines: list[Machine],
    device: str,
) -> list[Job]:
    """What is not in the store: a job for each training and seed (on a GPU one for each training, seeds stacked)."""
    groups: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    for machine in machines:
        for name, chosen in seeds.items():
            chain = chains[name, machine.name]
            todo = [s for s in chosen if not chain.done(() if args.train_only else machine.test, s)]
            key = chain.system.detector.training_key(chain.block(chain.train).key)
            for share in ([tuple(todo)] if todo else []) if device == "cuda" else [(s,) for s in todo]:
                groups.setdefault((machine.name, key, share), []).append(name)
    return [job(args, names, machine, share, device) for (machine, _, share), names in groups.items()]


def job(args: argparse.Namespace, names: list[str], machine: str, seeds: tuple[int, ...], device: str) -> Job:
    from asd.jobs import Job

    command = [sys.executable, str(Path(__file__).resolve()), f"--{args.kind}", *names, "--job", "--machines", machine]
    command += ["--seeds", ",".join(map(str, seeds)) + ",", "--data", str(args.data), "--results", str(args.results)]
    command += ["--device", device, "--workers", "1", *(["--train-only"] if args.train_only else [])]
    command += [word for text in args.set for word in ("--set", text)]
    return Job(f"{args.kind}_{machine}_{'+'.join(names)}_seed_{'-'.join(map(str, seeds))}", tuple(command))


def report(
    args: argparse.Namespace, name: str, recipe: System, seeds: tuple[int, ...], pairs: list[tuple[Machine, Chain]]
) -> None:
    """Write one system's results from the store, evaluate where the truth is known, print the table."""
    from asd.store import numbers
    from asd.submission import ResultFolder

    folder = ResultFolder(args.results / args.kind / name)
    stale = folder.begin({"system": name, "seeds": list(seeds), **numbers(recipe)})
    if stale:
        print(f"{folder.folder}: results of other numbers removed; what was trained stays in the store")
    results = []
    for machine, chain in pairs:
        fitted = chain.fitted(seeds)
        write_machine(args, folder, machine, chain, fitted)
        if not args.train_only and (result := evaluated(folder, machine)):
            results.append(result)
    print(f"\n{name}: {systems.description(name)}\nresults in {folder.folder}")
    if results:
        print_table(results, folder.folder / "omega.csv")


def write_machine(
    args: argparse.Namespace, folder: ResultFolder, machine: Machine, chain: Chain, fitted: FittedSystem
) -> None:
    """Score files of the system and of each seed, and the machine's entry in run.json."""
    from asd.submission import Scored
    from asd.system import clips_key, mean

    test = () if args.train_only else machine.test
    names, train = [clip.path.name for clip in test], [clip.path.name for clip in machine.train]
    raw = [chain.raw_scores(test, seed) for seed in fitted.seeds] if test else []
    clips = [fitted.of_raw(column) for column in zip(*raw, strict=True)]
    section = machine.train[0].section
    for i, seed in enumerate(fitted.seeds):
        of_seed = dict(zip(names, (c.seeds[i] for c in clips), strict=True))
        decided = dict(zip(names, (c.seed_decisions[i] for c in clips), strict=True))
        scored = Scored(of_seed, decided, dict(zip(train, fitted.train_scores[i].tolist(), strict=True)))
        folder.write_seed(seed, machine.name, section, scored, fitted.scorers[i].history)
    scores = {name: c.score for name, c in zip(names, clips, strict=True)}
    decisions = {name: c.decision for name, c in zip(names, clips, strict=True)}
    train_scores = {name: mean(column) for name, column in zip(train, fitted.train_scores.T, strict=True)}
    folder.write(machine.name, section, Scored(scores, decisions, train_scores))
    data = {"train": clips_key(machine.train), "test": clips_key(test), "n_train": len(train), "n_test": len(test)}
    folder.record(versions(chain.device), machine.name, {"data": data, **fitted.record(chain.read(machine.train[0]))})


def versions(device: str) -> dict[str, object]:
    from importlib.metadata import version

    packages = {name: version(name) for name in ("torch", "numpy", "scipy", "librosa", "scikit-learn", "soundfile")}
    return {
        "python": sys.version.split()[0],
        **packages,
        "device": device,
        "threads": 1,
        "written": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def evaluated(folder: ResultFolder, machine: Machine) -> Result | None:
    """The machine's result where the truth is known: telling names, or a test_rename folder."""
    from asd import evaluation
    from asd.vocabulary import ANONYMOUS

    section, paths = machine.train[0].section, [clip.path for clip in machine.test]
    renamed = machine.folder / "test_rename"
    if not any(ANONYMOUS.fullmatch(path.name) for path in paths):
        truth = evaluation.truth_of_names(path.name for path in paths)
    elif renamed.is_dir():
        truth = evaluation.truth_of_renamed(paths, renamed)
    else:
        return None
    scores, decisions = folder.scores(machine.name, section), folder.decisions(machine.name, section)
    return evaluation.evaluate(machine.name, scores, decisions, truth)


def print_table(results: list[Result], path: Path) -> None:
    """The Ω table on the screen and in omega.csv."""
    from asd.evaluation import rows
    from asd.store import write_text

    table = rows(results)
    write_text(path, "".join(",".join(row) + "\n" for row in table))
    short = [[*row[:5], *row[9:]] for row in table]
    widths = [max(len(row[i]) for row in short) for i in range(len(short[0]))]
    for row in short:
        print("  ".join(f"{cell:{'<' if i == 0 else '>'}{widths[i]}}" for i, cell in enumerate(row)))
    print(f"Ω = {table[-1][4]}  (precision and recall in {path})")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        sys.exit(130)
