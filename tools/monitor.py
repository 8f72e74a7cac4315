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
import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

import systems  # noqa: E402
from asd import data  # noqa: E402
from asd.monitoring import Monitor  # noqa: E402
from asd.store import write_text  # noqa: E402
from asd.vocabulary import RATE, BadInput  # noqa: E402

POLL = 0.5  # s between looks at a folder
FRAME = 4  # bytes of one sample of two PCM_16 channels


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
    p.add_argument("--idle", type=float, default=float("inf"), help="s without a new file that end a folder (never)")
    p.add_argument("--csv", type=Path, help="write the readings there too")
    return p


# ---- the fitted system ---------------------------------------------------------------------------------------------


def monitor_of(args: argparse.Namespace) -> Monitor:
    """The fitted system from the store, never trained here. Raises BadInput where it is not there."""
    import run
    from asd.session import Request, Session
    from asd.system import Ensemble

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
    window = int(args.window * RATE) if args.window else data.read_wave(machine.train[0]).shape[1]
    return Monitor(session.fitted(args.system, machine), window, int(args.every * RATE))


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
    """Each wav once, in the order of names, when it has stopped growing; ends after `idle` s without a new one."""
    taken: set[Path] = set()
    sizes: dict[Path, int] = {}
    since = time.monotonic()
    while time.monotonic() - since < idle:
        waiting = [path for path in data.wav_paths(folder) if path not in taken]
        for path in waiting:
            size = path.stat().st_size
            if sizes.get(path) != size:  # still growing: the ones after it wait, the recording has an order
                sizes[path] = size
                break
            taken.add(path)
            yield from of_file(path, n)
            since = time.monotonic()
        else:
            time.sleep(min(POLL, idle))
            continue
        time.sleep(min(POLL, idle / 4))


def of_pipe(pipe: BinaryIO, n: int) -> Iterator[np.ndarray]:
    """Interleaved PCM_16, or a wav of it; the header of a wav is checked and passed over."""
    head = pipe.read(4)
    left = b"" if head == b"RIFF" else head
    if head == b"RIFF":
        skip_header(pipe)
    while chunk := pipe.read(n * FRAME - len(left)):
        whole = left + chunk
        cut = len(whole) // FRAME * FRAME
        left = whole[cut:]
        samples = np.frombuffer(whole[:cut], "<i2").reshape(-1, 2).T  # (2, n)
        yield np.ascontiguousarray(samples, dtype=np.float32) / 32768


def skip_header(pipe: BinaryIO) -> None:
    """To the first sample of a wav whose first four bytes are read. Raises BadInput unless PCM_16, two channels."""
    pipe.read(8)  # size and WAVE
    while len(chunk := pipe.read(8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            return
        body = pipe.read(size + size % 2)
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if (channels, rate, bits) != (2, RATE, 16) or kind not in (1, 0xFFFE):
                raise BadInput(f"-: {channels} channels, {rate} Hz, {bits} bits; 2, {RATE} and PCM_16 expected")
    raise BadInput("-: a wav without samples")


# ---- what a person sees --------------------------------------------------------------------------------------------


def listen(monitor: Monitor, source: Iterator[np.ndarray], csv: Path | None) -> None:
    """Print a line a reading, and at the end how long the blocks took."""
    lines = ["end_seconds,score,threshold,decision\n"]
    costs, heard = [], 0.0
    for block in source:
        begun = time.perf_counter()
        readings = monitor.push(block)
        costs.append(time.perf_counter() - begun)
        heard += block.shape[1] / RATE
        for r in readings:
            verdict = "ANOMALOUS" if r.decision else "normal"
            print(
                f"{r.end:9.1f} s  score {r.score:9.4f}  threshold {monitor.threshold:.4f}  {verdict:9}  "
                f"block {1000 * costs[-1]:6.1f} ms",
                flush=True,
            )
            lines.append(f"{r.end!r},{r.score!r},{monitor.threshold!r},{r.decision}\n")
    if csv is not None:
        write_text(csv, "".join(lines))
    print(summary(costs, heard, len(lines) - 1, monitor.streams))


def summary(costs: list[float], heard: float, n_readings: int, streams: bool) -> str:
    if not costs:
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
        if min(args.every, args.block, args.window or 1) <= 0:
            raise BadInput("--window, --every, --block: above 0 s expected")
        listen(monitor_of(args), blocks(args.recording, int(args.block * RATE), args.idle), args.csv)
    except BadInput as error:
        print(f"monitor.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmonitor.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
