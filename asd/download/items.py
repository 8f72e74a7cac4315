"""One machine's zip on its way: what is known of it, where it goes, and the room that it needs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asd.errors import BadInput


class DownloadError(BadInput):
    """What was found, what was expected, the likely cause and what to do, in one message."""


@dataclass(frozen=True)
class Item:
    """One machine's zip: what the record says of it, and where it goes."""

    machine: str
    url: str
    size: int  # bytes
    md5: str
    zip: Path
    target: Path  # the machine's folder
    splits: tuple[str, ...]

    @property
    def part(self) -> Path:
        return self.zip.with_name(self.zip.name + ".part")


def check_space(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DownloadError(
            f"{folder}: {megabytes(free)} free, at least {megabytes(need)} needed; make room, give another --out, "
            "or take some --machines at a time"
        )


def least_space(items: Sequence[Item]) -> int:
    """Bytes certainly needed: sound unpacks to no less than its zip, and one zip lies beside what is unpacked."""
    sizes = [item.size for item in items]
    return sum(sizes) + max(sizes) - sum(held(item.part) + held(item.zip) for item in items)


def megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"


def held(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
