"""The archive: a verified zip in, the machine's folder out: checked, extracted beside its place, moved into it."""

from __future__ import annotations

import filecmp
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from tqdm import tqdm

from asd.download.items import DownloadError, Item, check_space, megabytes
from asd.errors import printable

MAX_RATIO = 20  # unpacked / packed bytes; recorded sound packs 1 to 3 times, a zip bomb 1000 times

LONGEST_NAME = 255  # bytes of a file's name, on every usual file system


class BadArchive(DownloadError):
    """The zip is as published, but must not or cannot be unpacked."""


def unpack(item: Item) -> None:
    """Check, extract beside the target, move into place: all of it or nothing."""
    try:
        with workshop(item.target.with_name(f".unpacking_{item.machine}")) as folder:
            extract(item, folder)
            check_splits(folder / item.machine, item)
            place(folder / item.machine, item)
    except BadArchive:
        item.zip.unlink()
        raise


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """An empty folder that does not outlive the block; what a killed run left there goes too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def extract(item: Item, folder: Path) -> None:
    try:
        with zipfile.ZipFile(item.zip) as archive:
            members = [info for info in archive.infolist() if not is_macos_metadata(info.filename)]
            check_members(members, item)
            check_space(folder, sum(info.file_size for info in members))
            for info in tqdm(members, desc=f"unpack {item.zip.name}", disable=None):
                archive.extract(info, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: encrypted, odd method
        raise BadArchive(
            f"{item.zip.name}: cannot be unpacked ({error}) although its MD5 is the record's; the published file "
            "itself is faulty: ask the organisers"
        ) from error


def is_macos_metadata(name: str) -> bool:
    """What macOS adds to a zip: no clips."""
    parts = PureWindowsPath(name).parts
    return "__MACOSX" in parts or any(part == ".DS_Store" or part.startswith("._") for part in parts)


def check_members(members: Sequence[zipfile.ZipInfo], item: Item) -> None:
    """Raises BadArchive unless every member is an ordinary file or folder of sane size inside <machine>/."""
    faults = [fault for info in members if (fault := member_fault(info, item.machine))]
    if len({info.filename for info in members}) < len(members):
        faults.append("duplicate file names")
    if (unpacked := sum(info.file_size for info in members)) > MAX_RATIO * item.size:
        faults.append(f"{megabytes(unpacked)} unpacked from {megabytes(item.size)}, at most {MAX_RATIO} times expected")
    if faults:
        raise BadArchive(
            f"{item.zip.name}: {len(faults)} unsafe or unexpected members, the first: {faults[0]}. Nothing was "
            "unpacked; the published file is not what the challenge describes: ask the organisers"
        )


def member_fault(info: zipfile.ZipInfo, machine: str) -> str | None:
    path = PureWindowsPath(info.filename)  # knows both slashes and drive letters
    if path.anchor or ".." in path.parts:
        return f"'{info.filename}' leads out of the folder"
    if max(len(part.encode(errors="surrogatepass")) for part in (*path.parts, "")) > LONGEST_NAME:
        return f"'{info.filename[:40]}...' is longer than {LONGEST_NAME} bytes"
    if printable(info.filename) != info.filename:
        return f"'{info.filename}' has control characters"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"'{info.filename}' is a link or a device, not a file"
    if path.parts[:1] != (machine,):
        return f"'{info.filename}' is not in {machine}/"
    return None


def check_splits(source: Path, item: Item) -> None:
    for split in item.splits:
        if not any((source / split).glob("*.wav")):
            raise BadArchive(f"{item.zip.name}: no .wav in {item.machine}/{split}/; is this another release's zip?")


def place(source: Path, item: Item) -> None:
    """Move every entry into the machine's folder; an entry that is there already must be the same file."""
    entries = sorted(source.iterdir(), key=lambda entry: entry.name in item.splits)  # splits last: they say it is done
    new = [entry for entry in entries if not is_same_file(entry, item.target / entry.name)]
    if clash := [entry.name for entry in new if (item.target / entry.name).exists()]:
        raise DownloadError(
            f"{item.target}: {', '.join(clash)} is there already and differs from that in {item.zip.name}; nothing "
            "was changed. Move it away and run again"
        )
    item.target.mkdir(exist_ok=True)
    for entry in new:
        entry.rename(item.target / entry.name)


def is_same_file(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)
