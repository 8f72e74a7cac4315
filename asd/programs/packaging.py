"""Packaging: a team.yaml and the runs of its systems in, the challenge's package and the report's tables out.

The package appears only where validation finds no defect in it. It needs results/dev/<system> and
results/eval/<system> of the same numbers and members, the latter proven.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asd import evaluation, results, submission
from asd.contracts import Encoder
from asd.errors import BadInput
from asd.programs.opening import recorded_request
from asd.programs.reading import read_systems
from asd.programs.request import Request
from asd.programs.validation import defects
from asd.score_files import DECISION, SCORE
from asd.store import write_text
from asd.submission import Measured
from asd.tables import Rows, counted, rendered

TABLES = {"md": "markdown", "tex": "latex"}


def package(
    team: Mapping[str, Any], team_path: Path, data: Path, results_folder: Path, out: Path, macs: str = "none"
) -> Path:
    """Where the package lies, report_tables.md and .tex beside it. Raises BadInput with all that is wrong.

    `team` is what `read_team` takes from `team_path`; `refuse_missing` tells beforehand which runs are lacking.
    """
    runs = [measured(item["system"], data, results_folder, macs) for item in team["systems"]]
    target = out / f"{submission.label(team, 1).removesuffix('_1')}.zip"
    put(files_of(team, team_path, runs, results_folder), target, data, results_folder)
    for suffix, form in TABLES.items():
        text = "".join(rendered(title, rows, form) for title, rows in report_tables(team, runs))
        write_text(out / f"report_tables.{suffix}", text)
    return target


# ---- what the runs tell ----------------------------------------------------------------------------------------------


def measured(name: str, data: Path, results_folder: Path, macs: str) -> Measured:
    """Raises BadInput where a run is missing or the two are not of the same numbers and members."""
    dev, test = results_folder / "dev" / name, results_folder / "eval" / name
    request = same_request(dev, test, data)
    same_making(dev, test)
    of_dev, of_eval = ([*results.read_run(folder).values()] for folder in (dev, test))
    (run,) = read_systems([dev])
    truths = {m: evaluation.truth_of_names(scores) for m, scores in run.scores.items()}
    described, encoders = part_names(request, "features"), encoder_names(request)
    return Measured(
        front_ends=part_names(request, "frontend"),
        features=tuple(name for name in described if name not in encoders),
        encoders=encoders,
        detectors=part_names(request, "detector"),
        n_subsystems=max(len(record["members"]) for record in of_eval),
        total_parameters=max(record["parameters"] for record in of_eval),
        macs=most_macs([*of_dev, *of_eval], macs, test),
        development={m: evaluation.terms_of(m, s, truths[m]) for m, s in run.scores.items()},
    )


def same_request(dev: Path, test: Path, data: Path) -> Request:
    """What both folders record; the order of members, which changes no score by more than rounding, does not count."""
    of_dev, of_eval = (recorded_request(folder, data, None) for folder in (dev, test))
    kept = [
        (run.recipes, run.trained, {name: sorted(of) for name, of in run.members.items()}) for run in (of_dev, of_eval)
    ]
    if kept[0] != kept[1]:
        raise BadInput(
            f"{test / 'system.yaml'}: not the numbers, seeds or members of {dev / 'system.yaml'}; the development "
            "figures would be another system's (run both with the same --seeds and --set)"
        )
    if of_eval.quick:
        raise BadInput(f"{test / 'system.yaml'}: a run with --quick, of small networks; nothing to submit")
    return of_eval


def same_making(dev: Path, test: Path) -> None:
    """Raises BadInput unless run.json says of all scores that they are as written, by these numbers and one code."""
    made = {}
    for folder in (dev, test):
        place = results.ResultFolder(folder)
        for machine, record in results.read_run(folder).items():
            made[folder, machine] = record.get("made_by")
            if record.get("numbers") != place.numbers():
                raise BadInput(f"{folder / 'system.yaml'}: not what {machine}'s scores were made with; run it again")
            if folder == dev and record.get("files") != place.proof(machine, record.get("section", "00")):
                raise BadInput(
                    f"{folder}: {machine}'s scores or decisions are not those that were written; run it again"
                )
    other = [place for place, by in made.items() if by != made[test, next(iter(results.read_run(test)))]]
    if other:
        folder, machine = other[0]
        raise BadInput(
            f"{folder}: {machine}'s scores were made by other code of this kit than those of {test}; run both again"
        )


def part_names(request: Request, role: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(type(getattr(system, role)).__name__ for system in request.trained.values()))


def encoder_names(request: Request) -> tuple[str, ...]:
    features = (system.features for system in request.trained.values())
    return tuple(dict.fromkeys(type(part).__name__ for part in features if isinstance(part, Encoder)))


def most_macs(records: Sequence[Mapping], unit: str, folder: Path) -> float | None:
    """Multiply-accumulates of the network layers, for the longest clips; None where the template has none."""
    if unit == "none":
        return None
    if any("clip_seconds" not in record for record in records):
        raise BadInput(f"{folder / 'run.json'}: written before clip lengths were recorded; run it again")
    if unit == "clip":
        return max(record["macs_per_clip"] for record in records)
    return max(round(record["macs_per_clip"] / record["clip_seconds"]) for record in records)


# ---- what is written -------------------------------------------------------------------------------------------------


def files_of(
    team: Mapping[str, Any], team_path: Path, runs: Sequence[Measured], results_folder: Path
) -> dict[str, bytes]:
    """The package's files by name below task2/."""
    first = submission.label(team, 1)
    files = {f"{first}.technical_report.pdf": (team_path.parent / team["report"]).read_bytes()}
    for number, (item, run) in enumerate(zip(team["systems"], runs, strict=True), start=1):
        label, folder = submission.label(team, number), results_folder / "eval" / item["system"]
        files[f"{label}/{label}.meta.yaml"] = submission.meta_text(submission.meta_of(team, number, run)).encode()
        for kind in (SCORE, DECISION):
            files |= {f"{label}/{p.name}": p.read_bytes() for p in sorted(folder.glob(f"{kind}_*.csv"))}
    return files


