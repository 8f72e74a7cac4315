"""Checkpoints a user brings: a file in, named tensors out. Nothing is downloaded, nothing unpickled but tensors."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asd.errors import BadInput, present

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Expected:
    """What a checkpoint is, for the error that its absence or another file in its place gives."""

    name: str
    size: str
    source: str

    def __str__(self) -> str:
        return f"expected {self.name} ({self.size}) from {self.source}; it is not downloaded for you"


AUDIOSEP = Expected(
    "audiosep_base_4M_steps.ckpt",
    "1,264,844,076 bytes",
    "the AudioSep project (github.com/Audio-AGI/AudioSep; huggingface.co/spaces/Audio-AGI/AudioSep)",
)
CLAP = Expected(
    "music_speech_audioset_epoch_15_esc_89.98.pt",
    "about 2.35 GB",
    "LAION (huggingface.co/lukewys/laion_clap), or a local copy of the hub's laion/larger_clap_general, or AudioSep's",
)
BEATS = Expected(
    "a BEATs encoder in Microsoft's layout, for example BEATs_iter3_plus_AS2M.pt",
    "about 361 MB",
    "Microsoft (github.com/microsoft/unilm, folder beats)",
)
AST = Expected(
    "a folder with the config.json, preprocessor_config.json and weights of an Audio Spectrogram Transformer",
    "about 346 MB",
    "a local copy of the hub's MIT/ast-finetuned-audioset-10-10-0.4593",
)


def found(path: str, expected: Expected) -> Path:
    """The path of a checkpoint that is there. Raises BadInput."""
    return present(path, expected, f"checkpoint '{path}'")


def files_at(path: Path) -> tuple[Path, ...]:
    """The file itself, or those of a folder in the hub's layout."""
    return tuple(sorted(p for p in path.iterdir() if p.is_file())) if path.is_dir() else (path,)


NUMPY_SCALARS: list = [  # what it takes to read float64 numbers, as a scheduler leaves them in an optimiser's state
    (np.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),  # as NumPy 1 names it
    (np.float64(0).__reduce__()[0], "numpy._core.multiarray.scalar"),
    np.dtype,
    np.dtypes.Float64DType,
]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal


class NoTensor:
    """Stands for what a checkpoint holds besides tensors: made of anything, and nothing comes of it."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def read(path: Path, expected: Expected, no_tensors: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a PyTorch file holds, or the first of several things in it; {} where that is no dict.

    Types named in `no_tensors` may be in the file too; they are passed over, not made. Without such, NumPy's float64
    numbers may. Raises BadInput.
    """
    stand_ins: list = [(NoTensor, name) for name in no_tensors]
    try:
        with torch.serialization.safe_globals(stand_ins or NUMPY_SCALARS):
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # whatever zip, pickle or mmap make of another file
        size = path.stat().st_size
        raise BadInput(f"{path}: {size:,} bytes, not readable as tensors ({cause(error)}); {expected}") from error
    held = held[0] if isinstance(held, tuple) and held else held
    return held if isinstance(held, dict) else {}


def read_tensors(path: Path, expected: Expected, no_tensors: tuple[str, ...] = ()) -> Tensors:
    """Names and tensors of a PyTorch file: a flat state dict, or one under `state_dict` (Lightning, LAION)."""
    held = read(path, expected, no_tensors)
    return only_tensors(held.get("state_dict", held), path, expected)


def only_tensors(held: dict[str, Any], path: Path, expected: Expected) -> Tensors:
    """What of `held` is a tensor. Raises BadInput where nothing is."""
    tensors = {name: tensor for name, tensor in held.items() if isinstance(tensor, torch.Tensor)}
    if not tensors:
        raise BadInput(f"{path}: no tensors in it; {expected}")
    return tensors


def below(tensors: Tensors, prefixes: Iterable[str], is_ours: Callable[[str], bool]) -> Tensors:
    """The tensors under the first of `prefixes` that leads to names of ours, without it; {} where none does."""
    for prefix in prefixes:
        inner = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        ours = {name: tensor for name, tensor in inner.items() if is_ours(name)}
        if ours:
            return ours
    return {}


def load_exactly(
    module: torch.nn.Module, tensors: Tensors, path: Path, expected: Expected, optional: tuple[str, ...] = ()
) -> None:
    """Every tensor has its place and every place its tensor, but for names that hold one of `optional`."""
    own = module.state_dict()

    def counts(name: str) -> bool:
        return not any(word in name for word in optional)

    missing = [name for name in own if name not in tensors and counts(name)]
    unexpected = [name for name in tensors if name not in own and counts(name)]
    shapes = [n for n, t in tensors.items() if n in own and own[n].shape != t.shape]
    if missing or unexpected or shapes:
        told = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        what = "; ".join(f"{len(names)} {kind} ({', '.join(names[:3])})" for kind, names in told if names)
        raise BadInput(f"{path}: not this network's weights: {what}; {expected}")
    module.load_state_dict({name: tensor.float() for name, tensor in tensors.items() if name in own}, strict=False)


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Whatever a file or package of the user's raises, as BadInput: `what`, and the last line of the reason."""
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise BadInput(f"{what} ({reason[:160]})") from error


def cause(error: BaseException) -> str:
    """One line of why a file was refused, whole: without colour codes, and without torch's advice to trust the file."""
    text = COLOUR.sub("", str(error)).rpartition("WeightsUnpickler error:")[2]
    line = (text.strip().splitlines() or [type(error).__name__])[0].strip()
    return line.partition(" Please use")[0].rstrip(" .")
