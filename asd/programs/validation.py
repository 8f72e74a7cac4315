"""Validation: a submission package (.zip) in, every defect of it with its place out, [] for a clean one.

With a data folder the machines and clips are that folder's, else the challenge's. With a results folder the package is
also held against the runs it was made from: scores, development figures, counts, and the proof in run.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from asd import data, evaluation, guard, results, submission
from asd.clips import Clip
from asd.contracts import SystemScores
from asd.errors import BadInput, printable
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

Records = Mapping[str, Mapping[str, Any]]  # machine -> its record in run.json


def defects(path: Path, data_folder: Path | None = None, results_folder: Path | None = None) -> list[str]:
    """All of them. Raises BadInput where the zip or a folder cannot be read at all."""
    expected = expected_of(data_folder)
    files, found = submission.read_archive(path)
    package = submission.check_files(files, expected) if files or not found else Package()
    found += [f"{path.name}: {defect}" for defect in [*package.defects, *signs(package)]]
    found = [*map(printable, found)]  # they repeat the zip's names
    if results_folder is not None:
        against = against_results(package, expected, results_folder, data_folder)
        found += [f"{path.name}: {defect}" for defect in against]
    return found


def expected_of(data_folder: Path | None) -> Expected:
    """The challenge's machines and clips, or those of a data folder."""
    if data_folder is None:
        return Expected()
    dev, test = (test_clips(data_folder, kind) for kind in ("dev", "eval"))
    return Expected([*dev], test, dev)


def test_clips(data_folder: Path, kind: str) -> dict[str, frozenset[str]]:
    """Machine -> names of its test clips."""
    raw = data.raw_folder(data_folder, kind)
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


# ---- against the runs ------------------------------------------------------------------------------------------------


def against_results(package: Package, expected: Expected, folder: Path, data_folder: Path | None) -> list[str]:
    """What the runs in a results folder say against the package."""
    if not (folder / "eval").is_dir():
        raise BadInput(f"--results {folder}: no eval/ in it; give the folder that holds dev/ and eval/")
    try:
        runs, found = evaluation_runs(folder), []
        for label in package.scores:
            name, problem = run_behind(package, label, runs, folder)
            told = against_run(package, label, folder, name, expected, data_folder) if name else [problem]
            found += [f"{label}: {one}" for one in told]
    except (BadInput, OSError) as error:  # one more thing to mend, beside the defects of the zip itself
        return [str(error)]
    return found


def evaluation_runs(folder: Path) -> list[SystemScores]:
    """All of results/eval that can be read; a run under way beside the package's is not its business."""
    runs = []
    for run in sorted(path.parent for path in (folder / "eval").glob("*/run.json")):
        with suppress(BadInput):
            runs += reading.read_systems([run])
    if not runs:
        raise BadInput(f"{folder / 'eval'}: no system's results there (run.py -e writes them)")
    return runs


def run_behind(package: Package, label: str, runs: Sequence[SystemScores], folder: Path) -> tuple[str, str]:
    """The system whose scores and decisions these are, or "" and why there is none."""
    same = [run for run in runs if run.scores == package.scores[label]]
    name = next((run.name for run in same if run.decisions == package.decisions.get(label)), "")
    if name:
        return name, ""
    if same:
        return "", f"its scores are those of {same[0].name}, its decisions are not"
    there = f"{folder / 'eval'} ({', '.join(run.name for run in runs)})"
    return "", f"its scores are of no system in {there}; was one of them changed since?"


def against_run(
    package: Package, label: str, folder: Path, name: str, expected: Expected, data_folder: Path | None
) -> list[str]:
    """What a system's run says against its package."""
    place, meta = ResultFolder(folder / "eval" / name), package.metas.get(label, {})
    records = results.read_run(place.folder)
    machines = list(package.scores[label])
    return [
        *unproven(place, machines, records),
        *other_recordings(place.folder, records, data_folder),
        *other_counts(meta, name, [records[m] for m in machines if m in records]),
        *other_figures(nested(meta, "results", "development_dataset"), folder / "dev" / name, expected),
    ]


def unproven(place: ResultFolder, machines: Sequence[str], records: Records) -> list[str]:
    lacking = [m for m in machines if not is_proven(place, m, records)]
    if not lacking:
        return []
    return [
        f"{place.folder}: {', '.join(lacking)} without a passed verification of these very files; "
        f"run `python run.py -e {place.folder.name} --verify`"
    ]


def is_proven(place: ResultFolder, machine: str, records: Records) -> bool:
    """Whether a proof passed, and of the files that lie there now."""
    section = next(match[3] for p in place.folder.glob(f"*_{machine}_section_*") if (match := NAME.fullmatch(p.name)))
    return machine in records and records[machine].get("verified") == place.proof(machine, section)


def other_recordings(run: Path, records: Records, data_folder: Path | None) -> list[str]:
    """Machines whose test clips have another content than those the run has scored."""
    if data_folder is None:
        return []
    raw, found = data.raw_folder(data_folder, "eval"), []
    for machine, record in records.items():
        paths = data.wav_paths(raw / machine / "test")
        if paths and clips_key([Clip(path, machine, "") for path in paths]) != record["data"].get("test"):
            found.append(f"{run}: {machine} was scored on other recordings than {data_folder}'s")
    return found


def other_counts(meta: Mapping, name: str, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Parameters and members in meta.yaml against those of the run's machines."""
    found = []
    counted = max((record["parameters"] for record in records), default=0)
    given = nested(meta, "system", "complexity", "total_parameters")
    if given != counted:
        found.append(f"meta.yaml: total_parameters {given}, but {name}'s run counted {counted}")
    members = max((len(record["members"]) for record in records), default=1)
    given = nested(meta, "system", "description", "ensemble_method_subsystem_count") or 1
    if given != members:
        found.append(f"meta.yaml: ensemble_method_subsystem_count {given}, but {name}'s run has {members} members")
    return found


def other_figures(told: object, folder: Path, expected: Expected) -> list[str]:
    """The development figures in meta.yaml against the score files they come from."""
    (run,) = reading.read_systems([folder])
    found = []
    for machine, scores in run.scores.items():
        if machine in expected.dev_clips:
            evaluation.same_clips(scores, expected.dev_clips[machine], f"{folder}: {machine}")
        terms = evaluation.terms_of(machine, scores, evaluation.truth_of_names(scores))
        for metric, value in zip(submission.METRICS, terms, strict=True):
            given = nested(told, machine, metric)
            if isinstance(given, (int, float)) and abs(given - 100 * value) > TOLERANCE:
                found.append(f"meta.yaml: {machine} {metric} {given}, but {folder} has {100 * value:.2f}")
    return found


def nested(value: object, *keys: str) -> object:
    """A nested value, or None where there is none: `submission` tells that as a defect of meta.yaml."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
