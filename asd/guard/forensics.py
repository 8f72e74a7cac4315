"""Forensics: a machine's finished scores and decisions in, signs that statistics over its test clips made them out.

    signs({clip: score}, {clip: 0 or 1}) -> sentences      signs_of_all({machine: (scores, decisions)}) -> sentences

A sign is what such a statistic leaves behind and ordinary scores do not: evenly spaced values (ranks), mean 0 and
standard deviation 1 (z-scores), exactly 0 and 1 at the ends (min-max), the means and ends of their sums (`fusions`),
decisions cut at a percentile. Values may have been rounded when printed: each test allows for half a unit of the last
decimal, and says nothing where that is coarse. No sign is no proof: a monotone function of such a sum leaves none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from asd.errors import BadInput
from asd.guard import fusions

LEAST = 8  # clips and distinct values below which every one of these patterns is met by chance
PERCENTILES = (50, 60, 70, 75, 80, 85, 90, 95, 97, 98, 99)
EXACT = 1e-6  # relative; float32 arithmetic errs by less over a few hundred clips
DECIMALS = 4  # that a score file must print before its mean and ends tell anything


def signs(scores: Mapping[str, float], decisions: Mapping[str, int] | None) -> list[str]:
    """Signs in the files of one machine, none below 8 clips or 8 distinct scores.

    Raises BadInput for a score that is no finite number, or decisions on other clips.
    """
    weak = [
        f"weak sign: the decisions are those of a threshold at the {p}th percentile of these very scores "
        "(a threshold from the training clips may cut as many clips by chance; see whether every machine shows it)"
        for p in sorted(percentiles(scores, decisions))
    ]
    values = _values(scores)  # (N,)
    ends = min_max(values, _half_unit(values)) if len(np.unique(values)) >= LEAST else ""
    told = [f"weak sign: {ends} (so may be those of scores cut at the training clips' range)"] if ends else []
    return [*_strong(scores), *told, *weak]


def signs_of_all(machines: Mapping[str, tuple[Mapping[str, float], Mapping[str, int] | None]]) -> list[str]:
    """Signs in the files of one system, by machine; a percentile, min-max, and what one machine's file is too coarse
    or too short to tell, count only where all machines, two at least, share it.
    """
    found = [f"{name}: {sign}" for name, (scores, _) in machines.items() for sign in _strong(scores)]
    values = [_values(scores) for scores, _ in machines.values()]
    if not _are_several(values):
        return found
    cuts = [percentiles(scores, decisions) for scores, decisions in machines.values()]
    shared = [
        f"the decisions are those of a threshold at the {p}th percentile of the test scores"
        for p in sorted(set.intersection(*cuts))
    ]
    ends = [min_max(v, _half_unit(v)) for v in values]
    shared += [ends[0]] if all(ends) else [] if found else _shared(values)
    return found + [f"all {len(values)} machines: {sign}" for sign in shared]


def weak_signs_of_all(machines: Mapping[str, tuple[Mapping[str, float], Mapping[str, int] | None]]) -> list[str]:
    """What honest scores may leave as well: the ends of min-max scaled scores of several systems."""
    values = [_values(scores) for scores, _ in machines.values()]
    if not _are_several(values) or any(_coarse(_half_unit(v)) for v in values):
        return []
    sign = fusions.end_marks(values)
    return [f"weak sign, all {len(values)} machines: {sign}"] if sign else []


def _are_several(machines: Sequence[np.ndarray]) -> bool:
    return len(machines) > 1 and all(len(np.unique(values)) >= LEAST for values in machines)


def _shared(machines: Sequence[np.ndarray]) -> list[str]:
    """What all machines' values, (N,) each, tell that those of each alone do not."""
    together = np.concatenate(machines)
    means = {fusions.constant_mean(values, _error(values)) for values in machines}
    is_telling = len(means) == 1 and len(together) >= fusions.LEAST_TOGETHER
    return [sign for sign in (means.pop() if is_telling else "", *_tests(together)) if sign]


def _error(values: np.ndarray) -> float:
    """Of the mean; values with few decimals are taken for exact: counts, and sums of ranks."""
    half_unit = _half_unit(values)
    return fusions.error_of_mean(values, 0.0 if _coarse(half_unit) else half_unit)


