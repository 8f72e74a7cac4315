#!/usr/bin/env python3
"""Listen with a fitted system: a two-channel recording in, a verdict a second out.

python tools/monitor.py ssd_s1 fan recording.wav                    a file, as fast as it goes
arecord -f S16_LE -r 16000 -c 2 -t raw | python tools/monitor.py s1 fan -     a pipe: raw PCM_16, or a wav
python tools/monitor.py ssd fan incoming/ --idle 60                 a folder that grows: its wavs in order, as one

The system must lie in <results>/store: run `run.py -d SYSTEM` (or -e) first, with the same --set and --seeds. A score
is that of the last window, by default as long as the machine's training clips. A distilled student that is
unidirectional hears each block once; other front-ends hear each window anew.
"""

from __future__ import annotations

import argparse
import math
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import soundfile

import systems
from asd import data
from asd.clips import RATE
from asd.errors import BadInput
from asd.monitoring import Monitor, Reading
from asd.system import Chain, Ensemble

POLL = 0.5  # s between looks at a folder
FRAME = 4  # bytes of one sample of two PCM_16 channels
DAY = 86_400.0  # s, the longest window, interval or block
ENDLESS = 0x7FFFF000  # bytes; recorders that do not know a pipe's length promise this much or more, or 0


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    p.add_argument("system", help="a system that has been trained")
    p.add_argument("machine")
    p.add_argument("recording", help="a wav, a folder of wavs that may grow, or - for standard input")
    p.add_argument("--data", type=Path, default=Path("data/dcase2026t2"), help="as for run.py (%(default)s)")
    p.add_argument("--results", type=Path, default=Path("results"), help="as for run.py (%(default)s)")
    p.add_argument("--kind", choices=["dev", "eval"], default="dev", help="where the machine is (%(default)s)")
    p.add_argument("--seeds", help="as it was trained with")
    p.add_argument("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="as it was trained with")
    p.add_argument("--window", type=float, help="s that a score is of; default: as long as the training clips")
    p.add_argument("--every", type=float, default=1.0, help="s between scores (%(default)s)")
    p.add_argument("--block", type=float, default=0.1, help="s of sound taken in at a time (%(default)s)")
    p.add_argument("--idle", type=float, default=float("inf"), help="s without news that end a folder (never)")
    p.add_argument("--csv", type=Path, help="write the readings there too")
    return p


def check_numbers(args: argparse.Namespace) -> None:
    for name in ("window", "every", "block"):
        value = getattr(args, name)
        if value is not None and (not 0 < value <= DAY or int(value * RATE) < 1):
            raise BadInput(f"--{name} {value:g}: seconds expected, from one sample ({1 / RATE:g}) to a day ({DAY:g})")
    if not args.idle > 0:
        raise BadInput(f"--idle {args.idle:g}: above 0 s expected")


# ---- the fitted system ---------------------------------------------------------------------------------------------


def monitor_of(args: argparse.Namespace) -> Monitor:
    """The fitted system from the store, never trained here. Raises BadInput where it is not there."""
    import run
    from asd.session import Request, Session

    recipe = systems.load(args.system, args.set)
    trained = systems.load_members(recipe, args.set) if isinstance(recipe, Ensemble) else {args.system: recipe}
    request = Request(
        kind=args.kind,
        data=args.data,
        results=args.results,
        recipes={args.system: recipe},
        trained=trained,
        worker=lambda *_: [],
        machines=[args.machine],
        seeds=run.wanted_seeds(args.seeds),
        device="cpu",
        may_train=False,
        may_select=False,
        splits=("train",),
    )
    session = Session(request)
    (machine,) = session.machines
    wave = data.read_wave(machine.train[0])
    window = int(args.window * RATE) if args.window else wave.shape[1]
    fitted = session.fitted(args.system, machine)
    for name in trained:
        check_window(session.chains[name, machine.name], wave, window)
    return Monitor(fitted, window, int(args.every * RATE))


def check_window(chain: Chain, wave: np.ndarray, window: int) -> None:
    """A window too short for the detector is refused before anything is heard."""
    if window >= wave.shape[1]:
        return
    try:
        chain.feature(chain.train[0], np.ascontiguousarray(wave[:, :window]))
    except BadInput as error:
        raise BadInput(f"--window {window / RATE:g}: too short; a training clip cut to it, {error}") from error


# ---- sources: blocks (2, n) float32 --------------------------------------------------------------------------------


def blocks(recording: str, n: int, idle: float) -> Iterator[np.ndarray]:
    if recording == "-":
        return of_pipe(sys.stdin.buffer, n)
    if Path(recording).is_dir():
        return of_folder(Path(recording), n, idle)
    return of_file(Path(recording), n)


def of_file(path: Path, n: int) -> Iterator[np.ndarray]:
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != RATE or file.channels != 2:
                raise BadInput(
                    f"{path}: {file.channels} channels at {file.samplerate} Hz, 2 (near, far) at {RATE} expected"
                )
            for block in file.blocks(n, dtype="float32", always_2d=True):
                yield np.ascontiguousarray(block.T)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not a readable wav file ({error})") from error


def of_folder(folder: Path, n: int, idle: float) -> Iterator[np.ndarray]:
    """Each wav once, in the order of names, when it is complete; ends after `idle` s in which no file came or grew."""
    taken: set[Path] = set()
    sizes: dict[Path, int] = {}
    since = time.monotonic()
    while time.monotonic() - since < idle:
        for path in waiting(folder, taken):
            size, before = size_of(path), sizes.get(path)
            sizes[path] = size
            if size != before:
                since = time.monotonic()
            if size != before or unfinished(path):  # the ones after it wait: the recording has an order
                break
            taken.add(path)
            yield from of_file(path, n)
            since = time.monotonic()
        time.sleep(min(POLL, idle / 4))
    for path in waiting(folder, taken):
        raise BadInput(f"{path}: {unfinished(path) or 'not taken'}, and it has not grown for {idle:g} s")


def waiting(folder: Path, taken: set[Path]) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder}: no longer there; the folder must stay while it is listened to (was it moved?)")
    return [path for path in data.wav_paths(folder) if path not in taken]


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path}: gone before it was heard ({error.strerror}); move clips away afterwards") from error


