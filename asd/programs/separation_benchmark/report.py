"""What is shown: figures and times of the methods, by name, in; Tables I and II as Markdown out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from asd.contracts import Arrays
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS, title_of
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.timing import TIMED, Times

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
    """Head, Tables I and II in one, the noise classes' table where there are several, and a line about times."""
    lines = "".join(f"\n{line}" for line in ratios(times))
    return head(bench) + table(bench.options, figures, times) + classes_table(bench.options, figures) + lines


def head(bench: Bench) -> str:
    o = bench.options
    noise = ", ".join(f"{name} {len(w)} + {len(bench.scene.test_noise[name])}" for name, w in bench.scene.noise.items())
    return (
        f"{o.machine.name}: {bench.scene.room.n_channels} microphones, {o.test} test mixtures of {o.seconds:g} s, "
        f"{o.snr[0]:g} to {o.snr[1]:g} dB, {o.train - 1} and a reference to train on, {o.peers_train} others for the "
        f"supervised; recordings of noise to train and to test on: {noise}\n\n"
    )


def table(options: Options, figures: Figures, times: Timings) -> str:
    body = []
    for name, own in figures.items():
        parameters = f"{own['parameters']:,}" if own["parameters"] else "-"
        title, kind = title_of(name, options), METHODS[name].category
        body.append([title, kind, *quality_cells(own), *time_cells(times.get(name)), parameters])
    return markdown(COLUMNS, body)


def markdown(columns: tuple[str, ...], body: list[list[str]]) -> str:
    rows = [list(columns), ["---"] * len(columns), *body]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def quality_cells(figures: Arrays) -> list[str]:
    """SI-SNRi, the same of normal and anomalous mixtures, ROC-AUC."""
    if "mean" not in figures:
        return ["-"] * 3
    return [
        f"{figures['mean']:.1f} ± {figures['std']:.1f}{choice_told(figures)}",
        f"{figures['normal']:.1f} / {figures['anomaly']:.1f}",
        area_cell(figures),
    ]


def choice_told(figures: Arrays) -> str:
    """Of a blind method: what the best choice of its sources reaches, and how many mixtures it could not separate."""
    if "oracle" not in figures:
        return ""
    missed = f"; {figures['unseparated']} not separated, as they came" if figures["unseparated"] else ""
    return f" (oracle's choice {figures['oracle']:.1f}{missed})"


def area_cell(figures: Arrays) -> str:
    return f"{figures['auc'].mean():.3f} ± {figures['auc'].std():.3f}" if figures["auc"].size else "-"


def time_cells(found: Times | None) -> list[str]:
    """One core with its spread, all cores, real-time factor."""
    if found is None:
        return ["-"] * 3
    return [f"{found.one_core:.3f} ± {found.spread:.3f}", f"{found.all_cores:.3f}", f"{found.one_core / TIMED:.4f}"]


# ---- by noise class, over machines -----------------------------------------------------------------------------------


def classes_table(options: Options, figures: Figures) -> str:
    """SI-SNRi and ROC-AUC among the mixtures of each noise class; nothing where there is one class."""
    measured = {name: own for name, own in figures.items() if "noise" in own}
    classes = sorted({str(kind) for own in measured.values() for kind in own["noise"]})
    if len(classes) < 2:
        return ""
    body = [
        [title_of(name, options), *(class_cell(own, own["noise"] == kind) for kind in classes)]
        for name, own in measured.items()
    ]
    return "\nSI-SNRi dB; ROC-AUC, by noise class:\n\n" + markdown(("method", *classes), body)


def class_cell(figures: Arrays, chosen: np.ndarray) -> str:
    """Of the chosen mixtures (N,)."""
    from sklearn.metrics import roc_auc_score  # slow to import

    gains = figures["improvement"][chosen]
    cell = f"{gains.mean():.1f} ± {gains.std():.1f}"
    truth = figures["is_anomaly"][chosen]
    if "scores" not in figures or truth.all() or not truth.any():
        return cell
    return f"{cell}; {np.mean([roc_auc_score(truth, scores[chosen]) for scores in figures['scores']]):.3f}"


def over_machines(options: Options, found: Mapping[str, Figures]) -> str:
    """Table I: SI-SNRi of each machine, then ROC-AUC of each, of the methods that all have."""
    machines = list(found)
    names = [name for name in METHODS if all("mean" in found[machine].get(name, {}) for machine in machines)]
    body = [
        [
            title_of(name, options),
            *(f"{found[m][name]['mean']:.1f} ± {found[m][name]['std']:.1f}" for m in machines),
            *(area_cell(found[m][name]) for m in machines),
        ]
        for name in names
    ]
    columns = ("method", *(f"SI-SNRi dB, {m}" for m in machines), *(f"ROC-AUC, {m}" for m in machines))
    return markdown(columns, body)


def ratios(times: Timings) -> list[str]:
    """How many times faster the student is, on one core each, in this run."""
    if "ssd_adasub" not in times:
        return []
    ours = times["ssd_adasub"].one_core
    faster = [(times[name].one_core / ours, METHODS[name].title) for name in BLIND if name in times]
    told = ", ".join(f"{ratio:.0f} times faster than {title}" for ratio, title in faster)
    return [f"the student is {told} (one core each)"] if told else []
