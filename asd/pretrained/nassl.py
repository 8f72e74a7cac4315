"""Noise-aware encoders that hear both microphones, by their own package `nassl`: waves near and far in, embeddings out.

The package (AGPL) and its checkpoints are the user's: nothing of them is in this kit, and it is imported when used. Its
`restore_model(ckpt_path=..., device=...)` gives a module that is called with near and far (B, T) at 16 kHz.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from asd.errors import BadInput
from asd.pretrained.checkpoints import Expected, refusing
from asd.pretrained.keeping import kept

NASSL = Expected("a checkpoint of the package nassl", "any size", "its authors' repository")
ABSENT = (
    "install the encoders' own package from their repository; PyPI's `nassl` is another project's, a wrapper of OpenSSL"
)

Run = Callable[[np.ndarray, np.ndarray], np.ndarray]


@kept
def two_inputs(path: Path, device: str) -> Run:
    """Raises BadInput without the package, for another of its name, and for what it does not read."""
    _ = sources()
    restore = getattr(importlib.import_module("nassl"), "restore_model", None)
    if restore is None:
        raise BadInput(f"the installed package nassl has no `restore_model`: {ABSENT}")
    with refusing(f"{path}: nassl cannot restore it"):
        network = restore(ckpt_path=str(path), device=device).eval()

    @torch.inference_mode()
    def run(near: np.ndarray, far: np.ndarray) -> np.ndarray:
        with refusing(f"{path}: fails on waves {near.shape}"):
            return network(*(torch.from_numpy(wave).to(device) for wave in (near, far))).cpu().numpy()

    return run


def sources() -> tuple[Path, ...]:
    """The package's own code, found without importing it: what embeddings depend on besides the checkpoint."""
    spec = find_spec("nassl")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(f"nassl is not installed: {ABSENT}")
    return tuple(sorted(Path(spec.submodule_search_locations[0]).rglob("*.py")))
