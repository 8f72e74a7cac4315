"""JSON that the kit has written and people may have cut short or edited: read and checked before anything stands on it.

    read_json(path, by, shape, remedy)   the values of a file; `by` names what writes it
    parsed_json(raw, ...)                the same of bytes

Shapes are those of asd.shapes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asd.errors import BadInput, unlike_written
from asd.shapes import misfit
from asd.text_files import decoded, read_bytes


def read_json(path: Path, by: str, shape: Any, remedy: str) -> Any:
    """Raises BadInput for a file that cannot be read, or is not what `by` writes."""
    return parsed_json(read_bytes(path), str(path), by, shape, remedy)


def parsed_json(raw: bytes, where: str, by: str, shape: Any, remedy: str) -> Any:
    try:
        value = json.loads(decoded(raw, where))
        wrong = misfit(value, shape)
    except BadInput:
        raise
    except (ValueError, RecursionError) as error:
        wrong = f"no JSON, {error}"
    if wrong:
        raise unlike_written(where, by, wrong, remedy)
    return value
