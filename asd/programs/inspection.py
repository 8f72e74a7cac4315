"""Inspection of a data folder: a folder in, a report on each machine out, with every problem found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd import data
from asd.clips import ANONYMOUS, NO_ATTRIBUTE, RATE, ClipName, is_noise
from asd.contracts import Wave
from asd.errors import BadInput

SPLITS = ("train", "test")
SHOWN = 12  # values of an attribute


@dataclass(frozen=True)
class Report:
    """What one machine's folder holds, as text, and what is wrong with it."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def reports(folder: Path, machines: Sequence[str] | None, n_clips: int) -> Iterator[Report]:
    """One per machine (None: all), with levels over `n_clips` clips of each split. Raises BadInput for a wrong name."""
    folders = [raw / name for raw in raw_folders(folder) for name in data.machine_names(raw)]
    data.known_machines(machines or (), [path.name for path in folders], folder)
    for path in folders:
        if path.name in (machines or [path.name]):
            yield report(data.survey(path, splits_of(path)), n_clips)


def raw_folders(folder: Path) -> list[Path]:
    """The raw folders below `folder`, or itself."""
    found = [(folder / kind / "raw") for kind in data.KINDS.values() if (folder / kind / "raw").is_dir()]
    if not found and not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if folder.name in data.KINDS.values():
        raise BadInput(f"{folder}: give the folder that holds {folder.name}/: {folder.parent}")
    return found or [folder]


def splits_of(folder: Path) -> tuple[str, ...]:
    """An evaluation machine may hold only train/ (the additional training set) until the test clips are released."""
    early = folder.parent.parent.name == data.KINDS["eval"] and not (folder / "test").exists()
    return ("train",) if early else SPLITS


def report(survey: data.Survey, n_clips: int) -> Report:
    level_lines, unreadable = checked_levels(survey, n_clips)
    blocks = {
        "clips": kinds(survey),
        "formats": formats(survey),
        "attributes": attributes(survey),
        "levels": level_lines,
    }
    lines = [f"{survey.name}  ({survey.folder})"]
    for title, block in blocks.items():
        lines += [f"  {title}", *(f"    {line}" for line in block)]
    return Report(tuple(lines), (*survey.problems, *unreadable))


def kinds(survey: data.Survey) -> list[str]:
    """Clips per split, domain and condition, one line each."""
    counts: Counter[str] = Counter()
    for info in survey.infos:
        name = info.clip.path.name
        if info.split == "supplemental":
            counts[f"supplemental, {'noise' if is_noise(name) else 'the machine'} alone"] += 1
        elif ANONYMOUS.fullmatch(name):
            counts[f"{info.split} {'anonymous' if info.split == 'test' else ''}".strip()] += 1
        elif ClipName.GRAMMAR.fullmatch(name):
            parsed = ClipName.parse(name)
            counts[f"{info.split} {parsed.domain} {parsed.condition}"] += 1
    return [f"{n:5d}  {kind}" for kind, n in sorted(counts.items())]


def formats(survey: data.Survey) -> list[str]:
    """Rates, channels, sample formats and lengths that occur, with how many clips have them."""
    forms = Counter((i.rate, i.channels, i.subtype, i.n_samples / i.rate) for i in survey.infos)
    return [f"{n:5d}  {rate} Hz, {data.in_words(c)}, {sub}, {s:g} s" for (rate, c, sub, s), n in sorted(forms.items())]


def attributes(survey: data.Survey) -> list[str]:
    """Each attribute key with its values and how often they occur."""
    values: dict[str, Counter[str]] = {}
    for info in survey.infos:
        if ClipName.GRAMMAR.fullmatch(info.clip.path.name):
            for key, value in ClipName.parse(info.clip.path.name).attributes:
                values.setdefault(key, Counter())[value] += 1
    lines = [f"{key}: {counted(values[key])}" for key in sorted(values)]
    return lines or [f"none in the names ({NO_ATTRIBUTE})"]


def counted(values: Counter[str]) -> str:
    return ", ".join(f"{value} ({n})" for value, n in sorted(values.items())[:SHOWN])


def checked_levels(survey: data.Survey, n_clips: int) -> tuple[list[str], list[str]]:
    """The level lines, and what made them impossible."""
    try:
        return [line for split in SPLITS for line in levels(survey, split, n_clips)], []
    except (BadInput, OSError, RuntimeError) as error:
        return [], [str(error)]


def levels(survey: data.Survey, split: str, n_clips: int) -> list[str]:
    """Levels (dB re full scale) and near-far correlation over up to `n_clips` clips of one number of channels each."""
    readable = [i for i in survey.infos if i.split == split and i.rate == RATE and i.n_samples]
    lines = []
    for channels, told in ((1, near_level), (2, near_and_far_levels)):
        infos = [i for i in readable if i.channels == channels]
        waves = [data.read_wave(i.clip) for i in infos[:: max(1, len(infos) // n_clips)][:n_clips]]
        lines += [f"{split}: {told(waves)} ({len(waves)} clips)"] if waves else []
    return lines


def near_level(waves: Sequence[Wave]) -> str:
    near = channel_levels(waves, 0)
    return f"near {near.mean():.1f} ± {near.std():.1f} dB"


def near_and_far_levels(waves: Sequence[Wave]) -> str:
    near, far = channel_levels(waves, 0), channel_levels(waves, 1)
    rho = np.mean([correlation(w) for w in waves])
    spread = f"{near_level(waves)}, far {far.mean():.1f} ± {far.std():.1f} dB"
    return f"{spread}, near - far {np.mean(near - far):+.1f} dB, correlation {rho:+.2f}"


def channel_levels(waves: Sequence[Wave], channel: int) -> np.ndarray:
    """(N,) dB re full scale."""
    return np.array([decibels(np.mean(wave[channel] ** 2)) for wave in waves])


def decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))


def correlation(wave: Wave) -> float:
    """Of near and far, zero-lag, in [-1, 1]; 0 for a silent channel."""
    centred = wave - wave.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float(centred[0] @ centred[1] / scale) if scale > 0 else 0.0
