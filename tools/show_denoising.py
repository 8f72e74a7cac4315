#!/usr/bin/env python3
"""What the semi-denoising U-Net does to a clip: original log-mel beside its reconstruction, as an image a machine.

    python tools/show_denoising.py data/dcase2026t2 results figures [--machines fan] [--clips 3]

Figures of the kind of the paper's section 5, from training-normal clips of a system trained before (`run.py -d
semi_denoise`); numbers that departed then are given again with --set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import run
from asd import data
from asd.clips import RATE, Clip
from asd.detectors.denoised import DenoisedScorer, denoised
from asd.errors import BadInput
from asd.session import Session
from asd.system import Chain

SYSTEM = "semi_denoise"
Pair = tuple[str, np.ndarray, np.ndarray]  # clip name, original (F, M) and reconstruction (F, M) in dB


def opened(args: argparse.Namespace) -> Session:
    line = ["-d", SYSTEM, "--test-only", "--data", str(args.data), "--results", str(args.results)]
    line += ["--machines", *args.machines] if args.machines else []
    line += [word for text in args.set for word in ("--set", text)]
    line += ["--seeds", args.seeds] if args.seeds else []
    return Session(run.request(run.parser().parse_args(line)))


def spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """`count` clips, evenly over all of them."""
    return [clips[i] for i in np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int)]


def pairs(chain: Chain, seed: int, clips: Sequence[Clip]) -> list[Pair]:
    (scorer,) = chain.scorers((seed,))
    assert isinstance(scorer, DenoisedScorer)
    features = [chain.feature(clip, data.read_wave(clip)) for clip in clips]
    return [
        (clip.path.stem, np.split(feature, 2, axis=1)[0], denoised(scorer.denoiser, feature))
        for clip, feature in zip(clips, features, strict=True)
    ]


def draw(path: Path, machine: str, shown: Sequence[Pair]) -> None:
    """One row a clip, the same colours on both sides."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(shown), 2, figsize=(10, 2.6 * len(shown)), squeeze=False, layout="constrained")
    for row, (name, original, cleaned) in zip(axes, shown, strict=True):
        low, high = np.percentile(original, [2, 99.8])
        seconds = len(original) * 512 / RATE
        for axis, image, title in zip(row, (original, cleaned), (name, "reconstruction"), strict=True):
            extent = (0, seconds, 0, image.shape[1])
            drawn = axis.imshow(
                image.T, origin="lower", aspect="auto", vmin=low, vmax=high, extent=extent, cmap="magma"
            )
            axis.set_title(title, fontsize=7)
        row[0].set_ylabel("mel band")
        figure.colorbar(drawn, ax=list(row), label="dB")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    figure.suptitle(machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, help="holds dev_data/raw")
    add("results", type=Path, help="results folder that the system was trained in")
    add("out", type=Path, help="folder for the images")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--clips", type=int, default=3, help="a machine (%(default)s, as in the paper)")
    add("--seeds", help="as for run.py; the first is shown")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="as for run.py")
    args = parser.parse_args(argv)
    try:
        session = opened(args)
        for machine in session.machines:
            seed = session.members[SYSTEM][0][1]
            chosen = spread(machine.train, args.clips)
            draw(
                args.out / f"{machine.name}.png",
                machine.name,
                pairs(session.chains[SYSTEM, machine.name], seed, chosen),
            )
            print(args.out / f"{machine.name}.png")
    except (BadInput, OSError) as error:
        print(f"show_denoising.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
