"""A pipe: interleaved PCM_16 or a wav of it, from a stream of bytes, as blocks (C, n) float32 in [-1, 1)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput
from asd.wav_files import is_endless

WIDTH = 2  # bytes of a PCM_16 number


def microphones(channels: int) -> str:
    return "1 (near)" if channels == 1 else "2 (near, far)"


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
