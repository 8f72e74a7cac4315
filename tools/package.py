#!/usr/bin/env python3
"""One to four systems as the challenge's submission package: what the team says, and everything that can be measured.

    cp submission/template.yaml submission/team.yaml     then fill it in
    python tools/package.py                              submission/<Surname>_<INST>_task2.zip, and the report's tables
    python tools/package.py --macs second                with multiply-accumulates a second of audio in meta.yaml

Needs results/dev/<system> and results/eval/<system> of the same numbers, the latter proven (run.py -e does both), and
the data folder they are of. The zip appears only if `tools/validate.py` finds no defect in it. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import systems
from asd import evaluation, score_files, submission
from asd.errors import BadInput
from asd.programs import reading
from asd.settings import read_yaml
from asd.store import write_text
from asd.submission import Measured
from asd.tables import rendered

MACS = ("none", "clip", "second")
TABLES = {"md": "markdown", "tex": "latex"}


def read_team(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        raise BadInput(f"{path}: no such file; copy submission/template.yaml there and fill it in")
    team, problems = submission.check_team(path.read_bytes(), str(path), systems.names())
    report = path.parent / str(team.get("report"))
    if not problems and not report.is_file():
        problems.append(f"{path}: report: {report} is not there; a path beside {path.name} is expected")
    if problems:
        raise BadInput("\n".join(problems))
    return team


def measured(name: str, results: Path, macs: str) -> Measured:
    """Raises BadInput where a run is missing or the two are not of the same numbers, seeds and members."""
    dev, test = results / "dev" / name, results / "eval" / name
    of_dev, of_eval = results.read_run(dev), results.read_run(test)
    if (dev / "system.yaml").read_bytes() != (test / "system.yaml").read_bytes():
        raise BadInput(
            f"{test / 'system.yaml'}: not the numbers, seeds or members of {dev / 'system.yaml'}; the development "
            "figures would be another system's (run both with the same --seeds and --set)"
        )
    numbers = read_yaml(test / "system.yaml")
    chains = [part for part in numbers.values() if isinstance(part, dict) and part.get("part") == "System"]
    records = list(of_eval.values())
    (run,) = reading.read_systems([dev])
    truths = {m: evaluation.truth_of_names(scores) for m, scores in run.scores.items()}
    return Measured(
        front_ends=parts(chains, "frontend"),
        features=parts(chains, "features"),
        detectors=parts(chains, "detector"),
        n_subsystems=max(len(record["members"]) for record in records),
        total_parameters=max(record["parameters"] for record in records),
        macs=most_macs([*of_dev.values(), *records], macs, test),
        development={m: evaluation.terms_of(m, s, truths[m]) for m, s in run.scores.items()},
    )


def parts(chains: Sequence[Mapping], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain[kind]["part"] for chain in chains))


def most_macs(records: Sequence[Mapping], unit: str, folder: Path) -> float | None:
    """Multiply-accumulates of the network layers, for the longest clips; None where the template has none."""
    if unit == "none":
        return None
    if any("clip_seconds" not in record for record in records):
        raise BadInput(f"{folder / 'run.json'}: written before clip lengths were recorded; run it again")
    if unit == "clip":
        return max(record["macs_per_clip"] for record in records)
    return max(round(record["macs_per_clip"] / record["clip_seconds"]) for record in records)


def files_of(team: Mapping[str, Any], team_path: Path, runs: Sequence[Measured], results: Path) -> dict[str, bytes]:
    """The package's files by name below task2/."""
    first = submission.label(team, 1)
    files = {f"{first}.technical_report.pdf": (team_path.parent / team["report"]).read_bytes()}
    for number, (item, run) in enumerate(zip(team["systems"], runs, strict=True), start=1):
        label, folder = submission.label(team, number), results / "eval" / item["system"]
        files[f"{label}/{label}.meta.yaml"] = submission.meta_text(submission.meta_of(team, number, run)).encode()
        for kind in (score_files.SCORE, score_files.DECISION):
            files |= {f"{label}/{p.name}": p.read_bytes() for p in sorted(folder.glob(f"{kind}_*.csv"))}
    return files


def report_tables(team: Mapping[str, Any], runs: Sequence[Measured]) -> list[tuple[str, list[list[str]]]]:
    """Development results in percent and complexity, a row a system."""
    names = [item["name"] for item in team["systems"]]
    figures = [["system", "machine", "AUC_source", "AUC_target", "pAUC", "Ω"]]
    for name, run in zip(names, runs, strict=True):
        for machine, terms in run.development.items():
            figures.append([name, machine, *(f"{100 * v:.2f}" for v in (*terms, evaluation.omega(terms)))])
        overall = evaluation.omega(t for terms in run.development.values() for t in terms)
        figures.append([name, "over all", "", "", "", f"{100 * overall:.2f}"])
    size = [["system", "front-end", "subsystems", "parameters", "MACs"]]
    for name, run in zip(names, runs, strict=True):
        macs = "-" if run.macs is None else f"{run.macs:,.0f}"
        size.append([name, " + ".join(run.front_ends), str(run.n_subsystems), f"{run.total_parameters:,}", macs])
    return [("Development set, percent", figures), ("Complexity", size)]


def validated(files: Mapping[str, bytes], target: Path, data: Path, results: Path) -> None:
    """Write the zip beside its place, let validate.py judge it, and only then put it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".package_", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        submission.write_zip(draft, files)
        tool = Path(__file__).with_name("validate.py")
        line = [sys.executable, str(tool), str(draft), "--data", str(data), "--results", str(results)]
        judged = subprocess.run(line, capture_output=True, text=True, check=False)
        told = f"{judged.stdout}{judged.stderr}".replace(str(draft), str(target)).rstrip()
        if judged.returncode != 0:
            earlier = f" ({target} is an earlier one, left as it was)" if target.exists() else ""
            raise BadInput(f"not written{earlier}:\n{told}")
        draft.replace(target)
    print(told)


def main(argv: Sequence[str]) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    add = parser.add_argument
    add("--team", type=Path, default=Path("submission/team.yaml"), help="%(default)s")
    add("--data", type=Path, default=Path("data/dcase2026t2"), help="the data folder of the runs (%(default)s)")
    add("--results", type=Path, default=Path("results"), help="%(default)s")
    add("--out", type=Path, default=Path("submission"), help="%(default)s")
    add("--macs", choices=MACS, default="none", help="MACS in meta.yaml, a clip or a second; templates differ (none)")
    args = parser.parse_args(argv)
    try:
        team = read_team(args.team)
        runs = [measured(item["system"], args.results, args.macs) for item in team["systems"]]
        target = args.out / f"{submission.label(team, 1).removesuffix('_1')}.zip"
        validated(files_of(team, args.team, runs, args.results), target, args.data, args.results)
        for suffix, form_of in TABLES.items():
            text = "".join(rendered(title, rows, form_of) for title, rows in report_tables(team, runs))
            write_text(args.out / f"report_tables.{suffix}", text)
    except (BadInput, OSError) as error:
        print(f"package.py: {error}", file=sys.stderr)
        return 2
    print(f"\n{target} and the report's tables (report_tables.md, .tex) beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
