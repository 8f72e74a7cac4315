"""The report's figures: a run and a machine in, PNG files and their captions out.

No function keeps a figure or opens a window: matplotlib's figures are used without pyplot.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from asd import data, evaluation, signal
from asd.clips import CONDITIONS, DOMAINS, RATE
from asd.contracts import Wave
from asd.programs.report.runs import Run
from asd.programs.session import Session

COLOURS = {"normal": "#2b6cb0", "anomaly": "#c53030", "training": "#718096", "test": "#2b6cb0"}
BINS = 40
RANGE = 70  # dB shown of a spectrogram
FLOOR = 1e-12  # under its logarithm
MICROPHONES = ("near", "far")
N_FFT, HOP_LENGTH = 1024, 512  # of the near and far spectrograms, as in the systems

Picture = tuple[str, str]  # file name, caption


def save(figure: Figure, folder: Path, name: str) -> str:
    figure.tight_layout()
    figure.savefig(folder / name, dpi=110)
    return name


# ---- scores and ROC --------------------------------------------------------------------------------------------------


def histogram(run: Run, machine: str, folder: Path) -> Picture:
    """Scores by domain and condition, or test against training where the truth is unknown, and the threshold."""
    threshold, test = run.record[machine]["threshold"], np.array([*run.scores.scores[machine].values()])
    bins = np.histogram_bin_edges(np.concatenate([test, [threshold]]), BINS).tolist()
    panels = histogram_panels(run, machine, test)
    figure = Figure(figsize=(6, 2.2 * len(panels)))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, groups) in zip(axes, panels.items(), strict=True):
        draw_histogram(axis, groups, bins, threshold)
        axis.set_title(title, fontsize=9)
    axes[-1].set_xlabel("anomaly score")
    return save(figure, folder, f"{run.scores.name}_{machine}_scores.png"), "anomaly scores and the decision threshold"


def histogram_panels(run: Run, machine: str, test: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Title -> what is drawn over each other -> scores."""
    if machine not in run.truths:
        return {"all clips": {"training": run.train_scores(machine), "test": test}}
    kinds = run.scores_by_kind(machine)
    return {f"{d} domain": {c: kinds[d, c] for c in CONDITIONS if (d, c) in kinds} for d in DOMAINS}


def draw_histogram(axis: Axes, groups: Mapping[str, np.ndarray], bins: list[float], threshold: float) -> None:
    for label, values in groups.items():
        axis.hist(np.clip(values, bins[0], bins[-1]), bins, alpha=0.6, color=COLOURS[label], label=label)
    axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label="threshold")
    axis.set_ylabel("clips")
    axis.legend(fontsize=8)


def roc(run: Run, machine: str, folder: Path) -> Picture:
    """Over all clips and by domain's normals, the pAUC's region shaded."""
    kinds = run.scores_by_kind(machine)
    anomalies = np.concatenate([kinds[d, "anomaly"] for d in DOMAINS if (d, "anomaly") in kinds])
    normals = {d: kinds[d, "normal"] for d in DOMAINS} | {"all": np.concatenate([kinds[d, "normal"] for d in DOMAINS])}
    figure = Figure(figsize=(5, 4.4))
    axis = figure.subplots()
    axis.axvspan(0, evaluation.MAX_FPR, color="#fefcbf", zorder=0, label="pAUC region")
    for label, values in normals.items():
        draw_roc(axis, label, values, anomalies)
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.7, linestyle=":")
    axis.set(xlabel="false-positive rate", ylabel="true-positive rate")
    axis.legend(fontsize=8, loc="lower right")
    caption = "ROC of all clips, and of one domain's normals against the anomalies of both"
    return save(figure, folder, f"{run.scores.name}_{machine}_roc.png"), caption


