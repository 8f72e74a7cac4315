"""The report's figures of one system on one machine: scores, ROC, losses.

No function keeps a figure or opens a window: matplotlib's figures are used without pyplot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator
from sklearn.metrics import roc_curve

from asd import evaluation, results
from asd.clips import CONDITIONS, DOMAINS
from asd.errors import unlike_written
from asd.programs.report.embedding import Picture, svg
from asd.programs.report.runs import Run
from asd.text_files import numbered_rows

COLOURS = {"normal": "#2b6cb0", "anomaly": "#c53030", "training": "#718096", "test": "#2b6cb0"}
ROC_COLOURS = {"source": "#dd6b20", "target": "#319795", "all": "#1a202c"}
BINS = 40
NAMED = 10  # members with a line of their own in the legend
WIDTH = 5.0  # inches: text of 9 pt stays readable on a phone


def of_machine(run: Run, machine: str) -> list[Picture]:
    """A ROC where there are normals and anomalies; of a system that optimises nothing no losses."""
    told = {condition for _, condition in run.scores_by_kind(machine)} if run.truths else set()
    return [*([roc(run, machine)] if len(told) == 2 else []), histogram(run, machine), *training(run, machine)]


# ---- scores and ROC --------------------------------------------------------------------------------------------------


def histogram(run: Run, machine: str) -> Picture:
    """Scores by domain and condition, or test against training where the truth is unknown, and the threshold."""
    threshold, test = run.record[machine]["threshold"], np.array([*run.scores.scores[machine].values()])
    bins = np.histogram_bin_edges(np.concatenate([test, [threshold]]), BINS).tolist()
    panels = histogram_panels(run, machine, test)
    figure = Figure(figsize=(WIDTH, 0.6 + 1.7 * len(panels)))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, groups) in zip(axes, panels.items(), strict=True):
        draw_histogram(axis, groups, bins, threshold)
        axis.set_title(title, loc="left")
    axes[-1].set_xlabel("anomaly score")
    return Picture(
        svg(figure), "Anomaly scores of the test clips, and the threshold above which a clip is decided anomalous."
    )


def histogram_panels(run: Run, machine: str, test: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Title -> what is drawn over each other -> scores."""
    if machine not in run.truths:
        return {"all clips": {"training": np.array([*run.train_scores(machine).values()]), "test": test}}
    kinds = run.scores_by_kind(machine)
    return {f"{d} domain": {c: kinds[d, c] for c in CONDITIONS if (d, c) in kinds} for d in run.domains(machine)}


def draw_histogram(axis: Axes, groups: Mapping[str, np.ndarray], bins: list[float], threshold: float) -> None:
    for label, values in groups.items():
        inside, colour = np.clip(values, bins[0], bins[-1]), COLOURS[label]
        axis.hist(inside, bins, alpha=0.5, color=colour, histtype="stepfilled", label=f"{label} ({len(values)})")
    axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label="threshold")
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_ylabel("clips")
    axis.legend(framealpha=0.8, edgecolor="none")


def roc(run: Run, machine: str) -> Picture:
    """Over all clips and by domain's normals, the pAUC's region shaded, the threshold's place marked."""
    kinds = run.scores_by_kind(machine)
    anomalies = np.concatenate([kinds[d, "anomaly"] for d in DOMAINS if (d, "anomaly") in kinds])
    normals = {d: kinds[d, "normal"] for d in DOMAINS if (d, "normal") in kinds}
    every = np.concatenate([*normals.values()])
    figure = Figure(figsize=(WIDTH, 4.0))
    axis = figure.subplots()
    partial = evaluation.pauc(*labelled(every, anomalies))
    axis.axvspan(0, evaluation.MAX_FPR, color="#fefcbf", zorder=0, label=f"region of the pAUC, {partial:.3f}")
    for label, values in {**(normals if len(normals) > 1 else {}), "all": every}.items():
        draw_roc(axis, label, values, anomalies)
    threshold = run.record[machine]["threshold"]
    rates = [float(np.mean(scores > threshold)) for scores in (every, anomalies)]
    axis.plot(*rates, "o", color="black", markerfacecolor="white", label="at the threshold")
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.7, linestyle=":")
    axis.set(xlabel="false alarms, share of normal clips", ylabel="detected, share of anomalies")
    axis.legend(loc="lower right", framealpha=0.8, edgecolor="none")
    each = "of each domain, and of both," if len(normals) > 1 else f"of the {next(iter(normals))} domain"
    return Picture(svg(figure), f"ROC: normal clips {each} against all anomalies. Shaded: the region of the pAUC.")


