"""Sources of sound: a recording, a growing folder, a pipe or microphones in, blocks (C, n) float32, word of gaps out.

A source goes on until its sound ends, for days where it does not: none keeps more than the files a folder holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asd.clips import RATE, listing, wav_paths
from asd.errors import BadInput
from asd.monitoring.arrivals import LATE, Clock, Gap, Ignored, News, read_ahead
from asd.monitoring.microphones import of_microphones
from asd.monitoring.pipe import microphones, of_pipe
from asd.resampling import stretch
from asd.sound_files import SUFFIXES, sound_blocks, sound_header
from asd.tables import counted
from asd.wav_files import Header, mismatch

POLL = 0.5  # s between looks at a folder
HEADER = 12  # bytes of a RIFF header
PIECE = 10  # s that are resampled at a time


class Unreadable(BadInput):
    """A file that is no recording, or a damaged one."""


def is_a_device(recording: str) -> bool:
    """Whether standard input or a sound card is meant, not a path."""
    return recording == "-" or recording.partition(":")[0] == "mic"


def blocks(recording: str, n: int, idle: float, channels: int) -> Iterator[News]:
    """Of a recording, a folder of wavs that ends after `idle` s without news, - for standard input, mic[:DEVICE]."""
    if not is_a_device(recording):
        path = Path(recording)
        return of_folder(path, n, idle, channels) if path.is_dir() else of_file(path, n, channels)
    if recording == "-":
        return read_ahead(of_pipe(open(0, "rb", closefd=False), n, channels), n)
    return of_microphones(recording.removeprefix("mic").removeprefix(":"), n, channels)


def of_file(path: Path, n: int, channels: int) -> Iterator[np.ndarray]:
    """Any format and rate that soundfile reads; another rate than 16 kHz is resampled as importing does it."""
    head = checked_header(path, channels)
    try:
        yield from sound_blocks(path, n) if head.rate == RATE else _resampled(path, head, n)
    except BadInput as error:
        raise Unreadable(str(error)) from error


def _resampled(path: Path, head: Header, n: int) -> Iterator[np.ndarray]:
    """In pieces: what a file of days has is never held."""
    length = PIECE * head.rate
    for first in range(0, head.n_samples, length):
        last = min(first + length, head.n_samples)
        piece = stretch([path], head.rate, head.n_samples, None, first, last)
        for at in range(0, piece.shape[1], n):
            yield np.ascontiguousarray(piece[:, at : at + n])


def checked_header(path: Path, channels: int) -> Header:
    """Raises BadInput unless a whole recording of that many channels, Unreadable where it is none."""
    try:
        head = sound_header(path)
    except BadInput as error:
        raise Unreadable(str(error)) from error
    if head.channels != channels:
        raise BadInput(
            f"{path}: {counted(head.channels, 'channel')}, {microphones(channels)} expected, as in the "
            "machine's training clips (tools/import_data.py --channels takes some of a file)"
        )
    return head


# ---- a growing folder ------------------------------------------------------------------------------------------------


def of_folder(folder: Path, n: int, idle: float, channels: int) -> Iterator[News]:
    """Each wav once, in the order of names, when it is complete; ends after `idle` s in which no file came or grew.

    A file that cannot be read, or stays half written although a later one has come, is left out: a gap. So is the join
    to a file whose name comes before that of the last one heard.
    """
    cure = "" if np.isfinite(idle) else "if no more will come, --idle SECONDS ends a folder"
    files, clock = _Files(folder), Clock(cure=cure)
    due = 0.0  # s that the last file lasts: then the next one is expected
    while clock.waited < idle:
        if files.look():
            yield from clock.came()
        yield from files.ignored()
        for path in files.complete():
            yield from clock.came()
            yield from files.gap_before(path)
            due = 0.0
            try:
                for block in of_file(path, n, channels):
                    due += block.shape[1] / RATE
                    yield block
            except Unreadable as error:
                yield Gap(0, f"{error}; left out")
            clock.came()
        yield from clock.nothing_came(due + LATE)
        time.sleep(min(POLL, idle / 4))
    for path in files.waiting():
        raise BadInput(f"{path}: {unfinished(path) or 'not taken'}, and it has not grown for {idle:g} s")


@dataclass(eq=False)
class _Files:
    """The files of a folder that are still to be heard."""

    folder: Path
    taken: set[Path] = field(default_factory=set)  # of those that are in the folder
    last: Path | None = None  # heard
    seen: dict[Path, tuple[int, float]] = field(default_factory=dict)  # waiting: bytes, since when (s) so many
    still: list[Path] = field(default_factory=list)  # the first of them that have not grown since the look before
    has_told: bool = False  # of files that are ignored
    skipped: list[str] = field(default_factory=list)  # why, of files left out since the last one heard

    def waiting(self) -> list[Path]:
        if not self.folder.is_dir():
            raise BadInput(
                f"{self.folder}: no longer there; the folder must stay while it is listened to (was it moved?)"
            )
        there = wav_paths(self.folder)
        self.taken &= set(there)  # what is moved away is forgotten
        return [path for path in there if path not in self.taken]

    def ignored(self) -> list[News]:
        """Once, as soon as there are sound files of another format."""
        others = [] if self.has_told else [p for p in listing(self.folder) if p.suffix.lower() in SUFFIXES - {".wav"}]
        self.has_told |= bool(others)
        return [Ignored(others[0], len(others))] if others else []

    def look(self) -> bool:
        """Whether a file has come or grown since the last look."""
        before, now, self.seen = self.seen, time.monotonic(), {}
        for path in self.waiting():
            size = size_of(path)
            there_before = path in before and before[path][0] == size
            self.seen[path] = before[path] if there_before else (size, now)
        paths, grown = list(self.seen), [path for path, (_, since) in self.seen.items() if since == now]
        self.still = paths[: paths.index(grown[0])] if grown else paths
        return bool(grown)

    def complete(self) -> Iterator[Path]:
        """Those to hear now; the ones after one that is unfinished wait: the recording has an order."""
        for i, path in enumerate(self.still):
            if why := unfinished(path):
                if i + 1 == len(self.seen) or time.monotonic() - self.seen[path][1] < LATE:
                    return
                self.skipped.append(f"{path}: {why}; a later file has come, this one is left out")
            self.taken.add(path)
            if not why:
                yield path

    def gap_before(self, path: Path) -> list[News]:
        """Why this file does not go on where the last one ended."""
        why, self.skipped = self.skipped, []
        if self.last is not None and path.name < self.last.name:
            why.append(f"{path}: came after {self.last.name} was heard (are numbers in names equally long?)")
        self.last = path
        return [Gap(0, "; ".join(why))] if why else []


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path}: gone before it was heard ({error.strerror}); move clips away afterwards") from error


def unfinished(path: Path) -> str:
    """Why a file is not complete although it has stopped growing, or "". Writers may pause longer than a look takes."""
    return "no header yet" if size_of(path) < HEADER else mismatch(path)
