"""The plan and its execution: a request in, the machines' folders out; each step is told to the caller's `say`.

A train/ or test/ folder that exists is left alone: two releases are never mixed in one folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd.download.archive import unpack
from asd.download.items import DownloadError, Item, check_space, held, least_space, megabytes
from asd.download.record import Files, check_year, expected, licence, listed_files, read_record
from asd.download.releases import Release, chosen_machines
from asd.download.transfer import fetch
from asd.errors import printable

Say = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    release: Release
    out: Path  # data folder
    machines: Sequence[str] | None  # None: all of the release
    base_url: str  # of Zenodo or a mirror
    known_md5: Mapping[str, str]  # by name; the record must list the same
    keep_zips: bool = False

    @property
    def raw(self) -> Path:
        return self.out / self.release.raw

    @property
    def page(self) -> str:
        return f"{self.base_url.rstrip('/')}/records/{self.release.record}"


def download(request: Request, say: Say) -> None:
    """Raises DownloadError; what is complete by then stays, and the same call resumes there."""
    missing = missing_machines(request, say)
    if not missing:
        say("nothing to download")
        return
    for item in planned(request, missing, say):
        fetch(item)
        unpack(item)
        say(f"{item.target}: {' and '.join(item.splits)} unpacked from {item.zip.name}")
        if not request.keep_zips:
            item.zip.unlink()


def missing_machines(request: Request, say: Say) -> list[str]:
    """The machines asked for without those unpacked before. Raises BadInput for an unknown one or half of one."""
    splits = request.release.splits
    missing = []
    for machine in chosen_machines(request.release, request.machines):
        folder = request.raw / machine
        if not is_unpacked(folder, splits):
            missing.append(machine)
            continue
        for split in splits:
            n_clips = sum(1 for _ in (folder / split).glob("*.wav"))
            say(f"{folder / split}: already there ({n_clips} clips), left as it is; to fetch it again, move it away")
    return missing


def is_unpacked(folder: Path, splits: Sequence[str]) -> bool:
    """Whether all of `splits` are in the machine's folder. Raises DownloadError when only some are."""
    there = [split for split in splits if (folder / split).exists()]
    if there and len(there) < len(splits):
        raise DownloadError(
            f"{folder}: has {', '.join(there)}/ but not all of {', '.join(splits)}/; it is half unpacked "
            "and would be mixed with another release: move it away and run again"
        )
    return bool(there)


def planned(request: Request, machines: Sequence[str], say: Say) -> list[Item]:
    """The zips to fetch, announced, with room for them on the disk."""
    record = read_record(request.base_url.rstrip("/"), request.release.record)
    files = listed_files(record, request.page)
    if request.release.second_hand:
        check_year(record, request.release.year, request.page)
    items = [item_of(machine, files, request) for machine in machines]
    say("\n".join(announcement(request, record, items)))
    request.out.mkdir(parents=True, exist_ok=True)
    check_space(request.out, least_space(items))
    return items


def item_of(machine: str, files: Files, request: Request) -> Item:
    name = request.release.zip_name(machine)
    size, md5 = expected(name, files, request.known_md5, request.page)
    return Item(
        machine,
        url=f"{request.page}/files/{name}?download=1",
        size=size,
        md5=md5,
        zip=request.out / "downloads" / name,
        target=request.raw / machine,
        splits=request.release.splits,
    )


def announcement(request: Request, record: Any, items: Sequence[Item]) -> list[str]:
    """Nothing is downloaded silently: files, sizes, places and the licence, before the first byte."""
    source = (
        "record and file names known second-hand, from the organisers' download tables; MD5s as the record lists them"
    )
    return [
        f"DCASE {request.release.year} Task 2, {request.release.title}: {request.page}",
        f"licence {request.release.licence} (the record says: {printable(str(licence(record)))})",
        *([source] if request.release.second_hand else []),
        *(f"  {i.zip.name}  {megabytes(i.size)}, {megabytes(held(i.part))} here  -> {i.target}" for i in items),
        f"  {len(items)} files, {megabytes(sum(item.size for item in items))}",
    ]