def unfinished(path: Path) -> str:
    """Why a file is not complete although it has stopped growing, or "". Writers may pause longer than a look takes."""
    if size_of(path) < 12:  # bytes of a RIFF header
        return "no header yet"
    return "; ".join(data._truncation(path))


def of_pipe(pipe: BinaryIO, n: int) -> Iterator[np.ndarray]:
    """Interleaved PCM_16, or a wav of it: the header is checked, what follows the samples is not taken for sound."""
    whole, to_come = pipe.read(4), math.inf
    if whole == b"RIFF":
        whole, to_come = b"", samples_size(pipe)
    while True:
        chunk = pipe.read(int(min(n * FRAME, to_come)))
        to_come -= len(chunk)
        whole += chunk
        cut = len(whole) // FRAME * FRAME
        if cut:
            samples = np.frombuffer(whole[:cut], "<i2").reshape(-1, 2).T  # (2, n)
            yield np.ascontiguousarray(samples, dtype=np.float32) / 32768
        whole = whole[cut:]
        if not chunk:
            return


def samples_size(pipe: BinaryIO) -> float:
    """Bytes of samples of a wav whose first four bytes are read, inf where they are not known; goes to the first.

    Raises BadInput unless PCM_16, two channels.
    """
    pipe.read(8)  # size and WAVE
    described = False
    while len(chunk := pipe.read(8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            if not described:
                raise BadInput("-: a wav whose samples come before their format; 'fmt ' before 'data' expected")
            return math.inf if size == 0 or size >= ENDLESS else size
        body = pipe.read(size + size % 2)
        if name == b"fmt ":
            check_format(body)
            described = True
    raise BadInput("-: a wav without samples")


def check_format(body: bytes) -> None:
    """The body of a wav's `fmt ` chunk."""
    if len(body) < 16:
        raise BadInput(f"-: a wav whose format has {len(body)} bytes, 16 expected (is the recording cut off?)")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if (channels, rate, bits) != (2, RATE, 16) or kind not in (1, 0xFFFE):
        raise BadInput(f"-: {channels} channels, {rate} Hz, {bits} bits; 2, {RATE} and PCM_16 expected")


# ---- what a person sees --------------------------------------------------------------------------------------------


def listen(monitor: Monitor, source: Iterator[np.ndarray], csv: Path | None) -> None:
    """Print a line a reading, and at the end how long the blocks took."""
    costs, heard, n_readings = [], 0.0, 0
    with log_at(csv) as log:
        log.write("end_seconds,score,threshold,decision\n")
        for readings, seconds, n in steps(monitor, source):
            costs.append(seconds)
            heard += n / RATE
            n_readings += len(readings)
            for r in readings:
                print(told(r, monitor.threshold, seconds), flush=True)
                log.write(f"{r.end!r},{r.score!r},{monitor.threshold!r},{r.decision}\n")
    print(summary(costs, heard, n_readings, monitor.streams))


def steps(monitor: Monitor, source: Iterator[np.ndarray]) -> Iterator[tuple[list[Reading], float, int]]:
    """The readings of each block and of the recording's end, the seconds they took, and the block's samples."""
    for block in source:
        begun = time.perf_counter()
        yield monitor.push(block), time.perf_counter() - begun, block.shape[1]
    begun = time.perf_counter()
    yield monitor.finish(), time.perf_counter() - begun, 0


@contextmanager
def log_at(csv: Path | None) -> Iterator[TextIO]:
    """A text file written line by line, not whole at the end: a recording may go on until somebody interrupts it."""
    csv = csv or Path(os.devnull)
    try:
        csv.parent.mkdir(parents=True, exist_ok=True)
        file = csv.open("w", buffering=1, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"--csv {csv}: cannot be written ({error.strerror}); the name of a file expected") from error
    with file:
        yield file


def told(r: Reading, threshold: float, seconds: float) -> str:
    verdict = "ANOMALOUS" if r.decision else "normal"
    return (
        f"{r.end:9.1f} s  score {r.score:9.4f}  threshold {threshold:.4f}  {verdict:9}  block {1000 * seconds:6.1f} ms"
    )


def summary(costs: list[float], heard: float, n_readings: int, streams: bool) -> str:
    if not heard:
        return "nothing heard"
    ms = 1000 * np.array(costs)
    how = "every sample heard once" if streams else "every window heard anew"
    return (
        f"{heard:.1f} s heard, {n_readings} readings ({how}); a block took {np.median(ms):.1f} ms in the median, "
        f"{np.percentile(ms, 95):.1f} ms at 95 %, {ms.max():.1f} ms at most; real-time factor {sum(costs) / heard:.4f}"
        + ("" if n_readings else "; no full window: --window is longer than the recording")
    )


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    try:
        check_numbers(args)
        listen(monitor_of(args), blocks(args.recording, int(args.block * RATE), args.idle), args.csv)
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
