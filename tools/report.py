#!/usr/bin/env python3
"""One static report.html with its figures: metric and intervals, scores, ROC, training, the clips that went most wrong.

    python tools/report.py results/dev/s1 results/dev/ae --data data/dcase2026t2      results/dev/s1/report/report.html
    python tools/report.py results/eval/s1 --data DATA --ground-truth PATH --out DIR  once the truth is published

Without a truth (evaluation clips before it is published) scores and training alone are shown. Without --data there are
no spectrograms. The page loads nothing from elsewhere. Exit code 2: bad input.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import jinja2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.session import Request, Session

import systems
from asd import data, evaluation, results, score_files, signal
from asd.clips import ANONYMOUS, CONDITIONS, DOMAINS, RATE, Clip
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.programs import reading
from asd.settings import read_yaml, resolve
from asd.system import Ensemble

COLOURS = {"normal": "#2b6cb0", "anomaly": "#c53030", "training": "#718096", "test": "#2b6cb0"}
RANGE = 70  # dB shown of a spectrogram
Figure = tuple[str, str]  # file name, caption


@dataclass(frozen=True)
class Run:
    """One system's folder, its scores, and the truth of its clips where it is known."""

    folder: Path
    scores: SystemScores
    truths: evaluation.Truths

    @cached_property
    def record(self) -> Mapping[str, Mapping[str, Any]]:
        return results.read_run(self.folder)

    @property
    def kind(self) -> str:
        return self.folder.parent.name  # dev | eval

    def kinds(self, machine: str) -> dict[tuple[str, str], np.ndarray]:
        """(domain, condition) -> scores."""
        truth, found = self.truths[machine], dict[tuple[str, str], list[float]]()
        for clip, score in self.scores.scores[machine].items():
            key = truth[clip].domain, CONDITIONS[truth[clip].is_anomaly]
            found.setdefault(key, []).append(score)
        return {key: np.array(values) for key, values in found.items()}

    def worst(self, machine: str) -> list[tuple[str, str]]:
        """(clip, what it is): the normal with the highest score, the anomaly with the lowest."""
        scores, truth = self.scores.scores[machine], self.truths[machine]
        normal = max((c for c in scores if not truth[c].is_anomaly), key=scores.__getitem__)
        anomaly = min((c for c in scores if truth[c].is_anomaly), key=scores.__getitem__)
        alarm = self.scores.decisions[machine][normal] == 1
        miss = self.scores.decisions[machine][anomaly] == 0
        return [
            (normal, "worst false alarm" if alarm else "highest-scoring normal clip, decided normal"),
            (anomaly, "worst miss" if miss else "lowest-scoring anomaly, decided anomalous"),
        ]


# ------------------------------------------------------------------------------------------------------------ reading
def runs_of(folders: Sequence[Path], ground_truth: Path | None) -> list[Run]:
    """Raises BadInput for a folder that run.py has not written, or a truth that does not fit."""
    found = []
    for folder in [system for given in folders for system in systems_in(given)]:
        record = results.read_run(folder)
        (scores,) = reading.read_systems([folder.resolve()])
        if lacking := [m for m in scores.scores if m not in record]:
            raise BadInput(f"{folder / 'run.json'}: nothing of {', '.join(lacking)}; run it again")
        truths = truths_of(scores, ground_truth)
        found.append(Run(folder.resolve(), scores, truths))
    first = found[0]
    for run in found[1:]:
        if run.scores.scores.keys() != first.scores.scores.keys() or run.kind != first.kind:
            raise BadInput(f"{run.folder}: other machines than {first.folder}; a report compares runs on the same ones")
    return found


def systems_in(folder: Path) -> list[Path]:
    """The folder itself, or the systems' folders in it: results/dev."""
    inside = sorted(path.parent for path in folder.glob("*/run.json"))
    return [folder] if (folder / "run.json").exists() or not inside else inside


