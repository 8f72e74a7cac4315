"""The noise-aware report's Tables 1 to 4 and Fig. 2 for a run of one's own, the published values beside.

Kim 2026 (noise-aware reference denoising). Figures of several machines: Ω is the harmonic mean of all terms; the AUCs
and the pAUC are arithmetic means over machines, as the report's must be (the harmonic mean of its three is not its Ω).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asd import evaluation
from asd.errors import BadInput
from asd.programs.by_seed import Run, omega, runs_of
from asd.results import read_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOVE = {  # system -> the one that its paired difference is to
    "refsub": "ae",
    "adasub": "refsub",
    "adasub_dm": "adasub",
    "adasub_shrink": "adasub",
    "adasub_p95": "adasub",
    "s1": "adasub",
    "s5": "s1",
}
LADDER = ("baseline_mse", "baseline_mahala", "ae", *ABOVE)
FRONT_ENDS = ("ae", "refsub", "adasub", "cohgate", "s3", "canceller", "cohsub", "wiener", "lsa", "ledoit_wolf")
VARIANCE = 0.022  # Ω, a single seed's difference below it is run-to-run variance; sec. 4.1
EVALUATION_TRANSFER = (0.74, 2.08)  # least and most G of the evaluation machines; sec. 4.2
COLOURS = ("#718096", "#2b6cb0", "#2f855a", "#975a16", "#c53030", "#6b46c1", "#0987a0", "#b83280")
Rows = list[list[str]]
Runs = Mapping[str, Run]


def runs_in(results: Path, published: Mapping[str, Any], wanted: Sequence[str] | None) -> dict[str, Run]:
    """System -> run, over the machines that every system has (or those wanted)."""
    known = {*LADDER, *FRONT_ENDS, *published["submitted"]}
    folders = sorted(p.parent for p in (results / "dev").glob("*/run.json") if p.parent.name in known)
    if not folders:
        raise BadInput(
            f"{results / 'dev'}: no results; run `python run.py -d ae refsub adasub cohgate s1 s2 s3 s4` first "
            "(RESULTS is the folder that holds dev/)"
        )
    return runs_of(folders, wanted)


def origin(runs: Runs, published: Mapping[str, Any]) -> str:
    """The machines, and whether the published values are of the same clips."""
    scores = next(iter(runs.values())).scores.scores
    truths = {machine: evaluation.truth_of_names(of) for machine, of in scores.items()}
    is_same = evaluation.published(published, truths).is_of_these_clips
    what = (
        "published values are of the same clips"
        if is_same
        else ("published values are of the challenge's development clips; these are others, simulated or your own")
    )
    return f"machines: {', '.join(scores)}; {what}"


def tables(runs: Runs, published: Mapping[str, Any], results: Path) -> dict[str, Rows]:
    machines = list(next(iter(runs.values())).ensemble)
    found = {
        "Table 1. The ladder: Ω over all machines; AUCs and pAUC of the ensembles": table_1(runs, published),
        "Table 2. Front-ends: Ω per seed": table_2(runs, published, machines),
        "Table 3. Submitted systems: Ω of the ensembles, per machine": table_3(runs, published, machines),
        "Table 4. Noise transfer, adasub against cohgate": table_4(runs, published, machines),
    }
    of_evaluation = transfer_of_evaluation(results)
    return {**found, "Noise transfer of the evaluation machines": of_evaluation} if of_evaluation[1:] else found


# ---- tables ----------------------------------------------------------------------------------------------------------


def table_1(runs: Runs, published: Mapping[str, Any]) -> Rows:
    """A re-scoring's difference is to adasub, whose networks it re-scores; a front-end's is to the one above it."""
    difference = ["to", "paired difference", f"seeds beyond ±{VARIANCE}"]
    theirs = [f"published {what}" for what in ("seeds", "ensemble", "AUC_source, AUC_target, pAUC")]
    rows = [["system", "seeds", "ensemble", "AUC_source", "AUC_target", "pAUC", *difference, *theirs]]
    for name in LADDER:
        run, above = runs.get(name), runs.get(ABOVE.get(name, ""))
        if run or name in published["ladder"]:
            ours = [spread([*run.seeds.values()]) if run else "-", overall(run), *means(run)]
            figures = [of(published["ladder"], name, *keys) for keys in (("mean", "std"), ("ensemble",))]
            terms = published["ladder"].get(name, {}).get("terms")
            figures.append(", ".join(f"{term:.4f}" for term in terms) if terms else "-")
            rows.append([name, *ours, ABOVE.get(name, "-"), *paired(run, above), *figures])
    return rows


def table_2(runs: Runs, published: Mapping[str, Any], machines: Sequence[str]) -> Rows:
    rows = [["front-end", "all machines", *(f"{m} alone" for m in machines), "published all", "published fan"]]
    for name in FRONT_ENDS:
        by_seed = runs[name].by_seed.values() if name in runs else ()
        parts = [machines, *([machine] for machine in machines)]
        ours = [spread([omega(terms[m] for m in part) for terms in by_seed]) for part in parts]
        theirs = [of(published["front_ends"], name, *keys) for keys in (("mean", "std"), ("fan", "fan_std"))]
        if by_seed or name in published["front_ends"]:
            rows.append([name, *ours, *theirs])
    return rows


def table_3(runs: Runs, published: Mapping[str, Any], machines: Sequence[str]) -> Rows:
    """The published row, with its values of the same machines, stands below a run's own."""
    rows = [["system", *machines, "over all"]]
    for name, values in published["submitted"].items():
        theirs = dict(zip(published["machines"], values, strict=False))
        if name in runs:
            rows.append([name, *(of_machine(runs[name], m) for m in machines), overall(runs[name])])
        cells = (f"{theirs[m]:.3f}" if m in theirs else "-" for m in machines)
        rows.append([f"published {name}", *cells, f"{values[-1]:.4f} (7 machines)"])
    return rows


