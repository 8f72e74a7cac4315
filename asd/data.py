"""The challenge's folders: a data folder in, machines with checked clips out; waves (2, T) float32 on demand.

    <data>/dev_data/raw/<machine>/{train,test}/section_00_<domain>_<split>_<condition>_NNNN_<attributes>.wav
    <data>/eval_data/raw/<machine>/train/ as above, test/section_00_NNNN.wav (anonymous), test_rename/ (after the truth)
    optional: supplemental/*.wav, attributes_00.csv

Every check runs before any work and reports every problem it finds, not the first.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asd.clips import ANONYMOUS, RATE, Clip, ClipName, truncation, wav_paths
from asd.contracts import Wave
from asd.errors import BadInput, unknown_machine

KINDS = {"dev": "dev_data", "eval": "eval_data"}
SHOWN = 20  # problems listed in one error


@dataclass(frozen=True)
class ClipInfo:
    """What a wav header says, before any sample is read."""

    clip: Clip
    split: str  # train | test | supplemental
    rate: int  # Hz
    channels: int
    n_samples: int
    subtype: str  # PCM_16, FLOAT, ...


@dataclass(frozen=True)
class Survey:
    """All that one machine's folder holds, with every problem found; `machine()` refuses when there is any."""

    name: str
    folder: Path
    infos: tuple[ClipInfo, ...]
    problems: tuple[str, ...]

    def clips(self, split: str) -> tuple[Clip, ...]:
        return tuple(info.clip for info in self.infos if info.split == split)

    def machine(self) -> Machine:
        if self.problems:
            raise BadInput(listed(self.problems))
        train = self.clips("train")
        is_target = np.array([ClipName.parse(clip.path.name).domain == "target" for clip in train], dtype=bool)
        return Machine(self.name, self.folder, train, is_target, self.clips("test"), self.clips("supplemental"))


@dataclass(frozen=True)
class Machine:
    """One machine's checked clips, sorted by file name."""

    name: str
    folder: Path
    train: tuple[Clip, ...]
    is_target: np.ndarray  # (N,) bool, domain of each training clip
    test: tuple[Clip, ...]
    supplemental: tuple[Clip, ...]  # clean-machine or noise-only clips, where the data set has them


