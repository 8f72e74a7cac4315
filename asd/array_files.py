"""NumPy's files that people bring: read_numpy(path, expected) -> a .npy's array, or a .npz's arrays by name.

Those that the kit writes are sealed and read by `store`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from asd.errors import BadInput


def read_numpy(path: Path, expected: str) -> Any:
    """Raises BadInput, with what is expected in words, for anything else."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return dict(found.items())
    except Exception as error:  # whatever zip or NumPy make of another file
        raise BadInput(
            f"{path}: not readable as NumPy's .npy or .npz; {expected} expected (is it another file renamed?)"
        ) from error
