#!/usr/bin/env python3
"""Listen with a fitted system: a recording in, a score and a decision per second out.

python tools/monitor.py ssd_s1 fan recording.wav                    a file, as fast as it goes
arecord -f S16_LE -r 16000 -c 2 -t raw | python tools/monitor.py s1 fan -     a pipe: raw PCM_16, or a wav
python tools/monitor.py -e ssd drone incoming/ --idle 60            a folder that grows: its wavs in order, as one
python tools/monitor.py s1_fan.npz recording.wav                    by a file that tools/export.py wrote

The system is the one that `run.py -d SYSTEM` (or -e) has left in RESULTS/<dev|eval>/SYSTEM, or that file's. A score is
that of the last window, by default as long as the machine's training clips; the recording has as many channels as these
(one: -c 1). A distilled student of one direction takes in each sample once; others take each window anew.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.clips import RATE
from asd.errors import BadInput
from asd.monitoring import blocks
from asd.programs.listening import Times, listen, monitor_of
from asd.programs.loading import LoadedSystem, load
from asd.text_files import given


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    stage = p.add_mutually_exclusive_group()
    stage.add_argument("-d", "--dev", dest="kind", action="store_const", const="dev", help="as in run.py; the default")
    stage.add_argument("-e", "--eval", dest="kind", action="store_const", const="eval", help="as in run.py")
    p.set_defaults(kind="dev")
    words = "SYSTEM MACHINE RECORDING, or FILE RECORDING: a wav, a folder of wavs that may grow, or - for a pipe"
    p.add_argument("words", nargs="+", metavar="WORD", help=words)
    p.add_argument("--results", type=given, default=Path("results"), help="as for run.py (%(default)s)")
    p.add_argument("--window", type=float, help="s that a score is of; default: as long as the training clips")
    p.add_argument("--every", type=float, default=Times.every, help="s between scores (%(default)s)")
    p.add_argument("--block", type=float, default=Times.block, help="s of sound taken in at a time (%(default)s)")
    p.add_argument("--idle", type=float, default=Times.idle, help="s without news that end a folder (never)")
    p.add_argument("--csv", type=given, help="write the readings there too")
    return p


def loaded(place: Path, words: Sequence[str]) -> LoadedSystem:
    """Of SYSTEM MACHINE in the results at `place`, or of FILE. Raises BadInput for other words."""
    if len(words) not in (1, 2):
        raise BadInput(f"{' '.join(words) or 'one word'}: SYSTEM MACHINE RECORDING, or FILE RECORDING, expected")
    return load(place / words[0], words[1]) if len(words) > 1 else load(words[0])


def main(argv: Sequence[str]) -> int:
    args = parser().parse_intermixed_args(argv)
    *words, recording = args.words
    try:
        times = Times(args.window, args.every, args.block, args.idle)
        monitor = monitor_of(loaded(args.results / args.kind, words), times)
        source = blocks(recording, int(times.block * RATE), times.idle, monitor.channels)
        listen(monitor, source, args.csv, partial(print, flush=True))
    except BadInput as error:
        print(f"monitor.py: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the readings has gone; nothing may be flushed to them at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("\nmonitor.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
