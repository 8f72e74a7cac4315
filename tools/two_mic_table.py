#!/usr/bin/env python3
"""Table 1 of the two-microphone autoencoder for your own recordings: machine x microphones x α x score, AUC and pAUC.

    python tools/two_mic_table.py data/dcase2026t2 results/two_mic                       near/far sets as they are
    python tools/two_mic_table.py data/mimii results/mimii --mimii ~/MIMII --pairs 0-4 2-6

With --mimii the data folder is written first, one machine of two channels for each machine type and pair, from
MIMII's 8-channel clips (<anything>/<machine>/id_NN/{normal,abnormal}/*.wav). Luzón-Álvarez et al. 2025, sec. 3: 1,000
normal clips of all units and noise levels for training, 200 normal and 200 anomalous ones for the test, 50 epochs.
MIMII has no domains: every fourth clip is called `target` so that the selective Mahalanobis score has its two, and AUC
and pAUC are over all test clips. Trainings lie in the results' store: an interrupted table goes on where it stopped.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import data, evaluation
from asd.errors import BadInput
from asd.score_files import SCORE, file_name, read_rows
from asd.store import written_whole
from asd.tables import rendered

RUN = Path(__file__).resolve().parent.parent / "run.py"
N_TRAIN, N_TEST = 1000, 200  # clips of a machine, and of each condition in the test; sec. 3.1
TEST_SHARE = 0.4  # of a small collection's normal clips go to the test; *chosen*: so that both sides keep some
SEED = 2025  # of the random choice of clips
SYSTEMS = {"MSE": ("baseline_mse", "two_mic_ae_mse"), "MAHALA": ("baseline_mahala", "two_mic_ae_mahala")}
NEAR_FAR = "near-far"
Figures = tuple[float, float]  # AUC and pAUC of one machine, over all its test clips
Table = dict[tuple[str, str, str, str], Figures]  # machine, pair, score, α or "baseline"


def mimii_clips(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Machine -> normal and abnormal clips. Raises BadInput where the folder holds none."""
    found: dict[str, dict[str, list[Path]]] = {}
    for condition in ("normal", "abnormal"):
        for path in sorted(folder.rglob(f"{condition}/*.wav")):
            found.setdefault(path.parts[-4], {"normal": [], "abnormal": []})[condition].append(path)
    if not found or not all(clips["normal"] and clips["abnormal"] for clips in found.values()):
        raise BadInput(f"{folder}: no <machine>/id_NN/normal/*.wav and abnormal/*.wav (is it MIMII's folder?)")
    return found


def split(clips: dict[str, list[Path]], seed: int) -> Iterator[tuple[str, str, list[Path]]]:
    """(train | test, normal | anomaly, clips) drawn at random, none twice."""
    rng = np.random.default_rng(seed)
    normal, abnormal = ([clips[c][i] for i in rng.permutation(len(clips[c]))] for c in ("normal", "abnormal"))
    n_test = min(N_TEST, int(TEST_SHARE * len(normal)))
    yield "test", "normal", normal[:n_test]
    yield "train", "normal", normal[n_test : n_test + N_TRAIN]
    yield "test", "anomaly", abnormal[:N_TEST]


def write_pairs(folder: Path, out: Path, pairs: Sequence[tuple[int, int]]) -> None:
    """The pair's two channels of each clip, in the challenge's layout; what is there already stays."""
    for machine, clips in mimii_clips(folder).items():
        for part, condition, paths in split(clips, SEED):
            for number, path in enumerate(paths):
                domain = "target" if number % 4 == 3 else "source"
                name = f"section_00_{domain}_{part}_{condition}_{number:04d}_{path.parts[-3]}.wav"
                places = {p: out / "dev_data" / "raw" / of_pair(machine, p) / part / name for p in pairs}
                missing = {pair: place for pair, place in places.items() if not place.exists()}
                if missing:
                    write_clip(path, missing)


def of_pair(machine: str, pair: tuple[int, int]) -> str:
    return f"{machine}-mics-{pair[0]}-{pair[1]}"


def write_clip(path: Path, places: dict[tuple[int, int], Path]) -> None:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)  # (T, C)
    for pair, place in places.items():
        if max(pair) >= samples.shape[1]:
            raise BadInput(f"{path}: {samples.shape[1]} channels, microphones {pair[0]} and {pair[1]} wanted")
        with written_whole(place) as file:  # half a clip would be taken for one that is there already
            soundfile.write(file, samples[:, list(pair)], rate, format="WAV", subtype="PCM_16")


def machine_and_pair(name: str) -> tuple[str, str]:
    """
    >>> machine_and_pair("fan-mics-0-4"), machine_and_pair("ToyCar")
    (('fan', '0-4'), ('ToyCar', 'near-far'))
    """
    match = re.fullmatch(r"(.+)-mics-(\d+-\d+)", name)
    return (match[1], match[2]) if match else (name, NEAR_FAR)


def figures(folder: Path, machine: str) -> Figures:
    scores = read_rows(folder / file_name(SCORE, machine))
    truth = evaluation.truth_of_names(scores)
    is_anomaly = np.array([truth[name].is_anomaly for name in scores])
    values = np.array(list(scores.values()))
    return evaluation.auc(values, is_anomaly), evaluation.pauc(values, is_anomaly)


def trained(args: argparse.Namespace, systems: Sequence[str], machines: Sequence[str], words: Sequence[str]) -> None:
    line = ["-d", *systems, "--data", str(args.data), "--results", str(args.results), "--machines", *machines]
    line += ["--set", f"detector.training.epochs={args.epochs}", "--workers", str(args.workers), *words]
    if subprocess.run([sys.executable, str(RUN), *line], stdout=sys.stderr).returncode:
        raise BadInput(f"run.py {' '.join(line)}: failed, see above")


def measured(args: argparse.Namespace, machines: Sequence[str]) -> Table:
    """Every cell of the table; each α overwrites the results of the one before, the store keeps all trainings."""
    table: Table = {}
    for column in ("baseline", *(f"{alpha:g}" for alpha in args.alphas)):
        systems = {score: names[column != "baseline"] for score, names in SYSTEMS.items()}
        words = [] if column == "baseline" else ["--set", f"detector.alpha={column}"]
        trained(args, list(systems.values()), machines, words)
        for score, system in systems.items():
            for name in machines:
                table[*machine_and_pair(name), score, column] = figures(args.results / "dev" / system, name)
    return table


def rows(table: Table) -> list[list[str]]:
    """The paper's layout: machine and metric down, score, microphones and α across; the best of a score in bold."""
    columns = list(dict.fromkeys((score, pair, column) for _, pair, score, column in table))
    columns.sort(key=lambda c: (list(SYSTEMS).index(c[0]), c[1], c[2] == "baseline"))
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
        machines = data.chosen_machines(data.raw_folder(args.data, "dev"), args.machines)
        title = f"AUC and pAUC in percent, {args.epochs} epochs"
        print(rendered(title, rows(measured(args, machines)), "markdown"), end="")
    except (BadInput, OSError) as error:
        print(f"two_mic_table.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
