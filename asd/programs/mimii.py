"""MIMII's 8-channel clips in, machines of two channels in the challenge's layout out.

    <anything>/<machine>/id_NN/{normal,abnormal}/*.wav
        -> <out>/eval_data/raw/<machine>-mics-<a>-<b>/{train,test}/*.wav
           <out>/mimii_split_<machine>.csv      which clip became which

Luzón-Álvarez et al. 2025, sec. 3: 1,000 normal clips of all units and noise levels for training, 200 normal and 200
anomalous ones for the test. MIMII has no domains: all its clips are `source` here, in an evaluation set, since of a
development set Ω wants both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.errors import BadInput
from asd.sound_files import read_sound, write_sound
from asd.store import write_text
from asd.text_files import read_text

N_TRAIN, N_TEST = 1000, 200  # clips of a machine, and of each condition in the test; sec. 3.1
TEST_SHARE = 0.4  # of a small collection's normal recordings go to the test; *chosen*: so that both sides keep some
SEED = 2025  # of the random choice of clips
ORIGIN = re.compile(r"(?P<machine>[^/]+)/(?P<unit>id_\d+)/(?P<condition>normal|abnormal)/(?P<number>\d+)\.wav$")
Microphones = tuple[int, int]  # reference first


@dataclass(frozen=True, order=True)
class Original:
    """One of MIMII's clips, by its place below the folder that was given."""

    place: str
    machine: str
    unit: str  # id_NN
    condition: str  # normal | abnormal
    number: str  # of the recording; mixed with noise at several SNRs it keeps its number

    @property
    def recording(self) -> tuple[str, str]:
        return self.unit, self.number


@dataclass(frozen=True)
class Drawn:
    """What one of them becomes."""

    original: Original
    part: str  # train | test
    condition: str  # normal | anomaly
    number: int

    @property
    def name(self) -> str:
        return f"section_00_source_{self.part}_{self.condition}_{self.number:04d}_{self.original.unit}.wav"


def mimii_clips(folder: Path) -> dict[str, list[Original]]:
    """Machine -> its clips. What is hidden or not named as MIMII's clips are is none of them.

    Raises BadInput where the folder holds none, or a machine has them in one condition alone.
    """
    found: dict[str, list[Original]] = {}
    for path in sorted(folder.rglob("*.wav")):
        place, match = path.relative_to(folder), ORIGIN.search(path.absolute().as_posix())
        if match and not any(part.startswith((".", "__")) for part in place.parts):  # macOS: ._*.wav, __MACOSX/
            found.setdefault(match["machine"], []).append(Original(place.as_posix(), **match.groupdict()))
    if not found or not all({clip.condition for clip in of} == {"normal", "abnormal"} for of in found.values()):
        raise BadInput(f"{folder}: no <machine>/id_NN/normal/*.wav and abnormal/*.wav (is it MIMII's folder?)")
    return found


def split(clips: Sequence[Original]) -> Iterator[Drawn]:
    """The machine's training and test clips, drawn at random, none twice; all SNRs of a recording on one side."""
    rng = np.random.default_rng(SEED)
    normal, abnormal = ([clip for clip in clips if clip.condition == c] for c in ("normal", "abnormal"))
    recordings = sorted({clip.recording for clip in normal})
    n_test = min(N_TEST, int(TEST_SHARE * len(recordings)))
    of_test = {recordings[i] for i in rng.permutation(len(recordings))[:n_test]}
    sides = {
        ("test", "normal"): ([clip for clip in normal if clip.recording in of_test], N_TEST),
        ("train", "normal"): ([clip for clip in normal if clip.recording not in of_test], N_TRAIN),
        ("test", "anomaly"): (abnormal, N_TEST),
    }
    for (part, condition), (some, count) in sides.items():
        for number, i in enumerate(rng.permutation(len(some))[:count]):
            yield Drawn(some[i], part, condition, number)


def write_pairs(folder: Path, out: Path, pairs: Sequence[Microphones]) -> None:
    """The pair's two channels of each clip, in the challenge's layout; what is there already stays.

    Raises BadInput where the folder was written from another draw: an SNR that came later would bring recordings of
    the training set into the test.
    """
    drawn = {machine: list(split(clips)) for machine, clips in mimii_clips(folder).items()}
    for machine, clips in drawn.items():
        keep_split(out, machine, clips)
    for machine, clips in drawn.items():
        for clip in clips:
            places = {p: raw_folder(out) / of_pair(machine, p) / clip.part / clip.name for p in pairs}
            missing = {pair: place for pair, place in places.items() if not place.exists()}
            if missing:
                write_clip(folder / clip.original.place, missing)


def keep_split(out: Path, machine: str, clips: Sequence[Drawn]) -> None:
    path = out / f"mimii_split_{machine}.csv"
    text = "name,clip\n" + "".join(f"{clip.part}/{clip.name},{clip.original.place}\n" for clip in clips)
    before = read_text(path) if path.exists() else None
    written = any(raw_folder(out).glob(f"{machine}-mics-*"))
    if before != text and (before is not None or written):
        raise BadInput(
            f"{path}: {'not there beside the clips' if before is None else 'another split than now'}, the same MIMII "
            "folder expected as when these clips were written (was an SNR or a unit added?); give another data folder"
        )
    write_text(path, text)


def raw_folder(out: Path) -> Path:
    return out / "eval_data" / "raw"


def of_pair(machine: str, pair: Microphones) -> str:
    return f"{machine}-mics-{pair[0]}-{pair[1]}"


def machine_and_pair(name: str) -> tuple[str, str]:
    """The other way round; a machine of no pair has its near and far microphone.

    >>> machine_and_pair("fan-mics-0-4"), machine_and_pair("ToyCar")
    (('fan', '0-4'), ('ToyCar', 'near-far'))
    """
    match = re.fullmatch(r"(.+)-mics-(\d+-\d+)", name)
    return (match[1], match[2]) if match else (name, "near-far")


def write_clip(path: Path, places: dict[Microphones, Path]) -> None:
    samples, rate = read_sound(path, "int16")  # (T, C)
    for pair, place in places.items():
        if max(pair) >= samples.shape[1]:
            raise BadInput(f"{path}: {samples.shape[1]} channels, microphones {pair[0]} and {pair[1]} wanted")
        write_sound(place, samples[:, list(pair)], rate)  # whole: half a clip would pass for one that is there already
