#!/usr/bin/env python3
"""The noise-aware report's Tables 1 to 4 for your own run: a results folder in, four tables out, the published beside.

    python tools/ladder.py results [--machines fan ToyCar]

Reads results/dev/<system> of the systems that are there; a row without a run shows the published values alone. A paired
difference is that of the same seed to the row above: its mean, and its standard deviation over seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import evaluation
from asd.errors import BadInput
from asd.score_files import SCORE, file_name, read_rows
from asd.settings import read_yaml
from asd.tables import rendered

PUBLISHED = read_yaml(Path(__file__).with_name("published.yaml"))
Terms = tuple[float, float, float]  # AUC_source, AUC_target, pAUC of one machine


def omega(terms: Iterable[Terms]) -> float:
    return evaluation.omega(t for of_machine in terms for t in of_machine)


def terms_of(machine: str, scores: dict[str, float]) -> Terms:
    return evaluation.terms_of(machine, scores, evaluation.truth_of_names(scores))


@dataclass(frozen=True)
class Run:
    """One system's development results over the machines of the table."""

    name: str
    folder: Path
    machines: tuple[str, ...]

    def scores(self, machine: str, member: str = "") -> dict[str, float]:
        folder = self.folder / "seeds" / member if member else self.folder
        return read_rows(folder / file_name(SCORE, machine))

    @cached_property
    def record(self) -> dict:
        return json.loads((self.folder / "run.json").read_text(encoding="utf-8"))["machines"]

    @cached_property
    def ensemble(self) -> dict[str, Terms]:
        return {m: terms_of(m, self.scores(m)) for m in self.machines}

    @cached_property
    def by_seed(self) -> dict[str, dict[str, Terms]]:
        """Seed -> machine -> terms; members of an ensemble that have the same seed are averaged clip by clip."""
        members: dict[str, list[str]] = {}
        for label in self.record[self.machines[0]]["members"]:
            members.setdefault(label.rpartition("-")[2], []).append(label)
        return {
            seed: {m: terms_of(m, self.averaged(m, labels)) for m in self.machines} for seed, labels in members.items()
        }

    def averaged(self, machine: str, labels: Sequence[str]) -> dict[str, float]:
        columns = [self.scores(machine, label) for label in labels]
        return {clip: sum(column[clip] for column in columns) / len(columns) for clip in columns[0]}

    @cached_property
    def seeds(self) -> dict[str, float]:
        """Seed -> Ω over machines."""
        return {seed: omega(of_machine.values()) for seed, of_machine in self.by_seed.items()}


def runs_in(results: Path, wanted: Sequence[str] | None) -> dict[str, Run]:
    """System -> run, over the machines that every system has (or those wanted)."""
    known = {name for section in ("ladder", "front_ends", "submitted") for name in PUBLISHED[section]}
    folders = sorted(p.parent for p in (results / "dev").glob("*/run.json") if p.parent.name in known)
    if not folders:
        raise BadInput(
            f"{results / 'dev'}: no results; run `python run.py -d ae refsub adasub cohgate s1 s2 s3 s4` first "
            "(RESULTS is the folder that holds dev/)"
        )
    held = [set(json.loads((f / "run.json").read_text(encoding="utf-8"))["machines"]) for f in folders]
    machines = tuple(sorted(set.intersection(*held))) if not wanted else tuple(wanted)
    lacking = [f"{f.name} lacks {m}" for f, have in zip(folders, held, strict=True) for m in machines if m not in have]
    if lacking or not machines:
        raise BadInput(
            f"{results / 'dev'}: no machine that all systems have ({'; '.join(lacking) or 'none in common'})"
        )
    return {f.name: Run(f.name, f, machines) for f in folders}


def spread(values: Sequence[float]) -> str:
    """mean ± sample standard deviation; of one value, the value."""
    if len(values) < 2:
        return f"{values[0]:.4f}" if values else "-"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def published(section: str, name: str, *keys: str) -> str:
    found = PUBLISHED[section].get(name, {})
    values = [f"{found[key]:.4f}" for key in keys if key in found]
    return " ± ".join(values) or "-"


