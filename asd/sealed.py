"""Seals: a file of arrays or weights carries the SHA-256 of its own bytes, so that damage is found and not used.

    seal(file)            close a file that is open for reading and writing ("w+b")
    damage(path) -> str   why a sealed file is not as it was written, or ""

The seal is the last 64 bytes. In a zip (.npz, PyTorch's .pt) they are its comment, behind a .npy's numbers nobody reads
them: `numpy.load` and `torch.load` take a sealed file as any other.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import IO

SEAL = 64  # hex digits of a SHA-256
LENGTH = 2  # bytes at the end of a zip without comment: the comment's length, 0
PIECE = 1 << 20  # bytes held at once: features have hundreds of megabytes


def seal(file: IO[bytes]) -> None:
    file.seek(0)
    if file.read(2) == b"PK":
        file.seek(-LENGTH, 2)
        file.write(SEAL.to_bytes(LENGTH, "little"))
    digest = _digest_of(file, file.seek(0, 2))
    file.seek(0, 2)
    file.write(digest)


def damage(path: Path) -> str:
    stat = path.stat()
    return _damage(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _damage(path: Path, size: int, changed_ns: int) -> str:
    """Size and time stamp keep the memo honest within one process."""
    with path.open("rb") as file:
        found = _digest_of(file, max(size - SEAL, 0))
        if file.read() == found:
            return ""
    return f"its last {SEAL} bytes are not the SHA-256 of the rest (damaged, cut short, edited, or of another kind?)"


def _digest_of(file: IO[bytes], size: int) -> bytes:
    """Of the first `size` bytes; the file is read to there."""
    file.seek(0)
    h = hashlib.sha256()
    while size and (piece := file.read(min(PIECE, size))):
        h.update(piece)
        size -= len(piece)
    return h.hexdigest().encode()
