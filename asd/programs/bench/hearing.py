"""Rows about front-ends and separation: milliseconds of one core a clip of two channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from asd import frontends
from asd.errors import BadInput
from asd.frontends.distillation.student import separate
from asd.programs.bench.learning import waves
from asd.programs.bench.turns import Row, Size, core_seconds, left_out
from asd.separation.blind import separated

FRONTENDS = ["NearAndFar", "NearAndDifference", "RefSub", "AdaSub", "CohGate", "CohSub", "Canceller"]
FRONTENDS += ["DecisionDirectedWiener", "LogSpectralAmplitude"]
PAPERS = replace(frontends.NarrowBandLSTM(), units=(256, 128), bidirectional=True)
BLIND = ["ILRMA", "FastMNMF", "ILRMA (pyroomacoustics)", "FastMNMF (pyroomacoustics)"]


def rows(size: Size) -> Iterator[Row]:
    """A front-end's ratio is to the near channel as it is, a separation's to the length of the sound."""
    clips = waves(6)
    near = milliseconds(frontends.Near().fit(clips), clips)
    for name in FRONTENDS:
        ours = milliseconds(getattr(frontends, name)().fit(clips[:3]), clips)
        yield Row(f"front-end {name}, a clip of 10 s", f"Near {near:.1f} ms", f"{ours:.1f} ms", f"{near / ours:.2f}")
    (wave,) = waves(1, size.seconds)
    students = {"student (64, 32), one way": frontends.NarrowBandLSTM(), "student (256, 128), both ways": PAPERS}
    for what, recipe in students.items():
        network = recipe.build(2).eval()
        yield separation(what, size, partial(separate, network, recipe, wave))
    for name in BLIND:
        yield separation(name, size, partial(separated, name, wave))


def milliseconds(fitted: Callable[[np.ndarray], np.ndarray], clips: list[np.ndarray]) -> float:
    """The least of a clip's."""
    fitted(clips[0])
    return 1000 * min(core_seconds(partial(fitted, clip)) for clip in clips)


def separation(what: str, size: Size, work: Callable[[], object]) -> Row:
    try:
        seconds = core_seconds(work)
    except BadInput as error:  # its library is an extra
        return left_out(f"{what}, {size.seconds:g} s of two channels", str(error))
    real = size.seconds / seconds
    return Row(f"{what}, {size.seconds:g} s of two channels", f"{size.seconds:g} s", f"{seconds:.2f} s", f"{real:.1f}")