def truths_of(scores: SystemScores, ground_truth: Path | None) -> evaluation.Truths:
    """From the clips' names or the published truth; {} where neither tells."""
    if ground_truth is not None:
        truths = evaluation.read_truth(ground_truth)
        if lacking := [m for m in scores.scores if m not in truths]:
            raise BadInput(f"{ground_truth}: no truth of {', '.join(lacking)} (there: {', '.join(truths)})")
        return {m: truths[m] for m in scores.scores}
    if any(ANONYMOUS.fullmatch(clip) for of_machine in scores.scores.values() for clip in of_machine):
        return {}
    return {m: evaluation.truth_of_names(of_machine) for m, of_machine in scores.scores.items()}


def session_of(run: Run, folder: Path) -> Session:
    """The run's fitted parts from its store, by the numbers in its system.yaml."""
    recorded = read_yaml(run.folder / "system.yaml")
    name = recorded["system"]

    def of(system: str, numbers: Mapping[str, Any]) -> Any:
        rest = {key: value for key, value in numbers.items() if key != "part"}
        return resolve(systems.load(system), rest, str(run.folder / "system.yaml"))

    recipe = of(name, recorded["recipe"])
    members = recipe.members if isinstance(recipe, Ensemble) else (name,)
    trained = {m: of(m, recorded[m]) if m != name else recipe for m in members if m == name or m in recorded}
    seeds = tuple(dict.fromkeys(int(label.rpartition("-")[2]) for label in recorded["members"]))
    request = Request(
        kind=run.kind,
        data=folder,
        results=run.folder.parent.parent,
        recipes=trained,
        trained=trained,
        worker=lambda *_: [],
        machines=list(run.scores.scores),
        seeds=seeds,
        device="cpu",
        may_train=False,
        may_select=False,
    )
    return Session(request)


# ------------------------------------------------------------------------------------------------------------ figures
def save(figure: plt.Figure, folder: Path, name: str) -> str:
    figure.tight_layout()
    figure.savefig(folder / name, dpi=110)
    plt.close(figure)
    return name


def histogram(run: Run, machine: str, folder: Path) -> Figure:
    """Scores by domain and condition, or test against training where the truth is unknown, and the threshold."""
    threshold = run.record[machine]["threshold"]
    train = score_files.read_rows(
        run.folder / "train_scores" / score_files.file_name("anomaly_score", machine, split="train")
    )
    test = np.array([*run.scores.scores[machine].values()])
    if machine in run.truths:
        kinds = run.kinds(machine)
        panels = {f"{d} domain": {c: kinds[d, c] for c in CONDITIONS if (d, c) in kinds} for d in DOMAINS}
    else:
        panels = {"all clips": {"training": np.array([*train.values()]), "test": test}}
    bins = np.histogram_bin_edges(np.concatenate([test, [threshold]]), 40)
    figure, axes = plt.subplots(len(panels), 1, figsize=(6, 2.2 * len(panels)), sharex=True, squeeze=False)
    for axis, (title, groups) in zip(axes[:, 0], panels.items(), strict=True):
        for label, values in groups.items():
            axis.hist(np.clip(values, bins[0], bins[-1]), bins, alpha=0.6, color=COLOURS[label], label=label)
        axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label="threshold")
        axis.set_ylabel("clips")
        axis.set_title(title, fontsize=9)
        axis.legend(fontsize=8)
    axes[-1, 0].set_xlabel("anomaly score")
    return save(figure, folder, f"{run.scores.name}_{machine}_scores.png"), "anomaly scores and the decision threshold"