def listed(problems: tuple[str, ...]) -> str:
    """The first SHOWN problems, one a line, and how many more there are."""
    more = [f"... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return "\n".join([*problems[:SHOWN], *more])


def raw_folder(data: Path, kind: str) -> Path:
    """<data>/dev_data/raw or <data>/eval_data/raw; kind is 'dev' or 'eval'."""
    raw = data / KINDS[kind] / "raw"
    if raw.is_dir():
        return raw
    if data.name in ("raw", *KINDS.values()):
        parent = data.parent.parent if data.name == "raw" else data.parent
        raise BadInput(f"{raw}: no such folder; give the folder that holds {KINDS[kind]}/: --data {parent}")
    where = "" if raw.is_absolute() else f" (looked for from {Path.cwd()})"
    release = kind.replace("eval", "train")
    raise BadInput(
        f"{raw}: no such folder{where}. To get data: `python tools/download.py {release} --out {data}` "
        f"(from Zenodo) or `python tools/simulate.py {data}{' --eval' * (kind == 'eval')}` (simulated)"
    )


def machine_names(raw: Path) -> list[str]:
    names = sorted(p.name for p in raw.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise BadInput(f"{raw}: empty folder; expected one folder per machine (was the download unpacked here?)")
    return names


def chosen_machines(raw: Path, wanted: Sequence[str] | None) -> list[str]:
    """`wanted`, or all of the folder's machines. Raises BadInput with the nearest names for an unknown one."""
    names = machine_names(raw)
    known_machines(wanted or (), names, raw)
    return list(dict.fromkeys(wanted)) if wanted else names


def known_machines(wanted: Sequence[str], names: Sequence[str], where: Path) -> None:
    for name in wanted:
        if name not in names:
            raise unknown_machine(where, name, names)


def survey(folder: Path, splits: tuple[str, ...]) -> Survey:
    """Read every wav header of one machine's folder; `splits` (of train, test) must be there."""
    infos: list[ClipInfo] = []
    problems: list[str] = []
    for split in (*splits, "supplemental"):
        paths = _wav_paths(folder / split, split, problems)
        with ThreadPoolExecutor(4) as pool:
            for info, found in pool.map(lambda path, split=split: inspect_clip(path, folder.name, split), paths):
                infos += [info] if info else []
                problems += found
        problems += _name_problems(paths, split)
    if len(sections := {info.clip.section for info in infos if info.split != "supplemental"}) > 1:
        problems.append(
            f"{folder}: sections {', '.join(sorted(sections))}; one expected (is this a 2021 or 2022 data set?)"
        )
    return Survey(folder.name, folder, tuple(infos), (*problems, *_attribute_problems(folder)))


def _wav_paths(folder: Path, split: str, problems: list[str]) -> list[Path]:
    if split == "supplemental":
        return wav_paths(folder)
    if not folder.is_dir():
        problems.append(f"{folder}: no such folder; each machine needs train/ and test/ (is the download complete?)")
        return []
    paths = wav_paths(folder)
    if not paths:
        problems.append(f"{folder}: empty, no .wav file (was the archive unpacked into another folder?)")
    return paths


def _name_problems(paths: list[Path], split: str) -> list[str]:
    """Names outside the grammar, in the wrong folder, or two clips of one name."""
    if split == "supplemental":
        return []
    problems, seen = [], dict[object, Path]()
    for path in paths:
        try:
            key = _clip_key(path, split)
        except BadInput as error:
            problems.append(f"{path.parent}/{error}")
            continue
        if key in seen:
            problems.append(
                f"{path}: two clips of one name, the other is {seen[key].name} (were two data sets unpacked here?)"
            )
        seen.setdefault(key, path)
    return problems


def _clip_key(path: Path, split: str) -> object:
    if split == "test" and (match := ANONYMOUS.fullmatch(path.name)):
        return match.groups()
    name = ClipName.parse(path.name)
    if name.split != split:
        raise BadInput(f"{path.name}: a {name.split} clip in the {split} folder")
    if split == "train" and name.condition == "anomaly":
        raise BadInput(f"{path.name}: an anomaly among the training clips; training is on normal clips only")
    return name.section, name.domain, name.condition, name.number


def inspect_clip(path: Path, machine: str, split: str) -> tuple[ClipInfo | None, list[str]]:
    """The header of one wav and what is wrong with it."""
    short = f"{machine}/{split}/{path.name}"
    try:
        head = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        return None, [
            f"{short}: not a readable wav file ({error}); {path.stat().st_size} bytes (is the download complete?)"
        ]
    section = path.name.split("_")[1] if path.name.startswith("section_") else "00"
    info = ClipInfo(Clip(path, machine, section), split, head.samplerate, head.channels, head.frames, head.subtype)
    return info, [f"{short}: {text}" for text in (*_header_problems(info), *truncation(path))]


def _header_problems(info: ClipInfo) -> list[str]:
    problems = []
    if info.channels != 2 and info.split != "supplemental":
        hint = " (is this a 2020-2025 data set?)" if info.channels == 1 else ""
        problems.append(f"{info.channels} channel{'s' * (info.channels > 1)}, 2 expected (near, far){hint}")
    if info.rate != RATE:
        problems.append(f"{info.rate} Hz, {RATE} expected (resample it first; it would be read at the wrong pitch)")
    if info.n_samples == 0:
        problems.append("no samples")
    return problems


def _attribute_problems(folder: Path) -> list[str]:
    """attributes_00.csv against the file names: its first column names clips that must be there."""
    table = folder / "attributes_00.csv"
    if not table.exists():
        return []
    problems = []
    with open(table, newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            path = Path(row.get("file_name") or "")
            split, name = path.parent.name, path.name
            if (folder / split).is_dir() and not (folder / split / name).exists():
                problems.append(
                    f"{table}:{line}: names {split}/{name}, which is not there (was a clip lost or renamed?)"
                )
    return problems


def read_wave(clip: Clip) -> Wave:
    """(2, T) float32 in [-1, 1), read-only. Raises BadInput for samples that are not finite."""
    samples, _ = soundfile.read(clip.path, dtype="float32", always_2d=True)  # (T, 2)
    if not np.isfinite(samples).all():
        bad = int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise BadInput(
            f"{clip.machine}/{clip.path.name}: sample {bad} is not a finite number (was it written by a broken export?)"
        )
    wave = np.ascontiguousarray(samples.T)  # (2, T)
    wave.flags.writeable = False
    return wave
