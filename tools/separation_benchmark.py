#!/usr/bin/env python3
"""Separation methods side by side on your recordings: SI-SNR improvement, ROC-AUC behind each, seconds per clip.

python tools/separation_benchmark.py --machine fan/ --noise noise/ --rirs rirs.npz:workshop
python tools/separation_benchmark.py --machine fan/ --noise noise/ --microphones 2         a simulated room
python tools/separation_benchmark.py ... --methods ssd_adasub ilrma                        some of them
python tools/separation_benchmark.py ... --audiosep audiosep_base_4M_steps.ckpt --text query.npy

--machine holds normal*.wav and anomaly*.wav of the machine alone, --noise recordings without it, all 16 kHz. Tables I
and II and figure 5 of Shoda et al., "Spectral-to-spatial distillation". What is done lies in a folder of --out and is
not done again; delete store/<method>/ there to repeat a method.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.errors import BadInput
from asd.programs.separation_benchmark import METHODS, Options, compare


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    p.set_defaults(**{f.name: getattr(Options, f.name) for f in fields(Options) if hasattr(Options, f.name)})
    add = p.add_argument
    add("--machine", type=Path, required=True, help="recordings of the machine alone")
    add("--noise", type=Path, required=True, help="recordings of noise alone")
    add("--rirs", help="impulse responses: FILE.npz, FILE.npz:ROOM or a folder; default: a simulated room")
    add("--microphones", type=int, help="of the simulated room (%(default)s)")
    add("--seconds", type=float, help="of a mixture (%(default)s)")
    add("--snr", type=float, nargs=2, metavar=("FROM", "TO"), help="dB (%(default)s)")
    add("--train", type=int, help="mixtures to train on (%(default)s)")
    add("--test", type=int, help="mixtures to test on, half of them anomalous (%(default)s)")
    add("--seed", type=int, help="of the mixtures (%(default)s)")
    add("--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(METHODS)}; default: all there is material for")
    add("--peer-epochs", type=int, help="most epochs of the supervised peers (%(default)s)")
    add("--ae-epochs", type=int, help="of the autoencoder (%(default)s)")
    add("--ae-seeds", type=int, help="0: no ROC-AUC, quick for slow methods (%(default)s)")
    add("--audiosep", help="AudioSep checkpoint")
    add("--clap", help="CLAP checkpoint; default: the one inside AudioSep's")
    add("--text", help=".npy of a text embedding (512,) for AudioSep by text")
    words: dict[str, Any] = {"dest": "settings", "metavar": "PART.FIELD=VALUE"}
    add("--set", action="append", default=[], help="of the front-end, student.units=256,128", **words)
    add("--no-timing", dest="timing", action="store_false", help="leave Table II out (on a busy machine)")
    add("--out", type=Path)
    return p


def options_of(args: argparse.Namespace) -> Options:
    """Raises BadInput."""
    given = {f.name: getattr(args, f.name) for f in fields(Options)}
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return Options(**made)


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    try:
        print(compare(options_of(args), lambda title: print(f"{title} ...", file=sys.stderr, flush=True)))
    except BadInput as error:
        print(f"separation_benchmark.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
