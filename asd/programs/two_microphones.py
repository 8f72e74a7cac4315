"""Table 1 and Fig. 5 of the two-microphone autoencoder: a data folder in, AUC by machine, pair, score and α out.

Luzón-Álvarez et al. 2025, sec. 3. AUC and pAUC are over all test clips; the published ones stand below a run's own
where the machine is one of MIMII's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asd import evaluation
from asd.programs.developing import develop
from asd.programs.mimii import machine_and_pair
from asd.programs.request import Request
from asd.programs.session import section_of

BASELINES = {"baseline_mse": "MSE", "baseline_mahala": "MAHALA"}  # system -> score
OURS = {"two_mic_ae_mse": "MSE", "two_mic_ae_mahala": "MAHALA"}
SCORES = list(BASELINES.values())
METRICS = ("AUC", "pAUC")
AVERAGE, BASELINE = "average", "baseline"
AS_PAPER = ["detector.validation=RandomVectors"]  # no clip is left out for a threshold: AUC needs none
WITHOUT_DOMAINS = {"MSE": AS_PAPER, "MAHALA": [*AS_PAPER, "detector.scoring=PooledMahalanobis"]}  # departures for MIMII
WITH_DOMAINS: dict[str, list[str]] = {"MSE": [], "MAHALA": []}
COLOURS = ("#2b6cb0", "#c53030", "#2f855a", "#975a16")  # of a machine's pairs
Figures = tuple[float, float]  # AUC and pAUC of one machine, over all its test clips
Column = tuple[str, str, str]  # score, pair, α or "baseline"
Table = dict[tuple[str, Column], Figures]  # by machine and column
Tell = Callable[[str], None]


# ---- figures -----------------------------------------------------------------------------------------------------


def measured(
    kind: str, alphas: Sequence[float], epochs: int, sets: Mapping[str, list[str]], tell: Tell, **places: Any
) -> Table:
    """Every cell of the table, `sets` departures by score. Each α overwrites the results of the one before; the store
    keeps all trainings.
    """
    ours = {f"{alpha:g}": (OURS, [f"detector.alpha={alpha:g}"]) for alpha in alphas}
    columns: dict[str, tuple[dict[str, str], list[str]]] = {BASELINE: (BASELINES, []), **ours}
    table: Table = {}
    for label, (names, departures) in columns.items():
        for name, score in names.items():
            assignments = [f"detector.training.epochs={epochs}", *departures, *sets[score]]
            for machine, cell in figures(Request.of(kind, [name], assignments, **places), tell).items():
                of, pair = machine_and_pair(machine)
                table[of, (score, pair, label)] = cell
    return table


def figures(request: Request, tell: Tell) -> dict[str, Figures]:
    """Machine -> AUC and pAUC of the one system's finished run."""
    session = develop(request, tell)
    (folder,) = map(session.folder, session.members)
    return {m.name: of_scores(folder.scores(m.name, section_of(m))) for m in session.machines}


def of_scores(scores: Mapping[str, float]) -> Figures:
    truth = evaluation.truth_of_names(scores)
    is_anomaly = np.array([truth[name].is_anomaly for name in scores])
    values = np.array(list(scores.values()))
    return evaluation.auc(values, is_anomaly), evaluation.pauc(values, is_anomaly)


def published_table(raw: Mapping[str, Any]) -> Table:
    """The published figures, of asd/evaluation/published.yaml; "average" is one of the machines. The paper has one
    baseline, which stands beside either pair.
    """
    pairs = sorted({text.split()[0] for text in raw["columns"] if text != BASELINE})
    table: Table = {}
    for score in SCORES:
        for machine, metrics in raw[score].items():
            for text, *percents in zip(raw["columns"], *(metrics[metric] for metric in METRICS), strict=True):
                auc, pauc = (percent / 100 for percent in percents)
                columns = [(pair, BASELINE) for pair in pairs] if text == BASELINE else [text.split()]
                table |= {(machine, (score, pair, label)): (auc, pauc) for pair, label in columns}
    return table


def beside(own: Table, published: Table) -> Table:
    """What was published of the machines of one's own table that have a published pair, and the average; else nothing.

    A near and a far microphone are no pair of MIMII's, whatever the machine is called.
    """
    heard = [{(machine, pair) for machine, (_, pair, _) in table} for table in (own, published)]
    shared = {machine for machine, _ in heard[0] & heard[1]}
    return {key: cell for key, cell in published.items() if shared and key[0] in {*shared, AVERAGE}}


# ---- table -------------------------------------------------------------------------------------------------------


