"""Inspection of a data folder: a folder in, a report on each machine out, with every problem found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd import data, evaluation, tables
from asd.clips import ANONYMOUS, NO_ATTRIBUTE, RATE, Clip, ClipName, is_noise, wav_paths
from asd.errors import BadInput, printable

SPLITS = ("train", "test")
SHOWN = 12  # values of an attribute


@dataclass(frozen=True)
class Report:
    """What one machine's folder holds, as text, what is wrong with it, and what only looks wrong."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def reports(folder: Path, machines: Sequence[str] | None, n_clips: int | None) -> Iterator[Report]:
    """One per machine (None: all), with the sound of `n_clips` clips of each split (None: of all).

    Raises BadInput for a wrong name.
    """
    folders = [raw / name for raw in raw_folders(folder) for name in data.machine_names(raw)]
    data.known_machines(machines or (), [path.name for path in folders], folder)
    for path in folders:
        if path.name in (machines or [path.name]):
            yield report(data.survey(path, splits_of(path)), n_clips)


def raw_folders(folder: Path) -> list[Path]:
    """Those below `folder` that hold machines, or itself; the organisers' checkout has an empty eval_data/raw."""
    kinds = [folder / kind / "raw" for kind in data.KINDS.values() if (folder / kind / "raw").is_dir()]
    if not kinds and not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if folder.name in data.KINDS.values():
        raise BadInput(f"{folder}: give the folder that holds {folder.name}/: {folder.parent}")
    if not kinds:
        data.refuse_other_layout(folder)
    return [raw for raw in kinds if data.holds_machines(raw)] or kinds[:1] or [folder]


def splits_of(folder: Path) -> tuple[str, ...]:
    """An evaluation machine may hold only train/ (the additional training set) until the test clips are released."""
    early = folder.parent.parent.name == data.KINDS["eval"] and not (folder / "test").exists()
    return ("train",) if early else SPLITS


def report(survey: data.Survey, n_clips: int | None) -> Report:
    sounds, unreadable = sounds_of(survey, n_clips)
    blocks = {
        "clips": kinds(survey),
        "formats": formats(survey),
        "attributes": attributes(survey),
        "levels": levels(sounds),
    }
    lines = [f"{survey.name}  ({survey.folder})"]
    for title, block in blocks.items():
        lines += [f"  {title}", *(f"    {line}" for line in block)]
    clips = {split: [i.clip for i in survey.infos if i.split == split] for split in SPLITS}
    warnings = [
        *survey.warnings,
        *data.sound_warnings(sounds["train"], sounds["test"]),
        *data.content_warnings(clips["train"], clips["test"]),
    ]
    dead = data.sound_problems(sounds["train"])
    problems = (*survey.problems, *unreadable, *dead, *contradictions(clips["test"], survey.folder))
    return Report(*(tuple(map(printable, texts)) for texts in (lines, problems, warnings)))


def contradictions(test: Sequence[Clip], machine: Path) -> list[str]:
    """Test clips of one content with different truth, where their names, or test_rename/ of the machine, tell it."""
    renamed = wav_paths(machine / "test_rename")
    paths = [path for path in (*(clip.path for clip in test), *renamed) if ClipName.GRAMMAR.fullmatch(path.name)]
    return evaluation.contradictions(paths)


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
    return [
        f"{n:5d}  {rate} Hz, {tables.counted(c, 'channel')}, {sub}, {s:g} s"
        for (rate, c, sub, s), n in sorted(forms.items())
    ]


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


def sounds_of(survey: data.Survey, n_clips: int | None) -> tuple[dict[str, list[data.Sound]], list[str]]:
    """Of up to `n_clips` clips of each split (None: of all), and why some could not be read."""
    sounds: dict[str, list[data.Sound]] = {}
    problems = []
    for split in SPLITS:
        clips = [i.clip for i in survey.infos if i.split == split and i.rate == RATE and i.n_samples]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(sound_or_problem, data.spread(clips, n_clips)))
        sounds[split] = [sound for sound in found if isinstance(sound, data.Sound)]
        problems += [text for text in found if isinstance(text, str)]
    return sounds, problems


def sound_or_problem(clip: Clip) -> data.Sound | str:
    try:
        return data.sound_of(clip)
    except BadInput as error:
        return str(error)


def levels(sounds: Mapping[str, Sequence[data.Sound]]) -> list[str]:
    """Levels (dB re full scale) and near-far correlation, of clips of one channel and of two."""
    lines = []
    for split, of_split in sounds.items():
        for channels, told in ((1, near_level), (2, near_and_far_levels)):
            found = [sound for sound in of_split if len(sound.levels) == channels]
            lines += [f"{split}: {told(found)} ({tables.counted(len(found), 'clip')})"] if found else []
    return lines


def near_level(sounds: Sequence[data.Sound]) -> str:
    near = np.array([sound.levels[0] for sound in sounds])
    return f"near {near.mean():.1f} ± {near.std():.1f} dB"


def near_and_far_levels(sounds: Sequence[data.Sound]) -> str:
    far = np.array([sound.levels[1] for sound in sounds])
    rho, difference = (np.mean([getattr(s, key) for s in sounds]) for key in ("correlation", "difference"))
    spread_of_far = f"far {far.mean():.1f} ± {far.std():.1f} dB"
    return f"{near_level(sounds)}, {spread_of_far}, near - far {difference:+.1f} dB, correlation {rho:+.2f}"
