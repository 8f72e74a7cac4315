"""The challenge's folders: a data folder in, machines with checked clips out; waves (C, T) float32 on demand.

    <data>/dev_data/raw/<machine>/{train,test}/section_00_<domain>_<split>_<condition>_NNNN_<attributes>.wav
    <data>/eval_data/raw/<machine>/train/ as above, test/section_00_NNNN.wav (anonymous), test_rename/ (after the truth)
    optional: supplemental/*.wav, attributes_00.csv

Data sets of 2023 to 2025 (one channel) and 2026 (two) have this layout; those before it are refused by their year.
Every check runs before any work and reports every problem it finds, not the first.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asd.clips import ANONYMOUS, RATE, Clip, ClipName, is_noise, truncation, wav_paths
from asd.contracts import Wave
from asd.errors import BadInput, unknown_machine

NAME_OF_2020 = re.compile(r"(normal|anomaly)_id_\d{2}_\d{8}\.wav", re.ASCII)
KINDS = {"dev": "dev_data", "eval": "eval_data"}
CHANNELS = (1, 2)  # of a machine: near, or near and far
YEARS = "the kit reads those of 2023 to 2026 (one section, names section_00_<domain>_<split>_<condition>_NNNN_...)"
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
        channels = next(info.channels for info in self.infos if info.split == "train")
        rest = self.clips("test"), self.clips("supplemental")
        return Machine(self.name, self.folder, channels, train, is_target, *rest)


@dataclass(frozen=True)
class Machine:
    """One machine's checked clips, sorted by file name."""

    name: str
    folder: Path
    channels: int  # 1 (near) or 2 (near, far), alike in training and test clips
    train: tuple[Clip, ...]
    is_target: np.ndarray  # (N,) bool, domain of each training clip
    test: tuple[Clip, ...]
    supplemental: tuple[Clip, ...]  # clean-machine or noise-only clips, where the data set has them

    @property
    def clean(self) -> tuple[Clip, ...]:
        """The supplemental clips of the machine alone."""
        return tuple(clip for clip in self.supplemental if not is_noise(clip.path.name))

    @property
    def noise(self) -> tuple[Clip, ...]:
        """The supplemental clips of noise alone."""
        return tuple(clip for clip in self.supplemental if is_noise(clip.path.name))


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
    if earlier := _earlier_year(folder):
        return Survey(folder.name, folder, (), (earlier,))
    infos: list[ClipInfo] = []
    problems: list[str] = []
    for split in (*splits, "supplemental"):
        paths = _wav_paths(folder / split, split, problems)
        with ThreadPoolExecutor(4) as pool:
            for info, found in pool.map(lambda path, split=split: inspect_clip(path, folder.name, split), paths):
                infos += [info] if info else []
                problems += found
        problems += _name_problems(paths, split)
    problems += [*_section_problems(folder, infos), *_channel_problems(infos), *_attribute_problems(folder)]
    return Survey(folder.name, folder, tuple(infos), tuple(problems))


def _earlier_year(folder: Path) -> str:
    """Why this is a data set of 2020 or 2021, whose folders and names differ altogether, or ""."""
    names = (path.name for split in ("train", "test") for path in wav_paths(folder / split))
    odd = next((name for name in names if NAME_OF_2020.fullmatch(name)), "")
    halves = [name for name in ("source_test", "target_test") if (folder / name).is_dir()]
    year, what = ("2020", odd) if odd else ("2021", f"{' and '.join(halves)}/")
    return f"{folder}: {what}: a data set of DCASE {year}; {YEARS}" * bool(odd or halves)


def _section_problems(folder: Path, infos: Sequence[ClipInfo]) -> list[str]:
    sections = {info.clip.section for info in infos if info.split != "supplemental"}
    if len(sections) < 2:
        return []
    year = "2022" if (folder / "test").is_dir() else "2021 or 2022"
    return [
        f"{folder}: sections {', '.join(sorted(sections))}; one expected (is this a data set of DCASE {year}?); {YEARS}"
    ]


def _channel_problems(infos: Sequence[ClipInfo]) -> list[str]:
    """Training and test clips unlike the others of their machine; of as many of either kind, those of one channel."""
    counts = Counter(i.channels for i in infos if i.split != "supplemental" and i.channels in CHANNELS)
    if len(counts) < 2:
        return []
    most = max(CHANNELS, key=lambda n: (counts[n], n))
    return [
        f"{i.clip.machine}/{i.split}/{i.clip.path.name}: {in_words(i.channels)}, {in_words(most)} in {counts[most]} "
        "other clips of this machine; alike in all expected (were two data sets unpacked here?)"
        for i in infos
        if i.split != "supplemental" and i.channels in CHANNELS and i.channels != most
    ]


def in_words(channels: int) -> str:
    return f"{channels} channel{'s' * (channels != 1)}"


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
    if info.channels not in CHANNELS and info.split != "supplemental":
        problems.append(f"{in_words(info.channels)}, 1 (near) or 2 (near, far) expected")
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
            split, name = _named_clip(row.get("file_name") or "")
            if (folder / split).is_dir() and not (folder / split / name).exists():
                problems.append(
                    f"{table}:{line}: names {Path(split, name)}, which is not there (was a clip lost or renamed?)"
                )
    return problems


def _named_clip(text: str) -> tuple[str, str]:
    """Split and file name of `<machine>/<split>/<name>.wav`, or of a bare `<name>` as 2023 has for one machine."""
    path = Path(text)
    if path.parent.name or not text:
        return path.parent.name, path.name
    name = path.name if path.name.endswith(".wav") else f"{path.name}.wav"
    return ClipName.parse(name).split if ClipName.GRAMMAR.fullmatch(name) else "", name


def read_wave(clip: Clip) -> Wave:
    """(C, T) float32 in [-1, 1), read-only. Raises BadInput for samples that are not finite."""
    samples, _ = soundfile.read(clip.path, dtype="float32", always_2d=True)  # (T, C)
    if not np.isfinite(samples).all():
        bad = int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise BadInput(
            f"{clip.machine}/{clip.path.name}: sample {bad} is not a finite number (was it written by a broken export?)"
        )
    wave = np.ascontiguousarray(samples.T)  # (C, T)
    wave.flags.writeable = False
    return wave
