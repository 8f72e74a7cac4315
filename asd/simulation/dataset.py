"""The data set on disk: a raw folder (<data>/dev_data/raw or eval_data/raw), a machine, a size, a seed in, files out.

A machine's folder appears whole or not at all. For an evaluation machine, <data>/eval_data/eval_data_list.csv gains its
truth.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from asd.clips import DOMAINS, RATE
from asd.errors import BadInput
from asd.simulation.clips import SimulatedClip, Size, test_clips, training_clips
from asd.simulation.fleets import EVAL
from asd.simulation.machines import Machine
from asd.simulation.rendering import render
from asd.simulation.rooms import responses
from asd.simulation.scenes import anonymous, clip_name, named
from asd.sound_files import write_sound
from asd.store import staged, write_text
from asd.tables import csv_text
from asd.truth_list import FILE_NAME, TruthList, read_truth_list, write_truth_list

Clips = Mapping[str, SimulatedClip]  # path within the machine's folder: clip


def check(raw: Path, machines: Sequence[Machine]) -> None:
    """Before any work. Raises BadInput where a machine's folder is there already, or for a faulty truth list."""
    for folder in (raw / m.name for m in machines):
        if folder.exists():
            raise BadInput(f"OUT: {folder} found, a new data set would mix with it; take another OUT or remove it")
    read_truth(raw)


def write_dev(raw: Path, m: Machine, size: Size, seed: int) -> None:
    clips = named(m, [*training_clips(size), *test_clips(size)], seed)
    with staged(raw / m.name) as folder:
        write_clips(folder, m, clips, size, seed)
        write_attributes(folder, m, clips, seed)


def write_eval(raw: Path, m: Machine, size: Size, seed: int) -> None:
    train, test = named(m, training_clips(size), seed), anonymous(m, test_clips(size), seed)
    with staged(raw / m.name) as folder:
        write_clips(folder, m, train | test, size, seed)
        write_attributes(folder, m, train, seed)
        write_truth(raw, m, test, seed)


WRITERS = {"dev_data": write_dev, "eval_data": write_eval}


def write_clips(folder: Path, m: Machine, clips: Clips, size: Size, seed: int) -> None:
    rooms = {domain: responses(m, domain, seed) for domain in DOMAINS}
    length = round(size.seconds * RATE)

    def write(item: tuple[str, SimulatedClip]) -> None:
        path, clip = item
        recording = render(m, clip, rooms[clip.domain], length, seed)[:, : size.channels]  # near first
        write_sound(folder / path, recording, RATE)

    for split in ("train", "test"):
        (folder / split).mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(tqdm(pool.map(write, clips.items()), m.name, len(clips), unit="clip", disable=None))


def write_attributes(folder: Path, m: Machine, clips: Clips, seed: int) -> None:
    """The challenge's table: a clip and its attributes as pairs of name (d1p, d2p, ...) and value (d1v, ...)."""
    header = ["file_name", *(f"d{i}{kind}" for i in range(1, len(m.labels) + 1) for kind in "pv")]
    pairs = {path: clip_name(m, clip, seed).attributes for path, clip in clips.items()}
    rows = [[f"{m.name}/{path}", *(text for pair in row for text in pair)] for path, row in pairs.items()]
    write_text(folder / "attributes_00.csv", csv_text([header, *rows]))


def read_truth(raw: Path) -> TruthList:
    """What earlier calls have written; {} at first."""
    path = raw.parent / FILE_NAME
    return read_truth_list(path) if path.exists() else {}


def write_truth(raw: Path, m: Machine, test: Clips, seed: int) -> None:
    """The machine's block is added to, or replaced in, the list of all machines, which is in the fleet's order."""
    truth = read_truth(raw)
    truth[m.name] = {Path(path).name: clip_name(m, clip, seed).file_name for path, clip in test.items()}
    fleet = [e.name for e in EVAL if e.name in truth]
    write_truth_list(raw.parent / FILE_NAME, {name: truth[name] for name in [*fleet, *sorted({*truth} - {*fleet})]})
