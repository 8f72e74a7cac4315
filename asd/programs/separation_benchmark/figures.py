"""Figures 4, 5 and 6 as PNG: the methods' arrays, by name, in; files in the bench's folder and a line each out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from asd.clips import RATE
from asd.contracts import Arrays
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS, title_of
from asd.programs.separation_benchmark.quality import CHANNEL
from asd.separation import measures
from asd.separation.maps import MAPS
from asd.store import written_whole

HIGH = 0.2  # SCi above which the paper finds no target worse than its mixture
SHOWN = ("none", "tfgridnet", "conformer", "aqss", "adasub", "ssd_aqss", "ssd_adasub")  # at most MOST of them
MOST = 4  # methods of figures 4 and 6
NORMAL, ANOMALOUS = "tab:blue", "tab:red"

Figures = Mapping[str, Arrays]


@contextmanager
def drawing(path: Path, rows: int, columns: int, size: tuple[float, float], **how: Any) -> Iterator[np.ndarray]:
    """Axes (rows, columns) of `size` inches each, written to `path` afterwards."""
    import matplotlib  # slow to import

    matplotlib.use("Agg")
    from matplotlib import pyplot

    inches = (size[0] * columns, size[1] * rows)
    figure, axes = pyplot.subplots(rows, columns, figsize=inches, squeeze=False, layout="constrained", **how)
    yield axes
    with written_whole(path) as file:
        figure.savefig(file, format="png", dpi=110)
    pyplot.close(figure)


def shown(figures: Figures) -> list[str]:
    """Methods of figures 4 and 6: of each kind one, the unprocessed first and the student last."""
    there = [name for name in SHOWN if name in figures] or list(figures)
    return there if len(there) <= MOST else [*there[: MOST - 1], there[-1]]


# ---- figure 5 --------------------------------------------------------------------------------------------------------


def sci(bench: Bench, figures: Figures) -> list[str]:
    """SCi against SI-SNRi of each teacher's targets, a panel an embedder: sci_<method>.png."""
    lines = []
    for name, own in figures.items():
        if "sci" in own:
            told = scatter(own, METHODS[name].title, bench.folder / f"sci_{name}.png")
            lines.append(f"SCi against SI-SNRi, {METHODS[name].title} (sci_{name}.png): {'; '.join(told)}")
    return lines


def scatter(own: Arrays, title: str, path: Path) -> list[str]:
    """A line about each panel."""
    lines = []
    with drawing(path, 1, len(own["sci"]), (4.6, 3.6), sharey=True) as axes:
        columns = zip(axes[0], own["embedder"].tolist(), own["sci"], own["spearman"].tolist(), strict=True)
        for panel, embedder, found, ranked in columns:
            panel.scatter(found, own["si_snri"], s=12, alpha=0.6, linewidths=0)
            regression(panel, found, own["si_snri"])
            panel.axhline(0, color="0.7", lw=0.8, zorder=0)
            if found.max() > HIGH:
                panel.axvline(HIGH, color="0.7", lw=0.8, ls="--", zorder=0)
            panel.set(xlabel=f"SCi by {embedder}", title=f"{title}, Spearman {ranked:.2f}")
            lines.append(f"{embedder} Spearman {ranked:.2f}, {share_told(found, own['si_snri'])}")
        axes[0, 0].set_ylabel("SI-SNRi (dB)")
    return lines


def regression(panel: Any, x: np.ndarray, y: np.ndarray) -> None:
    """The least-squares line with the 95 % band of its mean."""
    if len(x) < 3 or np.ptp(x) == 0:
        return
    grid = np.linspace(x.min(), x.max(), 50)
    line, half = measures.regression(x, y, grid)
    panel.plot(grid, line, color="tab:orange")
    panel.fill_between(grid, line - half, line + half, color="tab:orange", alpha=0.25, lw=0)


