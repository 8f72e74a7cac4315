"""Sound files of any format that libsndfile reads: the one door to those that are no clips of a data set, and out.

    sound_header(path)          rate, channels, samples and sample format
    read_sound(path, ...)       samples (T, C) and their rate, Hz
    sound_blocks(path, n)       blocks (C, n) float32, one after the other
    sound_bytes(samples, ...)   a file's bytes   write_sound(path, samples, ...)   the file, whole
A file that is no sound, is damaged or was cut short is told in one sentence with its path. Not seen is the cut of an
Ogg, or of a rarer format than those of WHOLE: libsndfile counts what is there. Clips come in by `asd.data.read_wave`,
whose code is part of the store's keys.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from asd.errors import BadInput
from asd.store import written_whole
from asd.wav_files import Header, mismatch

SUFFIXES = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"}
ESTIMATED = {"MP3": 0.01}  # share that may be missing of a length that is estimated; *chosen*, by 0.1 % in measurements
WHOLE = {  # first bytes of a file -> where its header tells its size, bytes besides, and from which on it is not known
    b"FORM": (">4xI", 8, 0x7F000000),  # AIFF; sox into a pipe
    b".snd": (">4xII", 0, 0xFFFFFFFF),  # AU: where the samples begin, and how many bytes they have
    b"riff": ("<16xQ", 0, 2**62),  # W64
}


def sound_header(path: Path) -> Header:
    """Raises BadInput for what is no readable sound, or a WAV, AIFF, AU or W64 that was cut short."""
    with _opened(path) as file:
        return _whole(path, file)


def _whole(path: Path, file: soundfile.SoundFile) -> Header:
    if cut := mismatch(path) or _cut(path):
        raise BadInput(f"{path}: {cut}")
    return Header(file.samplerate, file.channels, file.frames, file.subtype)


def _cut(path: Path) -> str:
    """How a file of WHOLE is shorter than it says, or ""; libsndfile takes what is there for all."""
    with path.open("rb") as file:
        first, there = file.read(24), path.stat().st_size
    form, besides, unknown = WHOLE.get(first[:4], ("<", 0, 1))
    sizes = struct.unpack_from(form, first) or (0,)
    promised = sum(sizes) + besides
    is_known = 0 < sizes[-1] < unknown
    return f"truncated, {there} of {promised} bytes (was it cut short?)" * (is_known and promised > there + 1)


def read_sound(path: Path, dtype: str = "float32", first: int = 0, last: int | None = None) -> tuple[np.ndarray, int]:
    """(T, C) of the samples from `first` to before `last` (None: the end), and the rate. Raises BadInput.

    So for a file that ends before its header says, and for samples that are not finite.
    """
    with _opened(path) as file:
        head = _whole(path, file)
        file.seek(first)
        samples = file.read(-1 if last is None else last - first, dtype=dtype, always_2d=True)  # (T, C)
        promised = head.n_samples if last is None else min(last, head.n_samples)
        _refuse_short(path, file, first + len(samples), promised)
    if not np.isfinite(samples).all():
        bad = first + int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise BadInput(f"{path}: sample {bad} is not a finite number (was it written by a broken export?)")
    return samples, head.rate


def sound_blocks(path: Path, n: int) -> Iterator[np.ndarray]:
    """(C, n) float32 each, the last one shorter. Raises BadInput, where a file is damaged or ends within it too."""
    n_read = 0
    with _opened(path) as file:
        head = _whole(path, file)
        while len(block := file.read(n, dtype="float32", always_2d=True)):
            n_read += len(block)
            yield np.ascontiguousarray(block.T)
        _refuse_short(path, file, n_read, head.n_samples)


def _refuse_short(path: Path, file: soundfile.SoundFile, end: int, promised: int) -> None:
    """Raises BadInput where samples end before the promised one, and the file by more than an estimate may be off."""
    if end < promised and file.frames - end > ESTIMATED.get(file.format, 0) * file.frames:
        raise BadInput(f"{path}: ends after {end} of {file.frames} samples (was it cut short?)")


def sound_bytes(
    samples: np.ndarray, rate: int, form: str = "WAV", subtype: str | None = "PCM_16", **more: Any
) -> bytes:
    """A file of samples (T,) or (T, C): in memory, since of a full disk libsndfile tells neither cause nor path."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype, **more)
    return file.getvalue()


def write_sound(path: Path, samples: np.ndarray, rate: int, subtype: str = "PCM_16") -> None:
    """A wav, whole."""
    content = sound_bytes(samples, rate, subtype=subtype)
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """By a name of bytes, not all are UTF-8; of a file object libsndfile 1.2.2 reads an MP3 in some processes alone."""
    try:
        path.open("rb").close()  # libsndfile does not tell why a file cannot be opened
        with soundfile.SoundFile(os.fsencode(path)) as file:
            yield file
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", error)
        raise BadInput(f"{path}: not readable as sound ({reason}; is it damaged, or of another format?)") from error