def roc(run: Run, machine: str, folder: Path) -> Figure:
    """Over all clips and by domain's normals, the pAUC's region shaded."""
    kinds = run.kinds(machine)
    anomalies = np.concatenate([kinds[d, "anomaly"] for d in DOMAINS if (d, "anomaly") in kinds])
    normals = {d: kinds[d, "normal"] for d in DOMAINS} | {"all": np.concatenate([kinds[d, "normal"] for d in DOMAINS])}
    figure, axis = plt.subplots(figsize=(5, 4.4))
    axis.axvspan(0, evaluation.MAX_FPR, color="#fefcbf", zorder=0, label="pAUC region")
    for label, values in normals.items():
        y = np.r_[np.zeros(len(values)), np.ones(len(anomalies))]
        fpr, tpr, _ = roc_curve(y, np.r_[values, anomalies])
        area = evaluation.auc(np.r_[values, anomalies], y)
        axis.plot(fpr, tpr, label=f"{label} normals, AUC {area:.3f}", linewidth=2 if label == "all" else 1)
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.7, linestyle=":")
    axis.set_xlabel("false-positive rate")
    axis.set_ylabel("true-positive rate")
    axis.legend(fontsize=8, loc="lower right")
    caption = "ROC of all clips, and of one domain's normals against the anomalies of both"
    return save(figure, folder, f"{run.scores.name}_{machine}_roc.png"), caption


def training(run: Run, machine: str, folder: Path) -> list[Figure]:
    """Losses an epoch of every seed or member; [] where nothing was optimised."""
    figure, axis = plt.subplots(figsize=(6, 3))
    members = run.record[machine]["members"]
    for i, label in enumerate(members):
        path = run.folder / "seeds" / label / f"training_{machine}.csv"
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
        colour = plt.colormaps["viridis"](i / max(len(members) - 1, 1))
        epochs = [int(row["epoch"]) for row in rows]
        axis.plot(epochs, [float(row["training_loss"]) for row in rows], color=colour, linewidth=1)
        validation = [float(row["validation_loss"]) for row in rows]
        if np.isfinite(validation).any():
            axis.plot(epochs, validation, color=colour, linewidth=1, linestyle="--")
    if not axis.lines or not any(len(line.get_xdata()) for line in axis.lines):
        plt.close(figure)
        return []
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylabel("loss")
    axis.set_yscale("log")
    caption = f"training loss (validation dashed, where there is one) of {len(members)} seeds or members"
    return [(save(figure, folder, f"{run.scores.name}_{machine}_training.png"), caption)]


def spectrograms(run: Run, session: Session, machine: str, folder: Path) -> list[Figure]:
    """Near, far and what each front-end makes of them, of the clips that went most wrong."""
    found = []
    raw = session.machine(machine).folder / "test"
    for clip, what in run.worst(machine):
        wave = data.read_wave(Clip(raw / clip, machine, "00"))
        panels = {"near": power(wave[0]), "far": power(wave[1])}
        for name in session.used:
            frontend = session.chains[name, machine].frontend
            panels[f"{type(session.request.trained[name].frontend).__name__} ({name})"] = frontend(wave)[0]
        score = run.scores.scores[machine][clip]
        caption = f"{what}: {clip}, score {score:.4g}, threshold {run.record[machine]['threshold']:.4g}"
        file = f"{run.scores.name}_{machine}_{'miss' if run.truths[machine][clip].is_anomaly else 'alarm'}.png"
        found.append((save(panels_of(panels, wave.shape[1] / RATE), folder, file), caption))
    return found


def power(wave: np.ndarray) -> np.ndarray:
    """(T,) -> (K, F)."""
    return np.abs(signal.stft(wave[None], 1024, 512)[0]) ** 2


def panels_of(panels: Mapping[str, np.ndarray], seconds: float) -> plt.Figure:
    figure, axes = plt.subplots(len(panels), 1, figsize=(6, 1.7 * len(panels)), sharex=True, squeeze=False)
    top = 10 * np.log10(max(float(p.max()) for p in panels.values()) + 1e-12)
    for axis, (title, spectrogram) in zip(axes[:, 0], panels.items(), strict=True):
        decibel = 10 * np.log10(spectrogram + 1e-12)
        extent = (0, seconds, 0, RATE / 2000)
        axis.imshow(decibel, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE, vmax=top, cmap="magma")
        axis.set_title(title, fontsize=9)
        axis.set_ylabel("kHz")
    axes[-1, 0].set_xlabel("s")
    return figure


