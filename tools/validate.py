#!/usr/bin/env python3
"""Every defect of a submission package, each with its place; a clean one gets the list of what no machine can check.

    python tools/validate.py submission/Example_EXU_task2.zip
    python tools/validate.py submission/Example_EXU_task2.zip --data data/dcase2026t2 --results results

Without --data the challenge's own machines and 200 clips each are expected. With --results the package is also held
against the runs it was made from: its scores, its development figures, the proof in run.json. Exit code 2: a defect.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import data, evaluation, guard, submission
from asd.submission import Expected, Package
from asd.vocabulary import BadInput

CHECKLIST = """\
What no program can check; go through it before you submit:
  [ ] every external data set and pretrained model is on the challenge's list and declared in meta.yaml
  [ ] no hyper-parameter was set for one machine, no evaluation clip was listened to, labelled or trained on
  [ ] all systems were chosen on the development set, before the evaluation set was scored
  [ ] decisions use one threshold for both domains; the domain of a test clip was used nowhere
  [ ] the report describes all systems, in 4 pages and 1 of references, with the tables of this very package
  [ ] authors, their order, affiliations and the corresponding address are agreed"""
TOLERANCE = 0.005 + 1e-9  # percent; two decimals are printed


def expected_of(folder: Path | None) -> Expected:
    """The challenge's machines and clips, or those of a data folder."""
    if folder is None:
        return Expected()
    dev, test = data.raw_folder(folder, "dev"), data.raw_folder(folder, "eval")
    clips = {m: frozenset(p.name for p in data.wav_paths(test / m / "test")) for m in data.machine_names(test)}
    empty = [m for m, names in clips.items() if not names]
    if empty:
        raise BadInput(f"{test / empty[0] / 'test'}: no .wav file (is the evaluation set downloaded?)")
    return Expected(data.machine_names(dev), clips)


def signs(package: Package) -> list[str]:
    """What statistics over test clips leave in scores and decisions."""
    found = []
    for label, scores in package.scores.items():
        decisions = package.decisions.get(label, {})
        files = {m: (s, d if (d := decisions.get(m, {})).keys() == s.keys() else None) for m, s in scores.items()}
        found += [f"{label}: {sign}" for sign in guard.signs_of_all(files)]
    return found


def against_results(package: Package, results: Path) -> list[str]:
    """The package against the runs in `results`; a system is known by its scores."""
    folders = sorted(path.parent for path in (results / "eval").glob("*/run.json"))
    if not folders:
        raise BadInput(f"{results / 'eval'}: no system's results there (run.py -e writes them)")
    runs = {s.name: s for folder in folders for s in submission.read_systems([folder])}
    found: list[str] = []
    for label, scores in package.scores.items():
        name = next((n for n, run in runs.items() if run.scores == scores), None)
        if name is None:
            found.append(
                f"{label}: its scores are of no system in {results / 'eval'} ({', '.join(runs)}); changed since?"
            )
            continue
        if package.decisions.get(label) != runs[name].decisions:
            found.append(f"{label}: its scores are those of {name}, its decisions are not")
        found += [f"{label}: {problem}" for problem in of_run(package.metas.get(label), results, name)]
    return found


def of_run(meta: Mapping | None, results: Path, name: str) -> list[str]:
    """What a system's run says against its meta.yaml, and whether it was proven."""
    run = json.loads((results / "eval" / name / "run.json").read_text(encoding="utf-8"))["machines"]
    unproven = [machine for machine, record in run.items() if record["verified"] is not True]
    found = []
    if unproven:
        found.append(
            f"{results / 'eval' / name / 'run.json'}: {', '.join(unproven)} without a passed verification; "
            f"run `python run.py -e {name} --verify`"
        )
    if meta is None:
        return found
    try:
        told, parameters = meta["results"]["development_dataset"], meta["system"]["complexity"]["total_parameters"]
        measured = max(record["parameters"] for record in run.values())
        if parameters != measured:
            found.append(f"meta.yaml: total_parameters {parameters}, but {name}'s run counted {measured}")
        return found + of_development(told, results / "dev" / name)
    except (KeyError, TypeError):  # told as a defect of meta.yaml already
        return found


def of_development(told: Mapping, folder: Path) -> list[str]:
    """The development figures in meta.yaml against the score files they come from."""
    (run,) = submission.read_systems([folder])
    found = []
    for machine, scores in run.scores.items():
        terms = evaluation.terms_of(machine, scores, evaluation.truth_of_names(scores))
        for metric, value in zip(submission.METRICS, terms, strict=True):
            given = told.get(machine, {}).get(metric)
            if isinstance(given, (int, float)) and abs(given - 100 * value) > TOLERANCE:
                found.append(f"meta.yaml: {machine} {metric} {given}, but {folder} has {100 * value:.2f}")
    return found


def defects(path: Path, folder: Path | None, results: Path | None) -> list[str]:
    """All of them. Raises BadInput where the zip, the data or the results folder cannot be read at all."""
    expected = expected_of(folder)
    files, found = submission.read_archive(path)
    package = submission.check_files(files, expected) if files or not found else Package()
    found += [f"{path.name}: {defect}" for defect in [*package.defects, *signs(package)]]
    if results is not None:
        found += [f"{path.name}: {defect}" for defect in against_results(package, results)]
    return found


def main(argv: Sequence[str]) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("package", type=Path, metavar="ZIP")
    parser.add_argument("--data", type=Path, help="expect the machines and clips of this data folder")
    parser.add_argument("--results", type=Path, help="hold it against the runs of this results folder")
    args = parser.parse_args(argv)
    try:
        found = defects(args.package, args.data, args.results)
    except (BadInput, OSError) as error:
        print(f"validate.py: {error}", file=sys.stderr)
        return 2
    if found:
        print("\n".join(found))
        print(f"\n{len(found)} defect{'s' * (len(found) > 1)}; {args.package} is not ready to be submitted")
        return 2
    print(f"{args.package}: no defect found")
    if args.results is None:
        print("not checked: development figures, parameters and the train-only proof (give --results)")
    print(f"\n{CHECKLIST}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
