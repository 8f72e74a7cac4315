"""Wav files before a sample is read: the header, and whether what it promises is there.

    header(path)     rate, channels, samples and sample format; raises BadInput for what is no readable wav
    mismatch(path)   how header and file disagree about how much there is, or ""
Accepted is RIFF (and RF64) WAVE. Recorders that do not know a length beforehand, sox and ffmpeg into a pipe say,
promise an endless one: then what is there counts, in a folder as in a pipe.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import soundfile

from asd.errors import BadInput

ENDLESS = 0x7FFFF000  # bytes; who does not know a length promises 0, this much (sox) or more (ffmpeg: all ones)
FORMS = (b"RIFF", b"RF64")
MOST_AFTER = 4096  # bytes after the samples that no chunk names; chosen: tags of audio programs are smaller


@dataclass(frozen=True)
class Header:
    """What a wav says of itself."""

    rate: int  # Hz
    channels: int
    n_samples: int  # of each channel
    subtype: str  # PCM_16, FLOAT, ...

    @property
    def seconds(self) -> float:
        return self.n_samples / self.rate


@dataclass(frozen=True)
class _Sizes:
    """Bytes that a wav's header promises; None where it leaves the length open."""

    form: int | None  # the whole file
    start: int  # of the samples, from the file's first byte
    samples: int | None
    frame: int  # one sample of all channels


def header(path: Path) -> Header:
    """Raises BadInput, without the path, for a file that is no readable wav."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:  # by name, libsndfile would not find one whose bytes are not UTF-8
            first = file.read(12)
            if first[:4] not in FORMS or first[8:] != b"WAVE":
                raise BadInput(f"begins with {first[:4]!r}, RIFF expected (is it another format under a wav's name?)")
            file.seek(0)
            head = soundfile.info(file)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})") from error
    except (BadInput, soundfile.LibsndfileError) as error:
        raise BadInput(f"not a readable wav file ({error}); {size} bytes (is the download complete?)") from error
    return Header(head.samplerate, head.channels, head.frames, head.subtype)


def is_endless(size: int) -> bool:
    """Whether a size of a 32-bit header stands for one that was not known."""
    return size == 0 or size >= ENDLESS


def mismatch(path: Path) -> str:
    """Of a RIFF file; "" for one that is none. A file that still grows has such a mismatch as well."""
    there = path.stat().st_size
    with path.open("rb") as file:
        sizes = _sizes(file, there)
        if sizes is None:
            return ""
        short = "truncated, {} of {} bytes (was the copy or download cut short?)"
        if sizes.form is not None and sizes.form > there + 1:  # some count a last pad byte that they do not write
            return short.format(there, sizes.form)
        if sizes.samples is None:
            left = (there - sizes.start) % sizes.frame
            return f"ends within a sample, {left} of its {sizes.frame} bytes are there (was it cut short?)" * bool(left)
        end = sizes.start + sizes.samples
        if end > there:
            return short.format(there, end)
        unnamed = _unnamed(file, end + sizes.samples % 2, there)
    return (
        f"its header tells of {sizes.samples} bytes of samples, and {unnamed} more bytes follow (was the recording "
        "stopped before its header was written?)"
    ) * (unnamed > MOST_AFTER)


def _sizes(file: BinaryIO, there: int) -> _Sizes | None:
    """None for what is no wav, or has no samples' chunk within its bytes."""
    first = file.read(12)
    if len(first) < 12 or first[:4] not in FORMS:
        return None
    form, large, frame, at = struct.unpack("<I", first[4:8])[0], None, 1, 12
    while len(chunk := _at(file, at, 8)) == 8:
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"ds64" and len(body := _at(file, at + 8, 16)) == 16:
            form, large = (min(n, there + 2**32) for n in struct.unpack("<QQ", body))
        if name == b"fmt " and len(body := _at(file, at + 8, 16)) == 16:
            frame = max(1, struct.unpack("<H", body[12:14])[0])
        if name == b"data":
            known = large if first[:4] == b"RF64" else None if is_endless(size) else size
            return _Sizes(_promised(form, large), at + 8, known, frame)
        at += 8 + size + size % 2
    return _Sizes(_promised(form, large), there, 0, frame)


def _promised(form: int, large: int | None) -> int | None:
    return form + 8 if large is not None or not is_endless(form) else None


def _at(file: BinaryIO, place: int, n: int) -> bytes:
    file.seek(place)
    return file.read(n)


def _unnamed(file: BinaryIO, at: int, there: int) -> int:
    """Bytes from `at` on that belong to no chunk."""
    while len(chunk := _at(file, at, 8)) == 8:
        after = at + 8 + struct.unpack("<I", chunk[4:])[0]
        if not all(32 <= c < 127 for c in chunk[:4]) or after > there:
            break
        at = after + after % 2
    return max(0, there - at)
