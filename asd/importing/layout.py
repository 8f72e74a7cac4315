"""Layout: recordings in; machines in the challenge's folders out, each whole or not at all, and a table of names.

A machine with anomalies and normals of both domains to test on becomes one of the development set; any other one of the
evaluation set: its test clips are anonymous, and what is known of them lies in eval_data_list.csv.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.clips import DOMAINS, RATE, ClipName, anonymous_name
from asd.errors import BadInput
from asd.importing.cutting import RecordingHeader, clip, header
from asd.importing.recordings import Guide, Recording
from asd.sound_files import write_sound
from asd.store import staged, write_text
from asd.tables import csv_text
from asd.text_files import numbered_rows
from asd.truth_list import FILE_NAME, read_truth_list, write_truth_list

TABLE = "imported.csv"  # in a machine's folder: which clip was what
COLUMNS = ("new", "old", "from_second", "to_second")
MOST = 9_999  # clips of one kind: names have four digits


@dataclass(frozen=True)
class Piece:
    """What becomes one clip."""

    recording: Recording
    head: RecordingHeader
    first: int  # sample
    last: int
    split: str = ""
    number: int = 0

    @property
    def kind(self) -> tuple[str, str, str]:
        return self.recording.domain, self.split, self.recording.condition or "normal"

    @property
    def telling_name(self) -> str:
        domain, split, condition = self.kind
        return ClipName("00", domain, split, condition, self.number, self.recording.attributes).file_name


@dataclass(frozen=True)
class Import:
    """A machine's clips, by their new names."""

    machine: str
    stage: str  # dev_data | eval_data
    clips: dict[str, Piece]  # path within the machine's folder: piece
    truth: dict[str, str]  # anonymous name: telling name, where all of them are known

    @property
    def channels(self) -> int:
        return next(iter(self.clips.values())).head.channels

    def count(self, split: str) -> int:
        return sum(name.startswith(split) for name in self.clips)


def planned(recordings: Sequence[Recording], guide: Guide, seconds: float, test_share: float) -> list[Import]:
    """Of each machine. Nothing is read but headers. Raises BadInput for a machine that cannot be made."""
    by_machine: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_machine[recording.machine].append(recording)
    return [_import(machine, of, guide, seconds, test_share) for machine, of in by_machine.items()]


def _import(machine: str, recordings: Sequence[Recording], guide: Guide, seconds: float, test_share: float) -> Import:
    heads = [header(recording.paths, guide.channels) for recording in recordings]
    _check_alike(machine, recordings, heads)
    cut = [
        Piece(recording, head, *ends)
        for recording, head in zip(recordings, heads, strict=True)
        for ends in head.cuts(seconds)
    ]
    pieces = numbered(with_splits(cut, test_share))
    train = {f"train/{p.telling_name}": p for p in pieces if p.split == "train"}
    test = [p for p in pieces if p.split == "test"]
    if len(train) < 2 or not test:
        raise BadInput(f"{machine}: {len(train)} training and {len(test)} test clips; 2 and 1 at least expected")
    normals = {p.recording.domain for p in test if p.recording.condition == "normal"}
    if {p.recording.condition for p in test} == {"normal", "anomaly"} and normals == set(DOMAINS):
        return Import(machine, "dev_data", {**train, **{f"test/{p.telling_name}": p for p in test}}, {})
    order = np.random.default_rng(0).permutation(len(test))  # a number tells nothing
    names = {anonymous_name("00", i): test[int(j)] for i, j in enumerate(order)}
    known = all(p.recording.condition for p in test)
    truth = {name: p.telling_name for name, p in names.items()} if known else {}
    return Import(machine, "eval_data", {**train, **{f"test/{name}": p for name, p in names.items()}}, truth)


def _check_alike(machine: str, recordings: Sequence[Recording], heads: Sequence[RecordingHeader]) -> None:
    """Raises BadInput, naming a recording of each, where some have one channel and some two."""
    first = {head.channels: recording.place for recording, head in reversed([*zip(recordings, heads, strict=True)])}
    if len(first) > 1:
        raise BadInput(
            f"{machine}: {first[1]} has 1 channel, {first[2]} has 2; all alike expected: --channels 0 takes the first "
            "of each, as near"
        )


def with_splits(pieces: Sequence[Piece], test_share: float) -> list[Piece]:
    """The split of each: as told; anomalies test; of normals of which nothing is told, the last `test_share` of each
    domain, in the order of names and time.
    """
    open_ones: dict[str, list[int]] = defaultdict(list)
    splits = [p.recording.split or ("test" if p.recording.condition == "anomaly" else "") for p in pieces]
    for i, piece in enumerate(pieces):
        if not splits[i]:
            open_ones[piece.recording.domain].append(i)
    for numbers in open_ones.values():
        n_test = max(1, round(test_share * len(numbers)))
        for place, i in enumerate(numbers):
            splits[i] = "test" if place >= len(numbers) - n_test else "train"
    return [Piece(p.recording, p.head, p.first, p.last, split) for p, split in zip(pieces, splits, strict=True)]


def numbered(pieces: Iterable[Piece]) -> list[Piece]:
    """Each piece with its number within its kind."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    named = []
    for p in pieces:
        named.append(Piece(p.recording, p.head, p.first, p.last, p.split, counts[p.kind]))
        counts[p.kind] += 1
    if counts and max(counts.values()) > MOST + 1:
        raise BadInput(f"{max(counts.values())} clips of one kind, {MOST + 1} at most: take longer ones (--seconds)")
    return named


def check(out: Path, imports: Sequence[Import]) -> None:
    """Before any work. Raises BadInput where a machine's folder is there already."""
    for one in imports:
        folder = out / one.stage / "raw" / one.machine
        if folder.exists():
            raise BadInput(f"{folder}: is there already and is not overwritten; remove it, or give another OUT")


def origins(folder: Path) -> dict[str, str]:
    """Clip (test/section_00_0000.wav) -> the recording it was, with its seconds where that was cut; of a machine's
    folder that `write` has left, {} of any other. Raises BadInput for a table that is damaged.
    """
    if not (folder / TABLE).exists():
        return {}
    (_, head), *rows = numbered_rows(folder / TABLE) or [(1, [])]
    if tuple(head) != COLUMNS or any(len(row) != len(COLUMNS) for _, row in rows):
        raise BadInput(f"{folder / TABLE}: columns {', '.join(COLUMNS)} in each row expected (was it edited?)")
    pieces = Counter(old for _, (_, old, *_) in rows)
    return {new: f"{old}, {first} to {last} s" if pieces[old] > 1 else old for _, (new, old, first, last) in rows}


def write(out: Path, one: Import, guide: Guide) -> None:
    """A machine's folder, its table of new and old names, and for anonymous clips what is known of them."""
    with staged(out / one.stage / "raw" / one.machine) as folder:
        rows: list[tuple[str, ...]] = [COLUMNS]
        for name, piece in one.clips.items():
            wave = clip(piece.recording.paths, piece.head, guide.channels, piece.first, piece.last)
            write_sound(folder / name, wave.T, RATE, "PCM_16" if piece.head.exact else "FLOAT")
            ends = (f"{sample / piece.head.rate:.3f}" for sample in (piece.first, piece.last))
            rows.append((name, piece.recording.place, *ends))
        write_text(folder / TABLE, csv_text(rows))
        if one.truth:
            path = out / one.stage / FILE_NAME
            others = read_truth_list(path) if path.exists() else {}
            write_truth_list(path, {**others, one.machine: one.truth})
