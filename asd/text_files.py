"""Text files that people bring: the one door through which they are read.

    read_text(path)        the text of a UTF-8 file, with or without a byte order mark
    numbered_rows(path)    line numbers and cells of a CSV; empty lines are left out
    decoded(raw, where)    the same of bytes, `where` names them
    given(text)       a path as a person types it, `~` for the home folder
Whatever cannot be read is told in one sentence that names the file and what to do.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from asd.errors import BadInput

WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # first bytes of what some programs call Unicode text


def read_text(path: Path) -> str:
    """Raises BadInput for a file that cannot be opened or is not of UTF-8 text; line ends stay as they are."""
    return decoded(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a ValueError: a path with a zero byte
        raise BadInput(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = WIDE.get(raw[:2]) or f"byte {error.start} is 0x{raw[error.start]:02x}"
        raise BadInput(
            f"{where}: not UTF-8 text ({found}); save it as UTF-8 (was it written in a code page of Windows, "
            "or by a spreadsheet?)"
        ) from error


def numbered_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Raises BadInput as `read_text` does, and for what is no CSV."""
    try:
        rows = csv.reader(io.StringIO(read_text(path), newline=""))
        return [(line, row) for line, row in enumerate(rows, start=1) if row]
    except csv.Error as error:
        raise BadInput(f"{path}: not a CSV ({error}); is a quote left open in it?") from error


def given(text: str) -> Path:
    """For argparse's `type`: a shell leaves `--data=~/x` as it is.

    >>> given("data/dcase2026t2").parts
    ('data', 'dcase2026t2')
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such user, or no home folder
        return Path(text)