def paired(below: Run | None, above: Run | None) -> str:
    """Mean ± standard deviation of Ω(below) - Ω(above) over the seeds both have."""
    if below is None or above is None:
        return "-"
    differences = [below.seeds[s] - above.seeds[s] for s in below.seeds if s in above.seeds]
    return f"{np.mean(differences):+.4f} ± {np.std(differences, ddof=1):.4f}" if len(differences) > 1 else "-"


def table_1(runs: dict[str, Run]) -> list[list[str]]:
    rows = [["system", "seeds", "ensemble", "paired difference", "published seeds", "published ensemble"]]
    above = None
    for name in PUBLISHED["ladder"]:
        run = runs.get(name)
        ours = [spread(list(run.seeds.values())), f"{omega(run.ensemble.values()):.4f}"] if run else ["-", "-"]
        theirs = [published("ladder", name, "mean", "std"), published("ladder", name, "ensemble")]
        rows.append([name, *ours, paired(run, above), *theirs])
        above = run if name not in ("baseline_mse", "baseline_mahala") else None
    return rows


def table_2(runs: dict[str, Run], machines: Sequence[str]) -> list[list[str]]:
    rows = [["front-end", "all machines", *(f"{m} alone" for m in machines), "published all", "published fan"]]
    for name in PUBLISHED["front_ends"]:
        run = runs.get(name)
        ours = [spread(list(run.seeds.values()))] if run else ["-"]
        ours += [spread([omega([terms[m]]) for terms in run.by_seed.values()]) if run else "-" for m in machines]
        theirs = [published("front_ends", name, "mean", "std"), published("front_ends", name, "fan", "fan_std")]
        rows.append([name, *ours, *theirs])
    return rows


def table_3(runs: dict[str, Run], machines: Sequence[str]) -> list[list[str]]:
    rows = [["system", *machines, "over all", "published over all"]]
    for name, values in PUBLISHED["submitted"].items():
        run = runs.get(name)
        ours = [f"{omega([run.ensemble[m]]):.3f}" if run else "-" for m in machines]
        rows.append([name, *ours, f"{omega(run.ensemble.values()):.4f}" if run else "-", f"{values[-1]:.4f}"])
    return rows


def table_4(runs: dict[str, Run], machines: Sequence[str]) -> list[list[str]]:
    """Median G, adasub against cohgate, and the oracle that takes the better of them for each machine."""
    rows = [["machine", "median G", "adasub", "cohgate", "published G, adasub, cohgate"]]
    pair = [runs.get("adasub"), runs.get("cohgate")]
    for m in machines:
        ours = [f"{omega([run.ensemble[m]]):.3f}" if run else "-" for run in pair]
        rows.append([m, median_transfer(pair[0], m), *ours, theirs(m)])
    there = [run for run in pair if run]
    overall = [f"{omega(run.ensemble.values()):.4f}" if run else "-" for run in pair]
    rows.append(["over all", "", *overall, theirs("over_all")])
    if len(there) == 2:
        best = [max((run.ensemble[m] for run in there), key=lambda terms: omega([terms])) for m in machines]
        rows.append(["label oracle", "", f"{omega(best):.4f}", "", theirs("label oracle")])
    return rows


def theirs(machine: str) -> str:
    return ", ".join("-" if v is None else f"{v:g}" for v in PUBLISHED["transfer"].get(machine, ())) or "-"


def median_transfer(run: Run | None, machine: str) -> str:
    value = run.record[machine].get("frontend_medians", {}).get("transfer") if run else None
    return f"{value:.2f}" if value is not None else "-"


def show(title: str, rows: list[list[str]]) -> None:
    print(rendered(title, rows, "markdown"), end="")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--machines", nargs="+", help="default: all that every system has")
    args = parser.parse_args(argv)
    try:
        runs = runs_in(args.results, args.machines)
        machines = next(iter(runs.values())).machines
        print(f"machines: {', '.join(machines)}")
        show("Table 1. The ladder: Ω over all machines, by seed and as an ensemble", table_1(runs))
        show("Table 2. Front-ends: Ω by seed", table_2(runs, machines))
        show("Table 3. Submitted systems: Ω of the ensembles, machine by machine", table_3(runs, machines))
        show("Table 4. Noise transfer, adasub against cohgate", table_4(runs, machines))
    except (BadInput, OSError) as error:
        print(f"ladder.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
