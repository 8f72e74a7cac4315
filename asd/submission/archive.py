"""A package read without trusting it: a zip in, its files' bytes by name out, with every defect of the zip itself.

Nothing is unpacked to disk. What is too large is not read; a name that would leave the folder it is unpacked into, a
link, a duplicate or encrypted entry is a defect.
"""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from asd.errors import BadInput

MIB = 2**20
LARGEST = {".csv": 4 * MIB, ".yaml": MIB, ".pdf": 50 * MIB}  # a machine's 200 clips are about 10 KiB
LARGEST_OTHER = MIB
LARGEST_IN_ALL = 100 * MIB
MOST = 500  # entries; four systems of five machines are 50
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


def read_archive(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Files by name, and defects as `<zip>: <entry>: what`. Raises BadInput where it is no zip at all."""
    if not path.is_file():
        raise BadInput(f"{path}: {'a folder' if path.is_dir() else 'no such file'}, a package (.zip) expected")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            defects = _duplicates(entries)
            if len(entries) > MOST:
                return {}, [
                    f"{path.name}: {len(entries)} entries, at most {MOST} expected (was a wrong folder zipped?)"
                ]
            in_all = sum(entry.file_size for entry in entries)
            if in_all > LARGEST_IN_ALL:
                return {}, [
                    f"{path.name}: {in_all / MIB:.0f} MiB unpacked, at most {LARGEST_IN_ALL / MIB:.0f} expected"
                ]
            files: dict[str, bytes] = {}
            for entry in entries:
                problem = _problem(entry) or _read(archive, entry, files)
                defects += [f"{entry.filename}: {problem}"] if problem else []
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, NotImplementedError) as error:
        raise BadInput(
            f"{path}: not a readable zip ({error}); was it cut short, or is it another kind of archive?"
        ) from error
    return files, [f"{path.name}: {defect}" for defect in defects]


def _duplicates(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Names of more than one entry; on some systems `A` and `a` are one name."""
    counts = Counter(entry.filename.lower() for entry in entries)
    first = {entry.filename.lower(): entry.filename for entry in reversed(entries)}
    return [f"{first[name]}: duplicate name, {n} entries in the zip" for name, n in counts.items() if n > 1]


def _problem(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not read; empty where it is."""
    name, mode = PurePosixPath(entry.filename), entry.external_attr >> 16
    if not entry.filename:
        return "an entry without a name"
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
        return "a path that leaves the folder it is unpacked into (zip-slip), or not a path of a zip"
    if stat.S_ISLNK(mode):
        return "a symbolic link; put the file itself in"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or (stat.S_ISDIR(mode) and not entry.is_dir()):
        return "neither a plain file nor a folder"
    if entry.is_dir() and entry.file_size:
        return f"a folder's entry with {entry.file_size} bytes in it"
    if any(part in JUNK for part in name.parts):
        return "a file of the operating system, not of the submission; leave it out"
    if entry.flag_bits & 1:
        return "encrypted"
    most = LARGEST.get(name.suffix.lower(), LARGEST_OTHER)
    if entry.file_size > most:
        return f"{entry.file_size / MIB:.1f} MiB unpacked, at most {most / MIB:.0f} expected"
    return ""


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, files: dict[str, bytes]) -> str:
    """Put the entry's bytes into `files`; what is wrong where they cannot be read."""
    if entry.is_dir():
        return ""
    try:
        with archive.open(entry) as file:
            raw = file.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, OSError) as error:
        return f"damaged ({error})"
    files.setdefault(entry.filename, raw)
    return ""
