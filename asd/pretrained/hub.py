"""Networks of `transformers` from a local folder in the hub's layout; nothing is asked of the hub itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from asd.errors import BadInput
from asd.pretrained.checkpoints import Expected


def from_folder(kind: Any, path: Path, expected: Expected, optional: tuple[str, ...] = ()) -> torch.nn.Module:
    """The network of class `kind` with the folder's weights, float32. Raises BadInput where one of them is missing.

    The library itself would fill what is missing with random numbers and only warn. `optional` are words in names.
    """
    network, told = loaded(kind, path, expected, output_loading_info=True, dtype=torch.float32)
    missing = [name for name in told["missing_keys"] if not any(word in name for word in optional)]
    if missing:
        raise BadInput(f"{path}: {len(missing)} weights missing ({', '.join(sorted(missing)[:3])}); {expected}")
    return network


def loaded(kind: Any, path: Path, expected: Expected, **how: object) -> Any:
    """`kind.from_pretrained(path)`. Raises BadInput for whatever the library makes of a folder of something else."""
    if not path.is_dir():
        raise BadInput(f"{path}: a file; {expected}")
    try:
        return kind.from_pretrained(str(path), local_files_only=True, **how)
    except Exception as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise BadInput(f"{path}: not readable ({line}); {expected}") from error
