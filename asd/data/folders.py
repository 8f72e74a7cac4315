"""Folders: where a data folder keeps its machines, and which of them are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from asd.clips import FOREIGN, LONGEST, check_name, listing
from asd.errors import BadInput, unknown_machine
from asd.sound_files import SUFFIXES

OURS = re.compile(r"section_\d|(normal|anomaly)_id_\d")  # how names of the challenge begin, those of 2020 too
FIRST = 10_000  # files that are looked at, in a folder that may be a whole disk
KINDS = {"dev": "dev_data", "eval": "eval_data"}


def raw_folder(data: Path, kind: str) -> Path:
    """<data>/dev_data/raw or <data>/eval_data/raw; kind is 'dev' or 'eval'."""
    raw = data / KINDS[kind] / "raw"
    if raw.is_dir():
        return raw
    holder = _holder(data)
    if holder != data and (holder / KINDS[kind] / "raw").is_dir():
        raise BadInput(f"{raw}: no such folder; give the folder that holds {KINDS[kind]}/: --data {holder}")
    if kind == "dev" and (holder / KINDS["eval"] / "raw").is_dir():
        raise BadInput(f"{raw}: no such folder, but {holder / KINDS['eval']} is there: -e in place of -d is needed")
    refuse_other_layout(data)
    where = "" if raw.is_absolute() else f" (looked for from {Path.cwd()})"
    release = kind.replace("eval", "train")
    raise BadInput(
        f"{raw}: no such folder{where}. To get data: `python tools/download.py {release} --out {holder}` "
        f"(from Zenodo), `python tools/simulate.py {holder}{' --eval' * (kind == 'eval')}` (simulated) or "
        f"`python tools/import_data.py RECORDINGS {holder}` (your own)"
    )


def _holder(data: Path) -> Path:
    """The data folder that was meant where a folder within it was given, or the given one."""
    within = (path.parent for path in (data, *data.parents) if path.name in KINDS.values() and (path / "raw").is_dir())
    return next(within, data)


def refuse_other_layout(folder: Path) -> None:
    """Raises BadInput, with the command for them, for recordings of which none has a name of the challenge's."""
    names = [path.name for path in islice(folder.rglob("*"), FIRST) if path.suffix.lower() in SUFFIXES]
    if names and not any(map(OURS.match, names)):
        raise BadInput(
            f"{folder}: recordings in another layout; `python tools/import_data.py {folder} OUT` brings them into the "
            "challenge's, then OUT is the data folder"
        )


def machine_names(raw: Path) -> list[str]:
    """Of a raw folder's machines; folders that an operating system or a server leaves there are none."""
    names = _machine_names(raw)
    if not names:
        raise BadInput(f"{raw}: empty folder; expected one folder per machine (was the download unpacked here?)")
    return names


def _machine_names(raw: Path) -> list[str]:
    return [p.name for p in listing(raw) if p.is_dir() and not FOREIGN.fullmatch(p.name)]


def holds_machines(raw: Path) -> bool:
    return bool(_machine_names(raw))


def chosen_machines(raw: Path, wanted: Sequence[str] | None) -> list[str]:
    """`wanted`, or all of the folder's machines. Raises BadInput with the nearest names for an unknown one."""
    names = machine_names(raw)
    known_machines(wanted or (), names, raw)
    return list(dict.fromkeys(wanted)) if wanted else names


def known_machines(wanted: Sequence[str], names: Sequence[str], where: Path) -> None:
    for name in wanted:
        if name not in names:
            raise unknown_machine(where, name, names)


def machine_name_problems(folder: Path) -> list[str]:
    """What keeps the folder's name from standing in the names of the challenge's files."""
    if len(folder.name.encode(errors="surrogateescape")) > LONGEST:
        return [f"{folder}: a machine's name of {len(folder.name)} characters, at most {LONGEST} expected"]
    try:
        check_name(folder.name)
    except BadInput as error:
        return [f"{folder.parent}/{error}"]
    return []
