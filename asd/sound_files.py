"""Sound files of any format that libsndfile reads: the one door to those that are no clips of a data set, and out.

    sound_header(path)          rate, channels, samples and sample format
    read_sound(path, ...)       samples (T, C) and their rate, Hz
    sound_blocks(path, n)       blocks (C, n) float32, one after the other
    sound_bytes(samples, ...)   a file's bytes   write_sound(path, samples, ...)   the file, whole
A file that is no sound, is damaged or was cut short is told in one sentence with its path. Clips come in by
`asd.data.read_wave`, whose code is part of the store's keys.
"""

from __future__ import annotations

import io
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
COUNTED = ("FLAC", "WAV", "WAVEX", "RF64", "AIFF", "AU", "W64")  # formats whose header has the very number of samples


def sound_header(path: Path) -> Header:
    """Raises BadInput for what is no readable sound, or a wav that was cut short."""
    with _opened(path) as file:
        head, cut = Header(file.samplerate, file.channels, file.frames, file.subtype), mismatch(path)
    if cut:
        raise BadInput(f"{path}: {cut}")
    return head


def read_sound(path: Path, dtype: str = "float32", first: int = 0, last: int | None = None) -> tuple[np.ndarray, int]:
    """(T, C) of the samples from `first` to before `last` (None: the end), and the rate. Raises BadInput.

    So for a file that ends before its header says, and for samples that are not finite.
    """
    head = sound_header(path)
    with _opened(path) as file:
        is_counted = file.format in COUNTED
        file.seek(first)
        samples = file.read(-1 if last is None else last - first, dtype=dtype, always_2d=True)  # (T, C)
    promised = (head.n_samples if last is None else min(last, head.n_samples)) - first
    if is_counted and len(samples) < promised:
        raise BadInput(f"{path}: ends after {first + len(samples)} of {head.n_samples} samples (was it cut short?)")
    if not np.isfinite(samples).all():
        bad = first + int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise BadInput(f"{path}: sample {bad} is not a finite number (was it written by a broken export?)")
    return samples, head.rate


def sound_blocks(path: Path, n: int) -> Iterator[np.ndarray]:
    """(C, n) float32 each, the last one shorter. Raises BadInput, where a file is damaged within it too."""
    with _opened(path) as file:
        for block in file.blocks(n, dtype="float32", always_2d=True):
            yield np.ascontiguousarray(block.T)


def sound_bytes(samples: np.ndarray, rate: int, form: str = "WAV", subtype: str = "PCM_16", **more: Any) -> bytes:
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
    """Not by name: libsndfile would not find one whose bytes are not UTF-8."""
    try:
        with path.open("rb") as raw, soundfile.SoundFile(raw) as file:
            yield file
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", error)
        raise BadInput(f"{path}: not readable as sound ({reason}; is it damaged, or of another format?)") from error