def draw_roc(axis: Axes, label: str, normals: np.ndarray, anomalies: np.ndarray) -> None:
    y, scores = np.r_[np.zeros(len(normals)), np.ones(len(anomalies))], np.r_[normals, anomalies]
    fpr, tpr, _ = roc_curve(y, scores)
    area = evaluation.auc(scores, y)
    axis.plot(fpr, tpr, label=f"{label} normals, AUC {area:.3f}", linewidth=2 if label == "all" else 1)


# ---- training --------------------------------------------------------------------------------------------------------


def training(run: Run, machine: str, folder: Path) -> list[Picture]:
    """Losses per epoch of every seed or member; [] where nothing was optimised."""
    members = run.record[machine]["members"]
    found = [losses(run.folder / "seeds" / label / f"training_{machine}.csv") for label in members]
    if not any(len(of_member) for of_member in found):
        return []
    figure = Figure(figsize=(6, 3))
    axis = figure.subplots()
    for i, (epochs, trained, validated) in enumerate(of_member.T for of_member in found):
        colour = matplotlib.colormaps["viridis"](i / max(len(members) - 1, 1))
        axis.plot(epochs, trained, color=colour, linewidth=1)
        axis.plot(epochs, validated, color=colour, linewidth=1, linestyle="--")  # nan, and not seen, without validation
    axis.set(xlabel="epoch", ylabel="loss", yscale="log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    caption = f"training loss (validation dashed, where there is one) of {len(members)} seeds or members"
    return [(save(figure, folder, f"{run.scores.name}_{machine}_training.png"), caption)]


def losses(path: Path) -> np.ndarray:
    """(epochs, 3): epoch, training loss, validation loss."""
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    columns = ("epoch", "training_loss", "validation_loss")
    return np.array([[float(row[column]) for column in columns] for row in rows]).reshape(-1, len(columns))


# ---- spectrograms ----------------------------------------------------------------------------------------------------


def spectrograms(run: Run, session: Session, machine: str, folder: Path) -> list[Picture]:
    """Near, far where there is one, and what each front-end makes of them, of the clips that went most wrong."""
    clips = {clip.path.name: clip for clip in session.machine(machine).test}
    evaluation.same_clips(clips, run.scores.scores[machine], f"{session.request.data}: {machine}")
    found = []
    for name, what in run.worst(machine):
        wave = data.read_wave(clips[name])
        figure = draw_spectrograms(panels_of(session, machine, wave), wave.shape[1] / RATE)
        kind = "miss" if run.truths[machine][name].is_anomaly else "alarm"
        threshold = run.record[machine]["threshold"]
        caption = f"{what}: {name}, score {run.scores.scores[machine][name]:.4g}, threshold {threshold:.4g}"
        found.append((save(figure, folder, f"{run.scores.name}_{machine}_{kind}.png"), caption))
    return found


def panels_of(session: Session, machine: str, wave: Wave) -> dict[str, np.ndarray]:
    """Title -> power spectrogram (K, F)."""
    powers = signal.power(signal.stft(wave, N_FFT, HOP_LENGTH))  # (C, K, F)
    panels = dict(zip(MICROPHONES, powers, strict=False))  # one channel is near
    for name in session.used:
        chain = session.chains[name, machine]
        panels[f"{type(chain.system.frontend).__name__} ({chain.name})"] = chain.frontend(wave)[0]
    return panels


def draw_spectrograms(panels: Mapping[str, np.ndarray], seconds: float) -> Figure:
    figure = Figure(figsize=(6, 1.7 * len(panels)))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    top = 10 * np.log10(max(float(p.max()) for p in panels.values()) + FLOOR)
    extent = (0, seconds, 0, RATE / 2000)
    for axis, (title, spectrogram) in zip(axes, panels.items(), strict=True):
        decibel = 10 * np.log10(spectrogram + FLOOR)
        axis.imshow(decibel, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE, vmax=top, cmap="magma")
        axis.set_title(title, fontsize=9)
        axis.set_ylabel("kHz")
    axes[-1].set_xlabel("s")
    return figure
