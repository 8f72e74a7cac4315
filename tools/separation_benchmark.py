#!/usr/bin/env python3
"""Separation methods side by side on your recordings: SI-SNR improvement, ROC-AUC behind each, seconds per clip.

python tools/separation_benchmark.py --preset quick --machine fan/ --noise noise/          minutes, a simulated room
python tools/separation_benchmark.py --machine fan/ lathe/ --noise noise/ --rirs dEchorate_rir.h5:011111/1/1,2,3,4
python tools/separation_benchmark.py --preset quick ... --methods ssd_adasub pra_ilrma     some of them
python tools/separation_benchmark.py ... --audiosep audiosep_base_4M_steps.ckpt --text "fan running" --tokenizer FOLDER

--machine holds normal*.wav and anomaly*.wav of the machine alone (one folder a machine), --noise recordings without it,
or a folder of them for each class, all 16 kHz. Tables I and II and figures 4 to 6 of Shoda et al., "Spectral-to-spatial
distillation"; the defaults are the paper's sizes and take hours to days a machine. What is done lies in a folder of
--out and is not done again; delete store/<method>/ there to repeat a method.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.programs.separation_benchmark import METHODS, PRESETS, Options, compare
from asd.text_files import given


def parser(preset: str) -> argparse.ArgumentParser:
    """With the defaults of the preset."""
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    defaults = {f.name: getattr(Options, f.name) for f in fields(Options) if hasattr(Options, f.name)}
    p.set_defaults(**{name: _listed(value) for name, value in {**defaults, **PRESETS[preset]}.items()})
    add = p.add_argument
    add("--preset", choices=PRESETS, default="full", help="numbers that other options change (%(default)s)")
    add("--machine", type=given, nargs="+", required=True, help="recordings of a machine alone; a folder a machine")
    add("--noise", type=given, required=True, help="recordings of noise alone, or a folder of them for each class")
    add("--rirs", help="impulse responses: FILE.npz:ROOM, dEchorate's FILE.h5:ROOM/ARRAY/MACHINE,NOISE,... or a folder")
    add("--microphones", type=int, help="of the simulated room, without --rirs (%(default)s)")
    add("--seconds", type=float, help="of a mixture (%(default)s)")
    add("--snr", type=float, nargs=2, metavar=("FROM", "TO"), help="dB (%(default)s)")
    add("--self-noise", type=float, metavar="DB", help="each microphone's own, to the mixture (%(default)s: none)")
    add("--level", type=float, nargs=2, metavar=("FROM", "TO"), help="dB of full scale to bring mixtures to, at random")
    add("--train", type=int, help="normal stretches to train on, one of them the reference clip (%(default)s)")
    add("--peers-train", type=int, help="mixtures for the supervised peers, of other recordings (%(default)s)")
    add("--test", type=int, help="mixtures to test on, half of them anomalous (%(default)s)")
    add("--seed", type=int, help="of the mixtures (%(default)s)")
    add("--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(METHODS)}; default: all there is material for")
    add("--student", help="cited: 256-128 units, both directions, 1e-3; small: the kit's (%(default)s)")
    add("--peers", help="size of the supervised peers, paper or small (%(default)s)")
    add("--peer-epochs", type=int, help="most epochs of the supervised peers (%(default)s)")
    add("--peer-segments", type=int, help="segments of 2 s drawn an epoch, 0: all (%(default)s)")
    add("--ae-epochs", type=int, help="of the autoencoder (%(default)s)")
    add("--ae-seeds", type=int, help="0: no ROC-AUC, quick for slow methods (%(default)s)")
    add("--embedders", nargs="+", help="whose SCi is compared, of logmel, aisfx, clap; the first one weights")
    add("--audiosep", help="AudioSep checkpoint")
    add("--clap", help="CLAP checkpoint; default: the one inside AudioSep's")
    add("--text", help="what AudioSep is asked for, or a .npy of its embedding (512,)")
    add("--tokenizer", help="folder of RoBERTa's vocab.json and merges.txt, for --text")
    words: dict[str, Any] = {"dest": "settings", "metavar": "PART.FIELD=VALUE"}
    add("--set", action="append", help="of the front-end, student.units=256,128", **words)
    add("--map", help="of features, pca, tsne or umap (%(default)s)")
    add("--no-timing", dest="timing", action="store_false", help="leave Table II out (on a busy machine)")
    add("--out", type=given)
    return p


def _listed(value: Any) -> Any:
    """Lists for argparse, which appends to them."""
    return list(value) if isinstance(value, tuple) else value


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", choices=PRESETS, default="full")
    return parser(first.parse_known_args(argv)[0].preset).parse_args(argv)


def options_of(args: argparse.Namespace) -> list[Options]:
    """Of each machine. Raises BadInput."""
    given = {f.name: getattr(args, f.name) for f in fields(Options)}
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return [Options(**{**made, "machine": machine}) for machine in args.machine]


@command
def main(argv: Sequence[str]) -> None:
    args = parsed(argv)
    print(compare(options_of(args), lambda title: print(f"{title} ...", file=sys.stderr, flush=True)))


if __name__ == "__main__":
    sys.exit(main())