def percentiles(scores: Mapping[str, float], decisions: Mapping[str, int] | None) -> set[int]:
    """The usual percentiles p for which the decisions equal `score > p-th percentile of the scores`.

    None where fewer than two clips stand on either side: a single one is the highest score, by whatever threshold.
    """
    if decisions is None:
        return set()
    if scores.keys() != decisions.keys():
        raise BadInput(f"forensics: {len(scores)} scores and {len(decisions)} decisions are not of the same clips")
    values = _values(scores)  # (N,)
    decided = np.array([decisions[name] for name in scores]) == 1  # (N,)
    if len(np.unique(values)) < LEAST or not 2 <= decided.sum() <= len(decided) - 2:
        return set()
    return {p for p in PERCENTILES if np.array_equal(decided, values > np.percentile(values, p))}


def _strong(scores: Mapping[str, float]) -> list[str]:
    values = _values(scores)  # (N,)
    return _tests(values) if len(np.unique(values)) >= LEAST else []


def _tests(values: np.ndarray) -> list[str]:
    half_unit = _half_unit(values)
    found = [sign for test in (ranks, z_scores) if (sign := test(values, half_unit))]
    is_telling = not found and fusions.is_sharp(values, half_unit)
    sign = fusions.constant_mean(values, fusions.error_of_mean(values, half_unit)) if is_telling else ""
    return [sign] if sign else found


def _values(scores: Mapping[str, float]) -> np.ndarray:
    """(N,) float64."""
    values = np.array(list(scores.values()), dtype=np.float64)
    if not np.isfinite(values).all():
        raise BadInput("forensics: scores that are not finite numbers (was the file read by `read_rows`?)")
    return values


def decimals(value: float) -> int:
    """How many decimals a value was printed with, at least: 0.25 -> 2, 3.0 -> 0."""
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _half_unit(values: np.ndarray) -> float:
    """Half a unit of the last decimal: by how much the printing may have moved a value."""
    return 0.5 * 10.0 ** -max(decimals(value) for value in values.tolist())


def ranks(values: np.ndarray, half_unit: float) -> str:
    """Evenly spaced as ranks (ties averaged) are, whatever they were divided by or shifted to; reversed ones too."""
    distinct, counts = np.unique(values, return_counts=True)
    expected = np.cumsum(counts) - (counts - 1) / 2  # average rank of each distinct value
    step = (distinct[-1] - distinct[0]) / (expected[-1] - expected[0])
    whole = bool((2 * distinct == np.round(2 * distinct)).all())  # ranks themselves print with no decimals or .5
    rounding = 0.0 if whole else 2 * half_unit  # the ends may both be off
    if rounding > step / 5:
        return ""
    line = distinct[0] + step * (expected - expected[0])
    if np.abs(distinct - line).max() > rounding + EXACT * (distinct[-1] - distinct[0]):
        return ""
    return f"the scores are ranks: evenly spaced by {step:.6g} from {distinct[0]:.6g} to {distinct[-1]:.6g}"


def z_scores(values: np.ndarray, half_unit: float) -> str:
    """Mean 0 and standard deviation 1 over the clips, of the population or of the sample."""
    allowed = EXACT + half_unit * 1.1  # the sample's deviation errs by sqrt(N / (N - 1)) half units, N >= 8
    deviations = {"population": np.std(values), "sample": np.std(values, ddof=1)}
    kinds = [kind for kind, deviation in deviations.items() if abs(deviation - 1) <= allowed]
    if _coarse(half_unit) or abs(np.mean(values)) > allowed or not kinds:
        return ""
    return f"the scores are z-scores over these clips: mean 0 and ({kinds[0]}) standard deviation 1"


def min_max(values: np.ndarray, half_unit: float) -> str:
    """One clip at exactly 0 and one at exactly 1; a bounded score that saturates does so for more."""
    lowest, highest = np.sort(values)[[0, -1]]
    if _coarse(half_unit) or (lowest, highest) != (0.0, 1.0) or [(values == end).sum() for end in (0, 1)] != [1, 1]:
        return ""
    return "the scores are min-max scaled over these clips: one is exactly 0, one exactly 1"


def _coarse(half_unit: float) -> bool:
    return half_unit > 0.5 * 10.0**-DECIMALS