def table_4(runs: Runs, published: Mapping[str, Any], machines: Sequence[str]) -> Rows:
    """Median G, adasub against cohgate, and the oracle that takes the better of them for each machine."""

    def theirs(machine: str) -> str:
        return ", ".join("-" if v is None else f"{v:g}" for v in published["transfer"].get(machine, ())) or "-"

    rows = [["machine", "median G", "adasub", "cohgate", "published G, adasub, cohgate"]]
    pair = [runs.get("adasub"), runs.get("cohgate")]
    record = pair[0].record if pair[0] else {}
    rows += [[m, transfer(record.get(m, {})), *(of_machine(run, m) for run in pair), theirs(m)] for m in machines]
    rows.append(["over all", "", *map(overall, pair), theirs("over_all")])
    there = [run for run in pair if run]
    if len(there) == 2:
        best = [max((run.ensemble[m] for run in there), key=lambda terms: omega([terms])) for m in machines]
        rows.append(["label oracle", "", f"{omega(best):.4f}", "", theirs("label oracle")])
    return rows


def transfer_of_evaluation(results: Path) -> Rows:
    """G of the machines of results/eval/adasub or s1, beside the range that the report gives."""
    folders = [results / "eval" / name for name in ("adasub", "s1")]
    record = next((read_run(folder) for folder in folders if (folder / "run.json").exists()), {})
    least, most = EVALUATION_TRANSFER
    return [
        ["machine", "median G", "published range"],
        *([m, transfer(record[m]), f"{least} to {most}"] for m in record),
    ]


# ---- cells -----------------------------------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> str:
    """mean ± sample standard deviation; of one value, the value."""
    if len(values) < 2:
        return f"{values[0]:.4f}" if values else "-"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def of(section: Mapping[str, Any], name: str, *keys: str) -> str:
    found = section.get(name, {})
    return " ± ".join(f"{found[key]:.4f}" for key in keys if key in found) or "-"


def paired(below: Run | None, above: Run | None) -> list[str]:
    """Of Ω(below) - Ω(above) over the seeds both have: mean ± standard deviation, and how many are no variance."""
    shared = [s for s in below.seeds if s in above.seeds] if below and above else []
    if below is None or above is None or len(shared) < 2:
        return ["-", "-"]
    differences = np.array([below.seeds[s] - above.seeds[s] for s in shared])
    up, down = np.sum(differences >= VARIANCE), np.sum(differences <= -VARIANCE)
    told = f"{np.mean(differences):+.4f} ± {np.std(differences, ddof=1):.4f}"
    return [told, f"{up} up, {down} down of {len(shared)}"]


def means(run: Run | None) -> list[str]:
    """AUC_source, AUC_target, pAUC of the ensemble, means over machines."""
    return [f"{value:.4f}" for value in np.mean([*run.ensemble.values()], axis=0)] if run else ["-"] * 3


def overall(run: Run | None) -> str:
    return f"{omega(run.ensemble.values()):.4f}" if run else "-"


def of_machine(run: Run | None, machine: str) -> str:
    return f"{omega([run.ensemble[machine]]):.3f}" if run else "-"


def transfer(record: Mapping[str, Any]) -> str:
    value = record.get("frontend_medians", {}).get("transfer")
    return "-" if value is None else f"{value:.2f}"


# ---- figure ----------------------------------------------------------------------------------------------------------


def draw(runs: Runs, path: Path) -> None:
    """To a PNG or SVG, by the name."""
    figure_of(runs).savefig(path, dpi=150)


def figure_of(runs: Runs, inches: tuple[float, float] = (8, 4.5)) -> Figure:
    """Fig. 2: Ω of every seed, a dashed line at their mean, a star for the ensemble."""
    from matplotlib.figure import Figure  # slow to import

    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.subplots()
    shown = [name for name in LADDER if name in runs]
    for i, name in enumerate(shown):
        run, colour = runs[name], COLOURS[i % len(COLOURS)]
        values = [*run.seeds.values()]
        axes.scatter(i + np.linspace(-0.25, 0.25, len(values)), values, s=18, color=colour, zorder=2)
        axes.hlines(np.mean(values), i - 0.35, i + 0.35, color=colour, linestyles="dashed")
        axes.scatter(i, omega(run.ensemble.values()), s=110, marker="*", color=colour, edgecolor="black", zorder=3)
    axes.set_xticks(range(len(shown)), shown, rotation=20, ha="right")
    axes.set_ylabel("Ω over all machines")
    axes.set_title("Seeds (dots), their mean (dashed) and the ensemble (star)", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    return figure