def rows(own: Table, published: Table) -> list[list[str]]:
    """The paper's layout: machine and metric down, score, microphones and α across; the best of a score in bold.
    `published` as `beside` gives it.
    """
    machines, known = machines_of(own), machines_of(published)
    columns = columns_of(own, published)
    printed = [["machine", "metric", *(f"{s} {p} {c if c == BASELINE else f'α={c}'}" for s, p, c in columns)]]
    for machine in machines:
        printed += lines(machine, own, columns)
        printed += lines(machine, published, columns, ", published") if machine in known else []
    if len(machines) > 1:
        printed += lines(AVERAGE, with_average(own), columns)
    return [*printed, *(lines(AVERAGE, published, columns, ", published") if published else [])]


def machines_of(table: Table) -> list[str]:
    return list(dict.fromkeys(machine for machine, _ in table))


def columns_of(*tables: Table) -> list[Column]:
    columns = dict.fromkeys(column for table in tables for _, column in table)
    return sorted(columns, key=lambda c: (SCORES.index(c[0]), c[1], np.inf if c[2] == BASELINE else float(c[2])))


def with_average(table: Table) -> Table:
    """The harmonic mean over machines of each column: 35 of the 36 "Average" cells of the paper's Table 1 are that."""
    means: Table = {}
    for column in columns_of(table):
        auc, pauc = (evaluation.omega(cell[i] for (_, c), cell in table.items() if c == column) for i in (0, 1))
        means[AVERAGE, column] = auc, pauc
    return table | means


def lines(machine: str, table: Table, columns: Sequence[Column], note: str = "") -> Iterator[list[str]]:
    for i, metric in enumerate(METRICS):
        values = [table[machine, c][i] if (machine, c) in table else np.nan for c in columns]
        yield [machine + note, metric, *bold(values, [score for score, *_ in columns])]


def bold(values: Sequence[float], groups: Sequence[str]) -> list[str]:
    """Percent with two decimals, as in the paper; the largest of each group in bold, a cell without a run as -."""
    there = [(g, v) for g, v in zip(groups, values, strict=True) if not np.isnan(v)]
    best = {g: max(v for of, v in there if of == g) for g, _ in there}
    told = [f"{100 * v:.2f}" for v in values]
    marked = [f"**{t}**" if v == best.get(g) else t for t, v, g in zip(told, values, groups, strict=True)]
    return ["-" if np.isnan(v) else m for v, m in zip(values, marked, strict=True)]


# ---- figure ------------------------------------------------------------------------------------------------------


def draw(own: Table, published: Table, path: Path) -> None:
    """AUC against α, a panel for each score and machine: own lines whole, published ones dotted, baselines level."""
    from matplotlib.figure import Figure as Drawing  # slow to import

    machines = machines_of(own)
    labels = sorted({label for _, _, label in columns_of(own, published)} - {BASELINE}, key=float)
    drawing = Drawing(figsize=(1.5 + 3 * len(machines), 6))
    panels = drawing.subplots(len(SCORES), len(machines), squeeze=False, sharex=True)
    for score, of_score in zip(SCORES, panels, strict=True):
        for machine, panel in zip(machines, of_score, strict=True):
            pairs = sorted({pair for m, (_, pair, _) in own if m == machine})
            for colour, pair in zip(COLOURS, pairs, strict=False):
                draw_pair(panel, own, (machine, score, pair), labels, {"color": colour})
                pale = {"color": colour, "linestyle": ":", "alpha": 0.7}
                draw_pair(panel, published, (machine, score, pair), labels, pale, ", published")
            panel.set_title(f"{machine}, {score}", fontsize=9)
            panel.set_xticks(range(len(labels)), labels)
            panel.set(xlabel="α", ylabel="AUC, %")
    draw_legend(drawing, panels)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=110)


def draw_pair(
    panel: Any, table: Table, of: tuple[str, str, str], labels: Sequence[str], style: Mapping[str, Any], note: str = ""
) -> None:
    """A line through the α of one machine, score and pair, and its baseline's level; what is not there is not drawn."""
    machine, score, pair = of
    auc = {label: 100 * cell[0] for (m, (s, p, label)), cell in table.items() if (m, s, p) == (machine, score, pair)}
    there = [i for i, label in enumerate(labels) if label in auc]
    if there:
        panel.plot(there, [auc[labels[i]] for i in there], marker="o", **style, label=pair + note)
    if BASELINE in auc:
        panel.axhline(auc[BASELINE], linewidth=0.8, **style, label=f"{pair} {BASELINE}{note}")


def draw_legend(drawing: Any, panels: np.ndarray) -> None:
    """Each label once, below all panels; two columns fit the width of one machine."""
    handles = {label: h for p in panels.flat for h, label in zip(*p.get_legend_handles_labels(), strict=True)}
    n_columns = min(4, 2 * panels.shape[1])
    drawing.legend(handles.values(), handles.keys(), loc="lower center", ncols=n_columns, fontsize=8)
    drawing.tight_layout(rect=(0, 0.03 + 0.03 * -(-len(handles) // n_columns), 1, 1))
