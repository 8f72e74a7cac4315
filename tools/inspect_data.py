#!/usr/bin/env python3
"""Show what a data folder holds and every problem in it: a folder in, a report a machine out; exit 2 on any problem.

python tools/inspect_data.py data/dcase2026t2
python tools/inspect_data.py data/dcase2026t2 --machines fan ToyCar --levels 50
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd import data
from asd.clips import ANONYMOUS, RATE, ClipName
from asd.contracts import Wave
from asd.errors import BadInput

SPLITS = ("train", "test")


def kinds(survey: data.Survey) -> list[str]:
    """Clips per split, domain and condition, one line each."""
    counts: Counter[str] = Counter()
    for info in survey.infos:
        name = info.clip.path.name
        if info.split == "supplemental" or ANONYMOUS.fullmatch(name):
            counts[f"{info.split} {'anonymous' if info.split == 'test' else ''}".strip()] += 1
        elif ClipName.GRAMMAR.fullmatch(name):
            parsed = ClipName.parse(name)
            counts[f"{info.split} {parsed.domain} {parsed.condition}"] += 1
    return [f"{n:5d}  {kind}" for kind, n in sorted(counts.items())]


def formats(survey: data.Survey) -> list[str]:
    """Rates, channels, sample formats and lengths that occur, with how many clips have them."""
    forms = Counter((i.rate, i.channels, i.subtype, i.n_samples / i.rate) for i in survey.infos)
    return [f"{n:5d}  {rate} Hz, {c} channels, {sub}, {s:g} s" for (rate, c, sub, s), n in sorted(forms.items())]


def attributes(survey: data.Survey) -> list[str]:
    """Each attribute key with its values and how often they occur."""
    values: dict[str, Counter[str]] = {}
    for info in survey.infos:
        if ClipName.GRAMMAR.fullmatch(info.clip.path.name):
            for key, value in ClipName.parse(info.clip.path.name).attributes:
                values.setdefault(key, Counter())[value] += 1
    lines = [
        f"{key}: {', '.join(f'{v} ({n})' for v, n in sorted(c.items())[:12])}" for key, c in sorted(values.items())
    ]
    return lines or ["none in the names (noAttribute)"]


def decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))


def correlation(wave: Wave) -> float:
    """Of near and far, zero-lag, in [-1, 1]; 0 for a silent channel."""
    centred = wave - wave.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float(centred[0] @ centred[1] / scale) if scale > 0 else 0.0


def levels(survey: data.Survey, n_clips: int) -> list[str]:
    """Near and far level (dB re full scale) and correlation over up to `n_clips` readable clips a split."""
    lines = []
    for split in SPLITS:
        clips = [
            i.clip for i in survey.infos if i.split == split and i.channels == 2 and i.rate == RATE and i.n_samples
        ]
        chosen = clips[:: max(1, len(clips) // n_clips)][:n_clips]
        waves = [data.read_wave(clip) for clip in chosen]
        if waves:
            near, far = (np.array([decibels(np.mean(w[c] ** 2)) for w in waves]) for c in (0, 1))
            rho = np.mean([correlation(w) for w in waves])
            spread = f"near {near.mean():.1f} ± {near.std():.1f} dB, far {far.mean():.1f} ± {far.std():.1f} dB"
            spread += f", near - far {np.mean(near - far):+.1f} dB, correlation {rho:+.2f}"
            lines.append(f"{split}: {spread} ({len(waves)} clips)")
    return lines


def checked_levels(survey: data.Survey, n_clips: int) -> tuple[list[str], list[str]]:
    """The level lines, and what made them impossible."""
    try:
        return levels(survey, n_clips), []
    except (BadInput, OSError, RuntimeError) as error:
        return [], [str(error)]


def show(survey: data.Survey, n_clips: int) -> list[str]:
    """Print one machine; return its problems."""
    level_lines, unreadable = checked_levels(survey, n_clips)
    print(f"\n{survey.name}  ({survey.folder})")
    blocks = {
        "clips": kinds(survey),
        "formats": formats(survey),
        "attributes": attributes(survey),
        "levels": level_lines,
    }
    for title, lines in blocks.items():
        print(f"  {title}")
        print("\n".join(f"    {line}" for line in lines))
    return [*survey.problems, *unreadable]


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


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the data folder (holds dev_data/raw), or a raw folder")
    parser.add_argument("--machines", nargs="+", help="default: all")
    parser.add_argument(
        "--levels", type=int, default=20, metavar="N", help="clips a split read for levels (%(default)s)"
    )
    args = parser.parse_args(argv)
    problems: list[str] = []
    try:
        folders = [raw / name for raw in raw_folders(args.folder) for name in data.machine_names(raw)]
        data.known_machines(args.machines or (), [folder.name for folder in folders], args.folder)
        for folder in folders:
            if folder.name in (args.machines or [folder.name]):
                problems += show(data.survey(folder, splits_of(folder)), max(1, args.levels))
    except BadInput as error:
        problems.append(str(error))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"\n{len(problems)} problem{'s' * (len(problems) != 1)} found", file=sys.stderr if problems else sys.stdout)
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
