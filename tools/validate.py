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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import data, evaluation, guard, submission
from asd.clips import Clip
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.programs import reading
from asd.results import ResultFolder
from asd.score_files import NAME
from asd.submission import Expected, Package
from asd.system import clips_key

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
    dev, test = (test_clips(folder, kind) for kind in ("dev", "eval"))
    return Expected([*dev], test, dev)


def test_clips(folder: Path, kind: str) -> dict[str, frozenset[str]]:
    """Machine -> names of its test clips."""
    raw = data.raw_folder(folder, kind)
    clips = {m: frozenset(p.name for p in data.wav_paths(raw / m / "test")) for m in data.machine_names(raw)}
    empty = [m for m, names in clips.items() if not names]
    if empty:
        raise BadInput(f"{raw / empty[0] / 'test'}: no .wav file (is this set downloaded?)")
    return clips


def signs(package: Package) -> list[str]:
    """What statistics over test clips leave in scores and decisions."""
    found = []
    for label, scores in package.scores.items():
        decisions = package.decisions.get(label, {})
        files = {m: (s, d if (d := decisions.get(m, {})).keys() == s.keys() else None) for m, s in scores.items()}
        found += [f"{label}: {sign}" for sign in guard.signs_of_all(files)]
    return found


def against_results(package: Package, expected: Expected, results: Path, folder: Path | None) -> list[str]:
    """The package against the runs in `results`; a system is known by its scores and decisions."""
    runs = evaluation_runs(results)
    found: list[str] = []
    for label, scores in package.scores.items():
        same = [run for run in runs if run.scores == scores]
        best = next((run for run in same if run.decisions == package.decisions.get(label)), None)
        if best is not None:
            problems = of_run(package, label, results, best.name, expected, folder)
            found += [f"{label}: {problem}" for problem in problems]
        elif same:
            found.append(f"{label}: its scores are those of {same[0].name}, its decisions are not")
        else:
            there = f"{results / 'eval'} ({', '.join(run.name for run in runs)})"
            found.append(f"{label}: its scores are of no system in {there}; was one of them changed since?")
    return found


def evaluation_runs(results: Path) -> list[SystemScores]:
    """All of results/eval that can be read; a run under way beside the package's is not its business."""
    runs = []
    for folder in sorted(path.parent for path in (results / "eval").glob("*/run.json")):
        with suppress(BadInput):
            runs += reading.read_systems([folder])
    if not runs:
        raise BadInput(f"{results / 'eval'}: no system's results there (run.py -e writes them)")
    return runs


def of_run(
    package: Package, label: str, results: Path, name: str, expected: Expected, folder: Path | None
) -> list[str]:
    """What a system's runs say against its package."""
    place = ResultFolder(results / "eval" / name)
    record = results.read_run(place.folder)
    scored = package.scores[label]
    unproven = [m for m in scored if not proven(place, m, record)]
    found = []
    if unproven:
        found.append(
            f"{place.folder}: {', '.join(unproven)} without a passed verification of these very files; "
            f"run `python run.py -e {name} --verify` with the --seeds and --set of that run"
        )
    if folder is not None:
        found += [f"{place.folder}: {m} was scored on other recordings than {folder}'s" for m in others(record, folder)]
    meta = package.metas.get(label, {})
    parameters = max((record[m]["parameters"] for m in scored if m in record), default=0)
    given = at(meta, "system", "complexity", "total_parameters")
    if given != parameters:
        found.append(f"meta.yaml: total_parameters {given}, but {name}'s run counted {parameters}")
    n_members = max((len(record[m]["members"]) for m in scored if m in record), default=1)
    count = at(meta, "system", "description", "ensemble_method_subsystem_count") or 1
    if count != n_members:
        found.append(f"meta.yaml: ensemble_method_subsystem_count {count}, but {name}'s run has {n_members} members")
    return found + of_development(at(meta, "results", "development_dataset"), results / "dev" / name, expected)


def proven(place: ResultFolder, machine: str, record: Mapping[str, Mapping]) -> bool:
    """Whether a proof passed, and of the files that lie there now."""
    section = next(match[3] for p in place.folder.glob(f"*_{machine}_section_*") if (match := NAME.fullmatch(p.name)))
    return machine in record and record[machine].get("verified") == place.proof(machine, section)


def others(record: Mapping[str, Mapping], folder: Path) -> list[str]:
    """Machines whose test clips have another content than those the run has scored."""
    raw = data.raw_folder(folder, "eval")
    found = []
    for machine, of_machine in record.items():
        clips = [Clip(path, machine, "") for path in data.wav_paths(raw / machine / "test")]
        if clips and clips_key(clips) != of_machine["data"].get("test"):
            found.append(machine)
    return found


def at(meta: object, *keys: str) -> object:
    """A nested value, or None where there is none: that is told as a defect of meta.yaml."""
    for key in keys:
        meta = meta.get(key) if isinstance(meta, Mapping) else None
    return meta


def of_development(told: object, folder: Path, expected: Expected) -> list[str]:
    """The development figures in meta.yaml against the score files they come from."""
    (run,) = reading.read_systems([folder])
    found = []
    for machine, scores in run.scores.items():
        if machine in expected.dev_clips:
            evaluation.same_clips(scores, expected.dev_clips[machine], f"{folder}: {machine}")
        terms = evaluation.terms_of(machine, scores, evaluation.truth_of_names(scores))
        for metric, value in zip(submission.METRICS, terms, strict=True):
            given = at(told, machine, metric)
            if isinstance(given, (int, float)) and abs(given - 100 * value) > TOLERANCE:
                found.append(f"meta.yaml: {machine} {metric} {given}, but {folder} has {100 * value:.2f}")
    return found


def defects(path: Path, folder: Path | None, results: Path | None) -> list[str]:
    """All of them. Raises BadInput where the zip or the data folder cannot be read at all."""
    expected = expected_of(folder)
    files, found = submission.read_archive(path)
    package = submission.check_files(files, expected) if files or not found else Package()
    found += [f"{path.name}: {defect}" for defect in [*package.defects, *signs(package)]]
    if results is not None:
        if not (results / "eval").is_dir():
            raise BadInput(f"--results {results}: no eval/ in it; give the folder that holds dev/ and eval/")
        try:
            against = against_results(package, expected, results, folder)
        except (BadInput, OSError) as error:  # one more thing to mend, beside the defects of the zip itself
            against = [str(error)]
        found += [f"{path.name}: {defect}" for defect in against]
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
        if args.data is None and any("no machine '" in defect for defect in found):
            print("(the challenge's own machines are expected; for a package of another data set give --data DIR)")
        print(f"\n{len(found)} defect{'s' * (len(found) > 1)}; {args.package} is not ready to be submitted")
        return 2
    print(f"{args.package}: no defect found")
    if args.results is None:
        print("not checked: development figures, parameters and the train-only proof (give --results)")
    print(f"\n{CHECKLIST}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
