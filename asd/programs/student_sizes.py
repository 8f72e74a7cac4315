"""Sizes of the distilled student: `64,32` or `256,128-both` (directions) in, a row of figures each out.

seconds an epoch, real-time factor on one core, Ω on a development set; SI-SNRi where a benchmark's recordings are given
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput
from asd.frontends.distillation.distilled import FittedDistilled
from asd.programs.developing import develop
from asd.programs.request import Request
from asd.programs.separation_benchmark.comparison import open_bench
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.quality import measured
from asd.programs.session import Session
from asd.programs.writing import evaluate

SYSTEM, METHOD = "ssd", "ssd_adasub"  # of run.py, of the separation benchmark
BOTH = "-both"  # ends the name of a student of both directions
ROUNDS = 5  # of timing; the median counts
HEADER = ("student", "parameters", "s an epoch", "real-time factor", "SI-SNRi dB", "Ω")


def settings_of(size: str) -> tuple[str, str]:
    """Departures of the front-end.

    >>> settings_of("256,128-both")
    ('student.units=256,128', 'student.bidirectional=True')
    """
    units = size.removesuffix(BOTH)
    if not all(n.isdigit() for n in units.split(",")):
        raise BadInput(f"size '{size}': units of each layer expected, as 64,32 or 256,128{BOTH}")
    return f"student.units={units}", f"student.bidirectional={size != units}"


def table(
    sizes: Sequence[str],
    assignments: Sequence[str],
    options: Options | None,
    tell: Callable[[str], None],
    **request: Any,
) -> list[tuple[str, ...]]:
    """A row for each size; `assignments` as --set, `request` as Request has it. The store has one set of targets."""
    rows: list[tuple[str, ...]] = [HEADER]
    for size in sizes:
        sets = [f"frontend.{text}" for text in settings_of(size)]
        session = develop(Request.of("dev", [SYSTEM], [*assignments, *sets], **request), tell)
        students = [session.chains[SYSTEM, machine.name].frontend for machine in session.machines]
        own = [student for student in students if isinstance(student, FittedDistilled)]
        rows.append((size, *figures(own), improvement(size, options), omega(session)))
    return rows


def figures(students: Sequence[FittedDistilled]) -> tuple[str, str, str]:
    """Parameters, median seconds an epoch over machines and epochs, real-time factor of the first."""
    seconds = np.concatenate([student.history[:, -1] for student in students])
    return f"{students[0].n_parameters:,}", f"{np.median(seconds):.2f}", f"{real_time_factor(students[0]):.4f}"


def real_time_factor(student: FittedDistilled) -> float:
    """Seconds for a second of two-channel sound, one core, median after a first call that does not count."""
    wave, taken = np.random.default_rng(0).normal(0, 0.1, (2, 10 * RATE)).astype(np.float32), []
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        student.separate(wave)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken[1:])) / 10


def improvement(size: str, options: Options | None) -> str:
    """Mean and deviation over the benchmark's test mixtures; "" without its recordings."""
    if options is None:
        return ""
    own = replace(options, settings=(*options.settings, *settings_of(size)), methods=(METHOD,))
    found = measured(open_bench(own), METHOD)
    return f"{float(found['mean']):.1f} ± {float(found['std']):.1f}"


def omega(session: Session) -> str:
    """Over the machines; "" where no truth is known."""
    rows = evaluate(session, SYSTEM)
    return dict(zip(rows[0], rows[-1], strict=True))["omega"] if rows else ""