def draw_roc(axis: Axes, label: str, normals: np.ndarray, anomalies: np.ndarray) -> None:
    scores, y = labelled(normals, anomalies)
    fpr, tpr, _ = roc_curve(y, scores)
    words = f"{label} normals, AUC {evaluation.auc(scores, y):.3f}"
    axis.plot(fpr, tpr, label=words, color=ROC_COLOURS[label], linewidth=2 if label == "all" else 1.2)


def labelled(normals: np.ndarray, anomalies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and is_anomaly, (N,) each."""
    return np.r_[normals, anomalies], np.r_[np.zeros(len(normals)), np.ones(len(anomalies))]


# ---- training --------------------------------------------------------------------------------------------------------


def training(run: Run, machine: str) -> list[Picture]:
    """Losses per epoch of every seed or member; [] where nothing was optimised."""
    members = run.record[machine]["members"]
    found = {label: losses(run.folder / "seeds" / label / f"training_{machine}.csv") for label in members}
    found = {label: of_member for label, of_member in found.items() if len(of_member)}
    if not found:
        return []
    figure = Figure(figsize=(WIDTH, 3.4))
    axis = figure.subplots()
    draw_losses(axis, found)
    axis.set(xlabel="epoch", ylabel="loss", yscale="log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.yaxis.set(major_locator=LogLocator(subs=(1, 2, 3, 5)), major_formatter="{x:g}", minor_formatter="")
    figure.legend(handles=legend(axis, found), loc="outside lower center", ncols=3, frameon=False)
    return [Picture(svg(figure), f"Training and validation loss of {len(found)} seeds or members.")]


def draw_losses(axis: Axes, found: Mapping[str, np.ndarray]) -> None:
    """A colour a member; of a single epoch a point."""
    for i, (label, of_member) in enumerate(found.items()):
        epochs, trained, validated = of_member.T
        colour = matplotlib.colormaps["viridis"](0.9 * i / max(len(found) - 1, 1))
        mark: dict[str, Any] = {"color": colour, "linewidth": 1, "marker": "." if len(epochs) < 3 else None}
        axis.plot(epochs, trained, label=label, **mark)
        axis.plot(epochs, validated, linestyle="--", **mark)  # nan, and not seen, without validation


def legend(axis: Axes, found: Mapping[str, np.ndarray]) -> Sequence[Line2D]:
    """The two styles of line, and each member's colour; of many members the first and the last."""
    styles = [Line2D([], [], color="black", linewidth=1, label="training")]
    if any(np.isfinite(of_member[:, 2]).any() for of_member in found.values()):
        styles.append(Line2D([], [], color="black", linewidth=1, linestyle="--", label="validation"))
    members = [line for line in axis.lines if line.get_label() in found]
    return [*styles, *(members if len(members) <= NAMED else (members[0], members[-1]))]


def losses(path: Path) -> np.ndarray:
    """(epochs, 3): epoch, training loss, validation loss. Raises BadInput for a file that was edited."""
    rows = numbered_rows(path)[1:] if path.exists() else ()
    try:
        return np.array([[float(cell) for cell in row[:3]] for _, row in rows]).reshape(-1, 3)
    except ValueError as error:
        raise unlike_written(path, results.BY, error, results.REMEDY) from error