def put(files: Mapping[str, bytes], target: Path, data: Path, results_folder: Path) -> None:
    """Write the zip beside its place, validate it, and only then put it there. Raises BadInput with every defect."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".package_", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        submission.write_zip(draft, files)
        if found := defects(draft, data, results_folder):
            earlier = f" ({target} is an earlier one, left as it was)" if target.exists() else ""
            told = "\n".join(found)
            raise BadInput(f"not written{earlier}:\n{told}\n\n{counted(len(found), 'defect')}")
        draft.replace(target)


def report_tables(team: Mapping[str, Any], runs: Sequence[Measured]) -> list[tuple[str, Rows]]:
    """Development results in percent, and complexity."""
    named = [(item["name"], run) for item, run in zip(team["systems"], runs, strict=True)]
    return [("Development set, percent", figures(named)), ("Complexity", complexity(named))]


def figures(named: Sequence[tuple[str, Measured]]) -> Rows:
    """One row per system and machine, then Ω over all machines."""
    rows = [["system", "machine", "AUC_source", "AUC_target", "pAUC", "Ω"]]
    for name, run in named:
        for machine, terms in run.development.items():
            rows.append([name, machine, *(f"{100 * v:.2f}" for v in (*terms, evaluation.omega(terms)))])
        overall = evaluation.omega(t for terms in run.development.values() for t in terms)
        rows.append([name, "over all", "", "", "", f"{100 * overall:.2f}"])
    return rows


def complexity(named: Sequence[tuple[str, Measured]]) -> Rows:
    """One row per system."""
    rows = [["system", "front-end", "subsystems", "parameters", "MACs"]]
    for name, run in named:
        macs = "-" if run.macs is None else f"{run.macs:,.0f}"
        rows.append([name, " + ".join(run.front_ends), str(run.n_subsystems), f"{run.total_parameters:,}", macs])
    return rows
