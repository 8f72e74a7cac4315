#!/usr/bin/env python3
"""What a frozen feature is worth: statistics or encoders x front-ends x back-ends, Ω on a development set, best first.

    python tools/studies/backends.py data/dcase2026t2 results
    python tools/studies/backends.py DATA RESULTS --features aisfx --frontends Near RefSub --backends nearest
    python tools/studies/backends.py DATA RESULTS --features beats=BEATs_iter3_plus_AS2M.pt --frontends Canceller

Nothing is trained; features are kept in the store. Differences are to --reference, on the same resampled clips. Many
combinations are compared, so the best of them looks better here than it is. A guide to what to try, no proof.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from asd.commands import command

from asd import frontends
from asd.detectors import backends
from asd.encoders import Aisfx, Ast, Beats, Clap
from asd.errors import BadInput, did_you_mean
from asd.features import LogMelStatistics, OctaveModulation
from asd.programs.grid import measured, recipes, table
from asd.tables import rendered
from asd.text_files import given

FEATURES = {
    "mean": LogMelStatistics(),
    "mean-shape": LogMelStatistics(level=0.0),
    "mean-std": LogMelStatistics(("mean", "std")),
    "rank": LogMelStatistics(("rank",)),
    "p99": LogMelStatistics(("p99",)),
    "modulation": OctaveModulation(),
}
ENCODERS = {"aisfx": Aisfx, "ast": Ast, "beats": Beats, "clap": Clap}
BACKENDS = {
    "nearest": backends.NearestNeighbours(),
    "nearest-unit": backends.NearestNeighbours(scaling=backends.UnitDeviation()),
    "nearest-cosine": backends.NearestNeighbours(metric="cosine"),
    "nearest-mixup": backends.NearestNeighbours(mixup=0.9),
    "local-density": backends.LocalDensity(),
    "mahalanobis": backends.Mahalanobis(),
    "subspace": backends.SubspaceResidual(),
    "sub-bands": backends.SubBands(),
}


def feature_of(text: str) -> object:
    """`mean`, or `beats=CHECKPOINT`. Raises BadInput."""
    name, _, checkpoint = text.partition("=")
    if name in FEATURES:
        return FEATURES[name]
    if name in ENCODERS:
        return ENCODERS[name](checkpoint)
    known = [*FEATURES, *ENCODERS]
    raise BadInput(f"--features {name}: unknown{did_you_mean(name, known, cutoff=0.5)} (known: {', '.join(known)})")


def chosen(kind: str, names: Sequence[str], known: dict) -> dict:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, cutoff=0.5)
            raise BadInput(f"--{kind} {name}: unknown{hint} (known: {', '.join(known)})")
    return {name: known[name] for name in names}


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=given, help="holds dev_data/raw")
    add("results", type=given, help="results folder, with the store of features")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--features", nargs="+", default=["mean", "p99", "modulation"], help=f"{' '.join([*FEATURES, *ENCODERS])}")
    add("--frontends", nargs="+", default=["Near", "AdaSub"], help="by class name (%(default)s)")
    add("--backends", nargs="+", default=list(BACKENDS), help="%(default)s")
    add("--reference", help="a row's name, what the others are compared with; default: the first combination")
    args = parser.parse_args(argv)
    parts = {name: getattr(frontends, name) for name in frontends.__all__}
    made = {name: part() for name, part in chosen("frontends", args.frontends, parts).items()}
    features = {text.partition("=")[0]: feature_of(text) for text in args.features}
    systems = recipes(features, made, chosen("backends", args.backends, BACKENDS))  # type: ignore[arg-type]
    found = measured(systems, args.data, args.results, args.machines)
    print(rendered("Ω, development set", table(found, args.reference or next(iter(systems))), "markdown"), end="")


if __name__ == "__main__":
    sys.exit(main())
