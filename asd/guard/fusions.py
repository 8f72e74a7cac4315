"""Fusions: systems whose scores were each normalised over the test clips and then added; what that leaves, if anything.

    constant_mean(values, error) -> "the scores' mean is ..." or ""    end_marks([values of each machine]) -> likewise

Whatever the weights, a sum of z-scores has mean 0; a sum of ranks has the mean of ranks, and one of reciprocal ranks
theirs; a softmax has sum 1. A sum of min-max scaled scores leaves a mark only where the systems agree on the highest or
the lowest clip: it is exactly 1 or 0. Other scores meet one of these numbers, to that many digits, by chance only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

SYSTEMS = (1, 2, 3, 4)  # what weights are taken to add up to: 1, or as many as there are systems
RECIPROCAL = 60  # Cormack et al., SIGIR 2009: reciprocal rank fusion adds 1 / (60 + rank)
ERROR = 1e-7  # of a mean, relative to the largest value: single precision, averaged
LEAST_TOGETHER = 100  # clips of all machines, for means that each machine's file is too coarse to tell
SHARP = 1e-5  # of their standard deviation: how exactly a mean must be known for one machine's to tell anything
LEAST_MARKED = 2  # machines; one alone may be chance


def constant_mean(values: np.ndarray, error: float) -> str:
    """Where the mean of the values (N,) is, within `error`, that of a sum of normalised scores; which."""
    for expected, lowest, highest, name in _means(len(values)):
        is_inside = lowest - error <= values.min() and values.max() <= highest + error
        if abs(values.mean() - expected) <= error and is_inside:
            return f"the scores' mean over these clips is that of {name}"
    return ""


def error_of_mean(values: np.ndarray, half_unit: float) -> float:
    """By how much it may be off: arithmetic, and the rounding of what was printed to half_unit."""
    return half_unit + ERROR * float(np.abs(values).max())


def is_sharp(values: np.ndarray, half_unit: float) -> bool:
    """Whether the mean is known so exactly that it meets no given number by chance."""
    return error_of_mean(values, half_unit) <= SHARP * np.std(values)


def _means(n: int) -> Iterator[tuple[float, float, float, str]]:
    """Mean, least and largest possible value, and of what."""
    yield 0.0, -np.inf, np.inf, "z-scores, or a weighted sum of several systems' z-scores"
    units = {"": 1.0, "/N": 1 / n, "/(N-1)": 1 / (n - 1), "/(N+1)": 1 / (n + 1)}
    for form, unit in [*units.items(), *((f"{form} in percent", 100 * unit) for form, unit in units.items() if form)]:
        for systems in SYSTEMS:
            for first in (0.0, 0.5, 1.0):
                ends = systems * unit * first, systems * unit * (first + n - 1)
                name = f"ranks{form} from {first:g}, or a weighted sum of several systems' ranks"
                yield sum(ends) / 2, *ends, name
    for systems in SYSTEMS:
        for first in (0, 1):
            terms = systems / (RECIPROCAL + first + np.arange(n))
            yield terms.mean(), terms[-1], terms[0], "reciprocal ranks of several systems"
    yield 1.0, 0.0, n, "scores divided by their mean"
    yield 1.0 / n, 0.0, 1.0, "a softmax over the clips"


def end_marks(machines: Sequence[np.ndarray]) -> str:
    """Where several ends of the machines' values, (N,) each, are exactly 0, or exactly 1 (2, 3, 4 for plain sums).

    Nothing where a value is outside, or two clips share one: a score that saturates, or counts, does that. A weak sign:
    scores scaled and cut by the training clips' range may do so as well.
    """
    lowest, highest = np.array([(values.min(), values.max()) for values in machines]).T
    top = highest.max()
    if lowest.min() < 0 or not any(abs(top - systems) <= ERROR for systems in SYSTEMS):
        return ""
    if any(len(np.unique(values)) < len(values) for values in machines):
        return ""
    is_marked = np.array([lowest == 0, np.abs(highest - top) <= ERROR])  # (2, machines)
    if is_marked.any(0).sum() < LEAST_MARKED:
        return ""
    return (
        f"{is_marked.sum()} of {is_marked.size} lowest and highest scores are exactly 0 or {top:.0f}, as where "
        "several systems' min-max scaled scores are added and the systems agree on that clip"
    )
