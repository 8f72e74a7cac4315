#!/usr/bin/env python3
"""Table 1 of the two-microphone autoencoder for your own recordings: machine x microphones x α x score, AUC and pAUC.

    python tools/studies/two_mic_table.py data/dcase2026t2 results/two_mic               near/far sets as they are
    python tools/studies/two_mic_table.py data/mimii results/mimii --mimii ~/MIMII --pairs 0-4 2-6

Luzón-Álvarez et al. 2025, sec. 3. With --mimii the data folder is written first, one machine of two channels for each
machine type and pair, from MIMII's 8-channel clips (asd/programs/mimii.py). AUC and pAUC are over all test clips of
both domains. Trainings lie in the results' store: an interrupted table goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import numpy as np

from asd import evaluation
from asd.errors import BadInput
from asd.jobs import JobFailed
from asd.programs.developing import develop
from asd.programs.mimii import machine_and_pair, write_pairs
from asd.programs.request import Request
from asd.programs.session import section_of
from asd.tables import rendered

BASELINES = {"baseline_mse": "MSE", "baseline_mahala": "MAHALA"}  # system -> score
OURS = {"two_mic_ae_mse": "MSE", "two_mic_ae_mahala": "MAHALA"}
SCORES = list(BASELINES.values())
Figures = tuple[float, float]  # AUC and pAUC of one machine, over all its test clips
Table = dict[tuple[str, str, str, str], Figures]  # machine, pair, score, α or "baseline"


def figures(request: Request) -> dict[tuple[str, str], Figures]:
    """System and machine -> AUC and pAUC of the finished run."""
    session = develop(request, partial(print, file=sys.stderr))
    tasks = [(name, machine) for name in session.members for machine in session.machines]
    return {(name, m.name): of_scores(session.folder(name).scores(m.name, section_of(m))) for name, m in tasks}


def of_scores(scores: Mapping[str, float]) -> Figures:
    truth = evaluation.truth_of_names(scores)
    is_anomaly = np.array([truth[name].is_anomaly for name in scores])
    values = np.array(list(scores.values()))
    return evaluation.auc(values, is_anomaly), evaluation.pauc(values, is_anomaly)


def measured(args: argparse.Namespace) -> Table:
    """Every cell of the table; each α overwrites the results of the one before, the store keeps all trainings."""
    epochs = f"detector.training.epochs={args.epochs}"
    places = {"data": args.data, "results": args.results, "machines": args.machines, "workers": args.workers}
    requests = {"baseline": Request.of("dev", list(BASELINES), [epochs], **places)}
    for alpha in args.alphas:
        requests[f"{alpha:g}"] = Request.of("dev", list(OURS), [epochs, f"detector.alpha={alpha:g}"], **places)
    return {
        (*machine_and_pair(machine), {**BASELINES, **OURS}[system], column): cell
        for column, request in requests.items()
        for (system, machine), cell in figures(request).items()
    }


def rows(table: Table) -> list[list[str]]:
    """The paper's layout: machine and metric down, score, microphones and α across; the best of a score in bold."""
    columns = list(dict.fromkeys((score, pair, column) for _, pair, score, column in table))
    columns.sort(key=lambda c: (SCORES.index(c[0]), c[1], c[2] == "baseline"))
    printed = [["machine", "metric", *(f"{s} {p} {c if c == 'baseline' else f'α={c}'}" for s, p, c in columns)]]
    machines = list(dict.fromkeys(machine for machine, *_ in table))
    for machine in [*machines, *(["average"] if len(machines) > 1 else [])]:
        for i, metric in enumerate(("AUC", "pAUC")):
            chosen = machines if machine == "average" else [machine]
            values = [mean_of([table.get((m, p, s, c)) for m in chosen], i) for s, p, c in columns]
            printed.append([machine, metric, *bold(values, [s for s, *_ in columns])])
    return printed


def mean_of(cells: Sequence[Figures | None], i: int) -> float:
    there = [cell[i] for cell in cells if cell is not None]
    return sum(there) / len(there) if there else np.nan


def bold(values: Sequence[float], groups: Sequence[str]) -> list[str]:
    """Percent with two decimals, as in the paper; the largest of each group in bold, a cell without a run as -."""
    best = {g: np.nanmax([v for v, of in zip(values, groups, strict=True) if of == g]) for g in groups}
    told = [f"{100 * v:.2f}" for v in values]
    marked = [f"**{t}**" if v == best[g] else t for t, v, g in zip(told, values, groups, strict=True)]
    return ["-" if np.isnan(v) else m for v, m in zip(values, marked, strict=True)]


def pair_of(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if match is None or match[1] == match[2]:
        raise argparse.ArgumentTypeError(f"{text}: two microphone numbers expected, for example 0-4")
    return int(match[1]), int(match[2])


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, help="holds dev_data/raw; with --mimii it is written")
    add("results", type=Path, help="results folder of these runs; not the one of your submissions")
    add("--mimii", type=Path, help="folder of MIMII's 8-channel clips")
    add("--pairs", type=pair_of, nargs="+", default=[(0, 4), (2, 6)], help="microphones, reference first (0-4 2-6)")
    add("--alphas", type=float, nargs="+", default=[0.1, 0.5, 2.0, 10.0], help="%(default)s; Table 1")
    add("--epochs", type=int, default=50, help="of both autoencoders, theirs and the baseline (%(default)s; sec. 3.3)")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--workers", type=int, default=1, help="processes of one thread (%(default)s)")
    args = parser.parse_args(argv)
    try:
        if args.mimii:
            write_pairs(args.mimii, args.data, args.pairs)
        title = f"AUC and pAUC in percent, {args.epochs} epochs"
        print(rendered(title, rows(measured(args)), "markdown"), end="")
    except (BadInput, OSError, JobFailed) as error:
        print(f"two_mic_table.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
