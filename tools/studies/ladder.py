#!/usr/bin/env python3
"""The noise-aware report's Tables 1 to 4 for your own run: a results folder in, four tables out, the published beside.

    python tools/studies/ladder.py results [--machines fan ToyCar]

Reads results/dev/<system> of the systems that are there; a row without a run shows the published values alone. A paired
difference is that of the same seed to the row above: its mean, and its standard deviation over seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from asd.errors import BadInput
from asd.programs.by_seed import Run, omega, runs_of
from asd.settings import read_yaml
from asd.tables import rendered

PUBLISHED = read_yaml(Path(__file__).with_name("published.yaml"))
Rows = list[list[str]]


def runs_in(results: Path, wanted: Sequence[str] | None) -> dict[str, Run]:
    """System -> run, over the machines that every system has (or those wanted)."""
    known = {name for section in ("ladder", "front_ends", "submitted") for name in PUBLISHED[section]}
    folders = sorted(p.parent for p in (results / "dev").glob("*/run.json") if p.parent.name in known)
    if not folders:
        raise BadInput(
            f"{results / 'dev'}: no results; run `python run.py -d ae refsub adasub cohgate s1 s2 s3 s4` first "
            "(RESULTS is the folder that holds dev/)"
        )
    return runs_of(folders, wanted)


def spread(values: Sequence[float]) -> str:
    """mean ± sample standard deviation; of one value, the value."""
    if len(values) < 2:
        return f"{values[0]:.4f}" if values else "-"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def published(section: str, name: str, *keys: str) -> str:
    found = PUBLISHED[section].get(name, {})
    return " ± ".join(f"{found[key]:.4f}" for key in keys if key in found) or "-"


def paired(below: Run | None, above: Run | None) -> str:
    """Mean ± standard deviation of Ω(below) - Ω(above) over the seeds both have."""
    if below is None or above is None:
        return "-"
    differences = [below.seeds[s] - above.seeds[s] for s in below.seeds if s in above.seeds]
    return f"{np.mean(differences):+.4f} ± {np.std(differences, ddof=1):.4f}" if len(differences) > 1 else "-"


def overall(run: Run | None) -> str:
    return f"{omega(run.ensemble.values()):.4f}" if run else "-"


def of_machine(run: Run | None, machine: str) -> str:
    return f"{omega([run.ensemble[machine]]):.3f}" if run else "-"


def table_1(runs: Mapping[str, Run]) -> Rows:
    rows = [["system", "seeds", "ensemble", "paired difference", "published seeds", "published ensemble"]]
    above = None
    for name in PUBLISHED["ladder"]:
        run = runs.get(name)
        ours = [spread([*run.seeds.values()]) if run else "-", overall(run), paired(run, above)]
        rows.append([name, *ours, published("ladder", name, "mean", "std"), published("ladder", name, "ensemble")])
        above = run if name not in ("baseline_mse", "baseline_mahala") else None
    return rows


def table_2(runs: Mapping[str, Run], machines: Sequence[str]) -> Rows:
    rows = [["front-end", "all machines", *(f"{m} alone" for m in machines), "published all", "published fan"]]
    for name in PUBLISHED["front_ends"]:
        by_seed = runs[name].by_seed.values() if name in runs else ()
        ours = [
            spread([omega(terms[m] for m in part) for terms in by_seed])
            for part in (machines, *zip(machines, strict=True))
        ]
        theirs = [published("front_ends", name, "mean", "std"), published("front_ends", name, "fan", "fan_std")]
        rows.append([name, *ours, *theirs])
    return rows


def table_3(runs: Mapping[str, Run], machines: Sequence[str]) -> Rows:
    rows = [["system", *machines, "over all", "published over all"]]
    for name, values in PUBLISHED["submitted"].items():
        run = runs.get(name)
        rows.append([name, *(of_machine(run, m) for m in machines), overall(run), f"{values[-1]:.4f}"])
    return rows


def table_4(runs: Mapping[str, Run], machines: Sequence[str]) -> Rows:
    """Median G, adasub against cohgate, and the oracle that takes the better of them for each machine."""
    rows = [["machine", "median G", "adasub", "cohgate", "published G, adasub, cohgate"]]
    pair = [runs.get("adasub"), runs.get("cohgate")]
    rows += [[m, median_transfer(pair[0], m), *(of_machine(run, m) for run in pair), theirs(m)] for m in machines]
    rows.append(["over all", "", *map(overall, pair), theirs("over_all")])
    there = [run for run in pair if run]
    if len(there) == 2:
        best = [max((run.ensemble[m] for run in there), key=lambda terms: omega([terms])) for m in machines]
        rows.append(["label oracle", "", f"{omega(best):.4f}", "", theirs("label oracle")])
    return rows


def theirs(machine: str) -> str:
    return ", ".join("-" if v is None else f"{v:g}" for v in PUBLISHED["transfer"].get(machine, ())) or "-"


def median_transfer(run: Run | None, machine: str) -> str:
    value = run.record[machine].get("frontend_medians", {}).get("transfer") if run else None
    return f"{value:.2f}" if value is not None else "-"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--machines", nargs="+", help="default: all that every system has")
    args = parser.parse_args(argv)
    try:
        runs = runs_in(args.results, args.machines)
        machines = list(next(iter(runs.values())).ensemble)
        tables = {
            "Table 1. The ladder: Ω over all machines, per seed and as an ensemble": table_1(runs),
            "Table 2. Front-ends: Ω per seed": table_2(runs, machines),
            "Table 3. Submitted systems: Ω of the ensembles, per machine": table_3(runs, machines),
            "Table 4. Noise transfer, adasub against cohgate": table_4(runs, machines),
        }
    except (BadInput, OSError) as error:
        print(f"ladder.py: {error}", file=sys.stderr)
        return 2
    print(f"machines: {', '.join(machines)}")
    print(*(rendered(title, rows, "markdown") for title, rows in tables.items()), sep="", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
