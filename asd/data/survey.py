"""The survey of a machine's folder: every wav header and name read, every problem and warning told at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from asd.clips import ANONYMOUS, RATE, Clip, ClipName, wav_paths
from asd.data.folders import machine_name_problems
from asd.data.machines import CHANNELS, ClipInfo, Survey
from asd.data.tables import attribute_warnings
from asd.data.unlike import length_warnings, number_warnings
from asd.errors import BadInput
from asd.tables import counted
from asd.wav_files import header, mismatch

NAME_OF_2020 = re.compile(r"(normal|anomaly)_id_\d{2}_\d{8}\.wav", re.ASCII)
YEARS = "the kit reads those of 2023 to 2026 (one section, names section_00_<domain>_<split>_<condition>_NNNN_...)"


def survey(folder: Path, splits: tuple[str, ...]) -> Survey:
    """Read every wav header of one machine's folder; `splits` (of train, test) must be there."""
    try:
        return _survey(folder, splits)
    except BadInput as error:  # a folder that may not be read
        return Survey(folder.name, folder, (), (str(error),))


def _survey(folder: Path, splits: tuple[str, ...]) -> Survey:
    if earlier := _earlier_year(folder):
        return Survey(folder.name, folder, (), (earlier,))
    infos: list[ClipInfo] = []
    problems = machine_name_problems(folder)
    names: dict[str, set[str]] = {}
    for split in (*splits, "supplemental"):
        paths = _wav_paths(folder / split, split, problems)
        names[split] = {path.name for path in paths}
        with ThreadPoolExecutor(4) as pool:
            for info, found in pool.map(lambda path, split=split: inspect_clip(path, folder.name, split), paths):
                infos += [info] if info else []
                problems += found
        problems += _name_problems(paths, split)
    problems += [*_section_problems(folder, infos), *_channel_problems(infos)]
    named = () if problems else number_warnings(infos)  # of names that are right
    warnings = *attribute_warnings(folder, names), *length_warnings(infos), *named
    return Survey(folder.name, folder, tuple(infos), tuple(problems), warnings)


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
        f"{i.clip.machine}/{i.split}/{i.clip.path.name}: {counted(i.channels, 'channel')}, "
        f"{counted(most, 'channel')} in {counts[most]} other clips of this machine; alike in all "
        "expected (were two data sets unpacked here?)"
        for i in infos
        if i.split != "supplemental" and i.channels in CHANNELS and i.channels != most
    ]


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
        head, cut = header(path), mismatch(path)
    except BadInput as error:
        return None, [f"{short}: {error}"]
    section = path.name.split("_")[1] if path.name.startswith("section_") else "00"
    info = ClipInfo(Clip(path, machine, section), split, head.rate, head.channels, head.n_samples, head.subtype)
    return info, [f"{short}: {text}" for text in (*_header_problems(info), *([cut] if cut else []))]


def _header_problems(info: ClipInfo) -> list[str]:
    problems = []
    if info.channels not in CHANNELS and info.split != "supplemental":
        problems.append(f"{counted(info.channels, 'channel')}, 1 (near) or 2 (near, far) expected")
    if info.rate != RATE:
        problems.append(f"{info.rate} Hz, {RATE} expected (resample it first; it would be read at the wrong pitch)")
    if info.n_samples == 0:
        problems.append("no samples")
    return problems
