#!/usr/bin/env python3
"""Listen with a fitted system: a recording in, a score a second and alarms out.

python tools/monitor.py s1 fan mic --page 8000                      microphones, and a page to look at
python tools/monitor.py ssd_s1 fan recording.wav                    a file, as fast as it goes
arecord -f S16_LE -r 16000 -c 2 -t raw | python tools/monitor.py s1 fan -     a pipe: raw PCM_16, or a wav
python tools/monitor.py -e ssd drone incoming/ --idle 60            a folder that grows: its wavs in order, as one
python tools/monitor.py s1_fan.npz recording.wav                    by a file that tools/export.py wrote

The system is the one that `run.py -d SYSTEM` (or -e) has left in RESULTS/<dev|eval>/SYSTEM, or that file's. A score is
that of the last window, by default as long as the machine's training clips; the recording has as many channels as these
(one: -c 1). A distilled student of one direction takes in each sample once; others take each window anew. Readings go
to standard output; what is late, missing or wrong, and a summary, to standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.clips import RATE
from asd.errors import BadInput
from asd.monitoring import FORMATS, Alarm, Board, Times, blocks, is_a_device, served
from asd.programs import there
from asd.text_files import given


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    stage = p.add_mutually_exclusive_group()
    stage.add_argument("-d", "--dev", dest="kind", action="store_const", const="dev", help="as in run.py; the default")
    stage.add_argument("-e", "--eval", dest="kind", action="store_const", const="eval", help="as in run.py")
    p.set_defaults(kind="dev")
    words = "SYSTEM MACHINE RECORDING, or FILE RECORDING: a wav, a folder of wavs that may grow, - for a pipe, mic or "
    p.add_argument("words", nargs="+", metavar="WORD", help=f"{words}mic:DEVICE for a sound card")
    p.add_argument("--results", type=given, default=Path("results"), help="as for run.py (%(default)s)")
    p.add_argument("--window", type=float, help="s that a score is of; default: as long as the training clips")
    p.add_argument("--every", type=float, default=Times.every, help="s between scores (%(default)s)")
    p.add_argument("--block", type=float, default=Times.block, help="s of sound taken in at a time (%(default)s)")
    p.add_argument("--idle", type=float, default=Times.idle, help="s without news that end a folder (never)")
    p.add_argument("--format", choices=FORMATS, default="text", help="of the readings (%(default)s)")
    k_of_n = f"{Alarm.k}/{Alarm.n}"
    p.add_argument("--alarm", metavar="K/N", default=k_of_n, help="K of the last N over the threshold (%(default)s)")
    p.add_argument("--clear", metavar="K", type=int, default=Alarm.clear, help="so many or fewer end it (%(default)s)")
    p.add_argument("--margin", type=float, default=Alarm.margin, help="below the threshold, to end it (%(default)s)")
    p.add_argument("--page", metavar="PORT", type=int, help="a live page on http://127.0.0.1:PORT (0: any free port)")
    return p


def place_of(results: Path, words: Sequence[str]) -> tuple[Path, str]:
    """Folder and machine of SYSTEM MACHINE in the results, or FILE. Raises BadInput for what is not there."""
    if len(words) not in (1, 2):
        raise BadInput(f"{' '.join(words) or 'one word'}: SYSTEM MACHINE RECORDING, or FILE RECORDING, expected")
    if len(words) == 1:
        there.check_file(path := given(words[0]), "SYSTEM MACHINE RECORDING, or a FILE of tools/export.py,")
        return path, ""
    there.check_run(results / words[0], words[1])
    return results / words[0], words[1]


def say(text: str) -> None:
    print(f"monitor.py: {text}", file=sys.stderr, flush=True)


@command
def main(argv: Sequence[str]) -> None:
    args = parser().parse_intermixed_args(argv)
    *words, recording = args.words
    times = Times(args.window, args.every, args.block, args.idle)
    rule = Alarm.of(args.alarm, args.clear, args.margin)
    place, machine = place_of(args.results / args.kind, words)
    if not is_a_device(recording):
        there.check_file(Path(recording), "a recording, a folder of wavs, - or mic")
    from asd.programs.listening import Lines, Watcher, listen, monitor_of  # after the checks: it imports torch
    from asd.programs.loading import load

    system = load(place, machine)
    monitor = monitor_of(system, times)
    watchers: list[Watcher] = [Lines(args.format, partial(print, flush=True), say)]
    board = Board(f"{system.name} · {system.machine}", rule)
    with nullcontext() if args.page is None else served(board, args.page) as url:
        if url:
            monitor.shown = board.shown
            watchers.append(board)
            say(f"page: {url}")
        source = blocks(recording, int(times.block * RATE), times.idle, monitor.channels)
        listen(monitor, source, rule, watchers, recording)


if __name__ == "__main__":
    sys.exit(main())
