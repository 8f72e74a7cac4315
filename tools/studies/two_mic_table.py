#!/usr/bin/env python3
"""Table 1 of the two-microphone autoencoder for your own recordings: machine x microphones x α x score, AUC and pAUC.

    python tools/studies/two_mic_table.py data/dcase2026t2 results/two_mic               near/far sets as they are
    python tools/studies/two_mic_table.py data/mimii results/mimii --mimii ~/MIMII --pairs 0-4 2-6

Luzón-Álvarez et al. 2025, sec. 3. With --mimii the data folder is written first, one machine of two channels for each
machine type and pair, from MIMII's 8-channel clips (asd/programs/mimii.py), with the split that was drawn beside it; a
MAHALA score has one covariance a channel there, and the published figures stand below your own. AUC and pAUC are over
all test clips, averages are harmonic means over machines. AUC against α is drawn to RESULTS/auc_against_alpha.png.
Trainings lie in the results' store: an interrupted table goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from asd.commands import command

from asd.programs import two_microphones as study
from asd.programs.mimii import write_pairs
from asd.programs.reading import published_figures
from asd.tables import rendered
from asd.text_files import given

PUBLISHED = published_figures()["two_microphones"]


def pair_of(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if match is None or match[1] == match[2]:
        raise argparse.ArgumentTypeError(f"{text}: two microphone numbers expected, for example 0-4")
    return int(match[1]), int(match[2])


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=given, help="holds dev_data/raw; with --mimii its eval_data/raw is written")
    add("results", type=given, help="results folder of these runs; not the one of your submissions")
    add("--mimii", type=given, help="folder of MIMII's 8-channel clips")
    add("--pairs", type=pair_of, nargs="+", default=[(0, 4), (2, 6)], help="microphones, reference first (0-4 2-6)")
    add("--alphas", type=float, nargs="+", default=[0.1, 0.5, 2.0, 10.0], help="%(default)s; Table 1")
    add("--epochs", type=int, default=50, help="of both autoencoders, theirs and the baseline (%(default)s; sec. 3.3)")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--workers", type=int, default=1, help="processes of one thread (%(default)s)")
    args = parser.parse_args(argv)
    if args.mimii:
        write_pairs(args.mimii, args.data, args.pairs)
    kind, sets = ("eval", study.WITHOUT_DOMAINS) if args.mimii else ("dev", study.WITH_DOMAINS)
    places = {"data": args.data, "results": args.results, "machines": args.machines, "workers": args.workers}
    own = study.measured(kind, args.alphas, args.epochs, sets, partial(print, file=sys.stderr), **places)
    published = study.beside(own, study.published_table(PUBLISHED))
    title = f"AUC and pAUC in percent, {args.epochs} epochs"
    print(rendered(title, study.rows(own, published), "markdown"), end="")
    study.draw(own, published, figure := args.results / "auc_against_alpha.png")
    print(f"\nAUC against α: {figure}")


if __name__ == "__main__":
    sys.exit(main())
