"""Networks of `transformers` from a local folder in the hub's layout; nothing is asked of the hub itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from asd.errors import BadInput, needed
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
        with quiet():
            return kind.from_pretrained(str(path), local_files_only=True, **how)
    except Exception as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise BadInput(f"{path}: not readable ({line}); {expected}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's progress bar and its table of what else a checkpoint holds, a classifier for instance."""
    logging = needed("transformers", "encoders").utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
