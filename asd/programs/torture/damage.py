"""Damage: files of the store cut, changed by a bit, by other values, or replaced, after a whole pipeline."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from asd.errors import BadInput
from asd.programs.torture.pipeline import Pipeline, compared, done


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_values(path: Path) -> None:
    """Numbers 1 % larger, in a file that NumPy reads."""
    with np.load(path, allow_pickle=False) as found:
        arrays = dict(found)
    np.savez(path, **{name: a * 1.01 if a.dtype.kind == "f" else a for name, a in arrays.items()})


def emptied(path: Path) -> None:
    path.write_bytes(b"")


HARMS = (cut, one_bit, other_values, emptied)


def damaged(pipeline: Pipeline, seed: int, tell: Callable[[str], None]) -> list[str]:
    """Every kind of file of the store harmed in every way: found, told, made again to the same bytes. The faults."""
    draw, faults = random.Random(seed), []
    for command in pipeline.commands():
        done(command)
    expected = pipeline.left()
    kinds = sorted({path.parent.name for path in (pipeline.results / "store").glob("*/*.npz")})
    for kind in kinds:
        for harm in HARMS:
            path = draw.choice(sorted((pipeline.results / "store" / kind).glob("*.npz")))
            harm(path)
            faults += [f"{kind}, {harm.__name__}: {fault}" for fault in _made_again(pipeline, path, expected)]
        tell(f"{kind}: harmed in {len(HARMS)} ways, {len(faults)} faults")
    return faults


def _made_again(pipeline: Pipeline, path: Path, expected: dict[str, str]) -> list[str]:
    for kind in ("dev", "eval"):
        shutil.rmtree(pipeline.results / kind)
    said = ""
    try:
        for command in pipeline.commands():
            said += done(command)
    except BadInput as error:
        return [str(error)]
    untold = [] if str(path) in said else [f"{path}: not told"]
    return [*untold, *compared(pipeline.left(), expected)]
