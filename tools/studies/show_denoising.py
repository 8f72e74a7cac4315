#!/usr/bin/env python3
"""What the semi-denoising U-Net does to a clip: original log-mel beside its reconstruction, as an image per machine.

    python tools/studies/show_denoising.py results/dev/semi_denoise figures [--machines fan] [--clips 3]

Figures of the kind of the paper's section 5: training-normal clips, the first seed of the run that the folder records.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from asd.commands import command

import numpy as np

from asd.clips import RATE, Clip
from asd.data import read_wave
from asd.detectors.denoised import DenoisedScorer, denoised, near_of
from asd.errors import BadInput
from asd.programs.opening import fitted_system, open_run
from asd.system import Member, described
from asd.text_files import given

Pair = tuple[str, float, np.ndarray, np.ndarray]  # clip name, seconds, original and reconstruction (F, M) in dB


def spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """`count` clips, evenly over all of them."""
    return [clips[i] for i in np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int)]


def pairs(member: Member, clips: Sequence[Clip]) -> Iterator[Pair]:
    if not isinstance(member.scorer, DenoisedScorer):
        raise BadInput("no U-Net in this system: results/dev/semi_denoise or semi_denoise_mahala expected")
    for clip in clips:
        wave = read_wave(clip)
        feature = described(member.frontend, member.features, wave)  # (F, D)
        cleaned = denoised(member.scorer.denoiser, feature)
        yield clip.path.stem, wave.shape[1] / RATE, near_of(member.scorer.denoiser, feature), cleaned


def draw(path: Path, machine: str, shown: Sequence[Pair]) -> None:
    """A row per clip, the same colours on both sides."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(shown), 2, figsize=(10, 2.6 * len(shown)), squeeze=False, layout="constrained")
    for row, (name, seconds, original, cleaned) in zip(axes, shown, strict=True):
        low, high = np.percentile(original, [2, 99.8])
        extent = (0, seconds, 0, original.shape[1])
        for axis, image, title in zip(row, (original, cleaned), (name, "reconstruction"), strict=True):
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


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("results", type=given, help="what `run.py -d semi_denoise` has written: results/dev/semi_denoise")
    add("out", type=given, help="folder for the images")
    add("--machines", nargs="+", help="default: all of the run")
    add("--clips", type=int, default=3, help="per machine (%(default)s, as in the paper)")
    add("--data", type=given, help="as for run.py; only where the clips have moved since")
    args = parser.parse_args(argv)
    run = open_run(args.results, args.data, args.machines)
    for machine in run.machines:
        member = fitted_system(run, machine.name).members[0]
        path = args.out / f"{machine.name}.png"
        draw(path, machine.name, list(pairs(member, spread(machine.train, args.clips))))
        print(path)


if __name__ == "__main__":
    sys.exit(main())
