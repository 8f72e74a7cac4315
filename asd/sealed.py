"""Sealed files: named arrays in one .npz whose last 64 bytes, the zip's comment, are the SHA-256 of all before.

    write_sealed(path, arrays)     read_sealed(path) -> Arrays     plain NumPy arrays, never pickle

`numpy.load` reads such a file as any other; `read_sealed` refuses it when a single bit differs.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from asd.contracts import Arrays
from asd.errors import BadInput
from asd.store import written_whole

SEAL = 64  # hex digits of a SHA-256
NO_COMMENT = bytes(2)  # how a zip ends that has no comment: the comment's length


def write_sealed(path: Path, arrays: Arrays) -> None:
    """Whole, or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    plain = buffer.getvalue()
    assert plain.endswith(NO_COMMENT)
    body = plain[: -len(NO_COMMENT)] + SEAL.to_bytes(len(NO_COMMENT), "little")
    with written_whole(path) as file:
        file.write(body + seal_of(body))


def read_sealed(path: Path) -> Arrays:
    """Raises BadInput for a file that is not sealed, or not as it was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    body, seal = content[:-SEAL], content[-SEAL:]
    if seal != seal_of(body):
        what = "damaged" if body[:2] == b"PK" else "not a file that tools/export.py wrote"
        raise BadInput(f"{path}: {what}, its last {SEAL} bytes are not the SHA-256 of the rest; copy it again")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return dict(file)


def seal_of(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