def share_told(found: np.ndarray, gains: np.ndarray) -> str:
    """How many targets of high SCi are better than their mixture."""
    high = found > HIGH
    if not high.any():
        return f"no SCi above {HIGH:g}"
    return f"{high.sum()} of {len(high)} with SCi above {HIGH:g}, {(gains[high] > 0).mean():.0%} of them above 0 dB"


# ---- figure 4 --------------------------------------------------------------------------------------------------------


def examples(bench: Bench, figures: Figures, clean: Arrays) -> list[str]:
    """Scores over time and log-mels of a normal and an anomalous test mixture: scores.png."""
    names = shown(figures)
    mels = {"machine alone": clean["example_mel"]}
    mels |= {title_of(name, bench.options): figures[name]["example_mel"] for name in names}
    with drawing(bench.folder / "scores.png", 1 + len(mels), 2, (4.8, 1.6), sharex=True, sharey="row") as axes:
        for column, number in enumerate(bench.examples):
            mixture = bench.test[number]
            kind = "anomalous" if mixture.is_anomaly else "normal"
            axes[0, column].set_title(f"{kind}, noise {mixture.noise} at {mixture.snr:.0f} dB")
            score_lines(bench, axes[0, column], {n: figures[n] for n in names}, column)
            spectrograms(list(axes[1:, column]), {title: mel[column] for title, mel in mels.items()})
            axes[-1, column].set_xlabel("time (s)")
        axes[0, 0].set_ylabel("score")
        for panel in axes[1:, 0]:
            panel.set_ylabel("mel band")
        axes[0, 0].legend(fontsize=7)
    return ["scores over time of the two test mixtures of the most uneven noise (scores.png)"]


def score_lines(bench: Bench, panel: Any, figures: Figures, column: int) -> None:
    """Of each method, (F',)."""
    for name, own in figures.items():
        if "example_scores" in own:
            scores = own["example_scores"][column]
            first = (own["example_mel"].shape[1] - len(scores)) / 2  # a vector's middle frame
            seconds = (first + np.arange(len(scores))) * seconds_a_frame()
            panel.plot(seconds, scores, lw=1, label=title_of(name, bench.options))


def spectrograms(panels: Sequence[Any], mels: Mapping[str, np.ndarray]) -> None:
    """Log-mels (F, M), one a panel, in the same colours."""
    loudest = max(float(mel.max()) for mel in mels.values())
    for panel, (title, mel) in zip(panels, mels.items(), strict=True):
        extent = (0, len(mel) * seconds_a_frame(), 0, mel.shape[1])
        panel.imshow(mel.T, origin="lower", aspect="auto", extent=extent, vmin=loudest - 60, vmax=loudest)
        label = panel.text(0.01, 0.95, title, transform=panel.transAxes, va="top", color="white", fontsize=8)
        label.set_bbox({"facecolor": "black", "alpha": 0.6, "lw": 0, "pad": 1.5})


def seconds_a_frame() -> float:
    return CHANNEL.hop_length / RATE


# ---- figure 6 --------------------------------------------------------------------------------------------------------


def features(bench: Bench, figures: Figures, clean: Arrays) -> list[str]:
    """Each clip's mean log-mel on a map, normal against anomalous, clean and after each method: features.png."""
    names = shown(figures)
    placed = MAPS[bench.options.map](clean["sound"], [figures[name]["sound"] for name in names])
    titles = ["machine alone", *(title_of(name, bench.options) for name in names)]
    is_anomaly = figures[names[0]]["is_anomaly"]
    with drawing(bench.folder / "features.png", 1, len(titles), (3.0, 3.2), sharex=True, sharey=True) as axes:
        for panel, title, points in zip(axes[0], titles, placed, strict=True):
            for color, chosen, label in ((NORMAL, ~is_anomaly, "normal"), (ANOMALOUS, is_anomaly, "anomalous")):
                panel.scatter(*points[chosen].T, s=10, alpha=0.6, linewidths=0, color=color, label=label)
            panel.set(title=title, xticks=[], yticks=[])
        axes[0, 0].legend(fontsize=8)
    return [f"features of clips before and after denoising by {bench.options.map} (features.png)"]