# ------------------------------------------------------------------------------------------------------------- tables
def run_rows(run: Run) -> list[Sequence[str]]:
    """Sizes, times and proof, a row a machine."""
    table: list[Sequence[str]] = [
        ("machine", "training clips", "test clips", "members", "parameters", "MACs a clip", "training s", "proven")
    ]
    for machine, r in run.record.items():
        proven = "-" if run.kind == "dev" else "yes" if r.get("verified") else "no"
        counts = (r["data"]["n_train"], r["data"]["n_test"], len(r["members"]))
        sizes = (f"{r['parameters']:,}", f"{r['macs_per_clip']:,}", f"{r['training_seconds']:.0f}")
        table.append((machine, *map(str, counts), *sizes, proven))
    return table


def decision_rows(run: Run) -> list[Sequence[str]]:
    """Counts at the threshold, a row a machine and domain; without a truth, how many are called anomalous."""
    if not run.truths:
        rows = [(m, str(sum(d.values())), str(len(d))) for m, d in run.scores.decisions.items()]
        return [("machine", "decided anomalous", "of"), *rows]
    table: list[Sequence[str]] = [("machine", "domain", "hits", "misses", "false alarms", "correct normals")]
    for machine, decisions in run.scores.decisions.items():
        for domain in DOMAINS:
            truth = {clip: t for clip, t in run.truths[machine].items() if t.domain == domain}
            cells = [(t.is_anomaly, decisions[clip] == 1) for clip, t in truth.items()]
            counts = [cells.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
            table.append((machine, domain, *map(str, counts)))
    return table


# --------------------------------------------------------------------------------------------------------------- page
def of_system(run: Run, folder: Path, data_folder: Path | None) -> dict[str, Any]:
    """What the template shows of one system; its figures are written to `folder`."""
    session = session_of(run, data_folder) if data_folder and run.truths else None
    machines = []
    for machine in run.scores.scores:
        figures = [histogram(run, machine, folder)]
        figures += [roc(run, machine, folder)] if run.truths else []
        figures += training(run, machine, folder)
        figures += spectrograms(run, session, machine, folder) if session else []
        machines.append((machine, figures))
    return {"name": run.scores.name, "run": run_rows(run), "decisions": decision_rows(run), "machines": machines}


def write_report(runs: Sequence[Run], out: Path, data_folder: Path | None, draws: int) -> Path:
    """The page and its figures, put in place together."""
    out.parent.mkdir(parents=True, exist_ok=True)
    entries, truths = [run.scores for run in runs], runs[0].truths
    tables = evaluation.tables(entries, truths, {}, evaluation.Bootstrap(truths, draws)) if truths else []
    names = ", ".join(run.scores.name for run in runs)
    known = "" if truths else "; the truth of these clips is not known"
    missing = "" if data_folder and truths else "; no spectrograms" + ("" if truths else " without it")
    page = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    with tempfile.TemporaryDirectory(prefix=".report_", dir=out.parent) as draft:
        shown = [of_system(run, Path(draft), data_folder) for run in runs]
        text = page.get_template("report.html").render(
            title=f"Anomalous sound detection: {names}",
            note=f"{runs[0].kind} results of {runs[0].folder.parent}{known}{missing}. "
            "Intervals are over test clips alone; other seeds and training clips move the figures further.",
            tables=tables,
            systems=shown,
        )
        Path(draft, "report.html").write_text(text, encoding="utf-8")
        out.mkdir(exist_ok=True)
        for file in sorted(Path(draft).iterdir(), key=lambda p: p.suffix == ".html"):  # the page last
            shutil.move(str(file), out / file.name)
    return out / "report.html"


def main(argv: Sequence[str]) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of systems, results/dev/s1")
    parser.add_argument("--data", type=Path, help="the data folder of the runs, for spectrograms")
    parser.add_argument("--ground-truth", type=Path, metavar="PATH", help="of evaluation clips; see tools/evaluate.py")
    parser.add_argument("--out", type=Path, help="default: report/ in the first RESULTS")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap (%(default)s)")
    args = parser.parse_args(argv)
    try:
        runs = runs_of(args.results, args.ground_truth)
        page = write_report(runs, args.out or args.results[0] / "report", args.data, args.draws)
    except (BadInput, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
