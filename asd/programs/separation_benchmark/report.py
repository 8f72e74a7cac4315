"""What is shown: figures and times of the methods, by name, in; Tables I and II as Markdown and figure 5 out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from asd.contracts import Arrays
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.timing import TIMED, Times
from asd.store import written_whole

COLUMNS = (
    "method",
    "kind",
    "SI-SNRi dB",
    "normal / anomaly",
    "ROC-AUC",
    f"s / {TIMED} s, 1 core",
    "all cores",
    "RTF",
    "parameters",
)
BLIND = ("ilrma", "fastmnmf", "pra_ilrma", "pra_fastmnmf")  # that the student is to be faster than

Figures = Mapping[str, Arrays]
Timings = Mapping[str, Times]


def report(bench: Bench, figures: Figures, times: Timings) -> str:
    """Head, table and a line per finding; writes the plots."""
    lines = [*scatter_plots(figures, bench.folder), *ratios(times)]
    return head(bench) + table(figures, times) + "".join(f"\n{line}" for line in lines)


def head(bench: Bench) -> str:
    o = bench.options
    return (
        f"{bench.scene.room.n_channels} microphones, {o.test} test mixtures of {o.seconds:g} s, "
        f"{o.snr[0]:g} to {o.snr[1]:g} dB, {o.train} to train on\n\n"
    )


def table(figures: Figures, times: Timings) -> str:
    rows = [list(COLUMNS), ["---"] * len(COLUMNS)]
    for name, own in figures.items():
        parameters = f"{own['parameters']:,}" if own["parameters"] else "-"
        method = METHODS[name]
        rows.append([method.title, method.category, *quality_cells(own), *time_cells(times.get(name)), parameters])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def quality_cells(figures: Arrays) -> list[str]:
    """SI-SNRi, the same of normal and anomalous mixtures, ROC-AUC."""
    if "mean" not in figures:
        return ["-"] * 3
    oracle = f" (oracle's choice {figures['oracle']:.1f})" if "oracle" in figures else ""
    area = f"{figures['auc'].mean():.3f} ± {figures['auc'].std():.3f}" if figures["auc"].size else "-"
    return [
        f"{figures['mean']:.1f} ± {figures['std']:.1f}{oracle}",
        f"{figures['normal']:.1f} / {figures['anomaly']:.1f}",
        area,
    ]


def time_cells(found: Times | None) -> list[str]:
    """One core, all cores, real-time factor."""
    if found is None:
        return ["-"] * 3
    return [f"{found.one_core:.3f}", f"{found.all_cores:.3f}", f"{found.one_core / TIMED:.4f}"]


def scatter_plots(figures: Figures, folder: Path) -> list[str]:
    """Figure 5 of each teacher, sci_<method>.png; a line about each."""
    lines = []
    for name, own in figures.items():
        if "sci" in own:
            title = f"{METHODS[name].title}: Spearman {own['spearman']:.2f}"
            scatter_plot(own["sci"], own["si_snri"], title, folder / f"sci_{name}.png")
            lines.append(f"SCi against SI-SNRi, {title} (sci_{name}.png)")
    return lines


def scatter_plot(sci: np.ndarray, si_snri: np.ndarray, title: str, path: Path) -> None:
    """SCi against SI-SNRi of a teacher's targets, (N,) each."""
    import matplotlib  # slow to import

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4))
    axes.scatter(sci, si_snri, s=12)
    axes.set(xlabel="SCi", ylabel="SI-SNRi (dB)", title=title)
    with written_whole(path) as file:
        figure.savefig(file, format="png", dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def ratios(times: Timings) -> list[str]:
    """How many times faster the student is, on one core each, in this run."""
    if "ssd_adasub" not in times:
        return []
    ours = times["ssd_adasub"].one_core
    faster = [(times[name].one_core / ours, METHODS[name].title) for name in BLIND if name in times]
    told = ", ".join(f"{ratio:.0f} times faster than {title}" for ratio, title in faster)
    return [f"the student is {told} (one core each)"] if told else []
