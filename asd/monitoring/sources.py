"""Sources of sound: a wav file, a pipe or a growing folder in, blocks (C, n) float32 out, as long as it goes on."""

from __future__ import annotations

import math
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from asd.clips import RATE, wav_paths
from asd.errors import BadInput
from asd.wav_files import header, is_endless, mismatch

POLL = 0.5  # s between looks at a folder
WIDTH = 2  # bytes of a PCM_16 number
HEADER = 12  # bytes of a RIFF header


def blocks(recording: str, n: int, idle: float, channels: int) -> Iterator[np.ndarray]:
    """Of a wav file, a folder of wavs that ends after `idle` s without news, or - for standard input."""
    if recording == "-":
        return of_pipe(sys.stdin.buffer, n, channels)
    if Path(recording).is_dir():
        return of_folder(Path(recording), n, idle, channels)
    return of_file(Path(recording), n, channels)


def microphones(channels: int) -> str:
    return "1 (near)" if channels == 1 else "2 (near, far)"


def of_file(path: Path, n: int, channels: int) -> Iterator[np.ndarray]:
    check_file(path, channels)
    try:
        with soundfile.SoundFile(path) as file:
            for block in file.blocks(n, dtype="float32", always_2d=True):
                yield np.ascontiguousarray(block.T)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput(f"{path}: not a readable wav file ({error})") from error


def check_file(path: Path, channels: int) -> None:
    """Raises BadInput unless a whole wav of that many channels."""
    try:
        head, cut = header(path), mismatch(path)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    if head.rate != RATE or head.channels != channels:
        raise BadInput(
            f"{path}: {head.channels} channels at {head.rate} Hz, {microphones(channels)} at {RATE} "
            "expected, as in the machine's training clips"
        )
    if cut:
        raise BadInput(f"{path}: {cut}")


# ---- a growing folder ------------------------------------------------------------------------------------------------


def of_folder(folder: Path, n: int, idle: float, channels: int) -> Iterator[np.ndarray]:
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
            yield from of_file(path, n, channels)
            since = time.monotonic()
        time.sleep(min(POLL, idle / 4))
    for path in waiting(folder, taken):
        raise BadInput(f"{path}: {unfinished(path) or 'not taken'}, and it has not grown for {idle:g} s")


def waiting(folder: Path, taken: set[Path]) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder}: no longer there; the folder must stay while it is listened to (was it moved?)")
    return [path for path in wav_paths(folder) if path not in taken]


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path}: gone before it was heard ({error.strerror}); move clips away afterwards") from error


def unfinished(path: Path) -> str:
    """Why a file is not complete although it has stopped growing, or "". Writers may pause longer than a look takes."""
    return "no header yet" if size_of(path) < HEADER else mismatch(path)


# ---- a pipe ----------------------------------------------------------------------------------------------------------


def of_pipe(pipe: BinaryIO, n: int, channels: int) -> Iterator[np.ndarray]:
    """Interleaved PCM_16, or a wav of it: the header is checked, what follows the samples is not taken for sound."""
    whole, to_come, frame = pipe.read(4), math.inf, WIDTH * channels  # bytes of one sample of all channels
    if whole == b"RIFF":
        whole, to_come = b"", samples_size(pipe, channels)
    while True:
        chunk = pipe.read(int(min(n * frame, to_come)))
        to_come -= len(chunk)
        whole += chunk
        cut = len(whole) // frame * frame
        if cut:
            samples = np.frombuffer(whole[:cut], "<i2").reshape(-1, channels).T  # (C, n)
            yield np.ascontiguousarray(samples, dtype=np.float32) / 32768
        whole = whole[cut:]
        if not chunk:
            return


def samples_size(pipe: BinaryIO, channels: int) -> float:
    """Bytes of samples of a wav whose first four bytes are read, inf where they are not known; goes to the first.

    Raises BadInput unless PCM_16 of as many channels.
    """
    pipe.read(8)  # size and WAVE
    described = False
    while len(chunk := pipe.read(8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            if not described:
                raise BadInput("-: a wav whose samples come before their format; 'fmt ' before 'data' expected")
            return math.inf if is_endless(size) else size
        body = pipe.read(size + size % 2)
        if name == b"fmt ":
            check_format(body, channels)
            described = True
    raise BadInput("-: a wav without samples")


def check_format(body: bytes, expected: int) -> None:
    """The body of a wav's `fmt ` chunk."""
    if len(body) < 16:
        raise BadInput(f"-: a wav whose format has {len(body)} bytes, 16 expected (is the recording cut off?)")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if (channels, rate, bits) != (expected, RATE, 16) or kind not in (1, 0xFFFE):
        raise BadInput(
            f"-: {channels} channels, {rate} Hz, {bits} bits; {microphones(expected)}, {RATE} and PCM_16 expected, "
            "as in the machine's training clips"
        )
