"""The attribute table, attributes_00.csv: an optional cross-check of the names, so it can only warn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from asd.clips import ClipName
from asd.errors import BadInput
from asd.text_files import numbered_rows

NAME = "attributes_00.csv"
COLUMN = "file_name"


def attribute_warnings(folder: Path, names: Mapping[str, Collection[str]]) -> list[str]:
    """Clips that the table names and that are not there; `names` are those of each split.

    2023 has bare stems, without folder and `.wav`, for one machine. Of anonymous clips the table says nothing.
    """
    table = folder / NAME
    if not table.is_file():
        return []
    try:
        rows = numbered_rows(table)
    except BadInput as error:
        return [f"{error}; it is not compared with the clips"]
    if not rows or COLUMN not in rows[0][1]:
        return [f"{table}: no column {COLUMN} in its first line; it is not compared with the clips"]
    column = rows[0][1].index(COLUMN)
    telling = {split for split, of in names.items() if any(ClipName.GRAMMAR.fullmatch(name) for name in of)}
    there = {stem(name) for of in names.values() for name in of}
    listed = [(line, row[column]) for line, row in rows[1:] if column < len(row) and row[column]]
    lost = [(line, text) for line, text in listed if split_of(text) in telling and stem(text) not in there]
    if not lost:
        return []
    line, text = lost[0]
    return [
        f"{table}:{line}: names {text[:200]}, which is not there ({len(lost)} such of {len(listed)}; was a clip lost "
        "or renamed?)"
    ]


def stem(text: str) -> str:
    """
    >>> stem("fan/train/section_00.wav"), stem("section_00_v_0.5")
    ('section_00', 'section_00_v_0.5')
    """
    return PurePosixPath(text.replace("\\", "/")).name.removesuffix(".wav")


def split_of(text: str) -> str:
    """By its folder, or, of a bare stem, by its name; "" where neither tells."""
    folder = PurePosixPath(text.replace("\\", "/")).parent.name
    match = ClipName.GRAMMAR.fullmatch(f"{stem(text)}.wav")
    return folder or (ClipName.parse(f"{stem(text)}.wav").split if match else "")
