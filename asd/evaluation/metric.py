"""The metric: one machine's scores, decisions and truth by clip name in, the challenge's figures out.

One machine: AUC_source is source normals against ALL anomalies of both domains, AUC_target likewise with target
normals, pAUC is over all clips up to a false-positive rate of 0.1, standardised after McClish (chance 0.5, floor
0.4737). Omega is the harmonic mean of the three, over one machine or over all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asd.clips import DOMAINS
from asd.errors import BadInput
from asd.evaluation.truth import Truth

MAX_FPR = 0.1  # of the pAUC


@dataclass(frozen=True)
class Result:
    """One machine's metric, all in [0, 1], higher is better; the decision figures are (source, target), if known."""

    machine: str
    auc_source: float
    auc_target: float
    pauc: float
    precision: tuple[float, float] | None
    recall: tuple[float, float] | None
    f1: tuple[float, float] | None
    false_alarms: tuple[float, float] | None  # share of the normal clips that are decided to be anomalous

    @property
    def terms(self) -> tuple[float, float, float]:
        return self.auc_source, self.auc_target, self.pauc


def same_clips(found: Iterable[str], expected: Iterable[str], where: str) -> None:
    """Raises BadInput, naming clips, unless both hold the same names, each once."""
    found, expected = list(found), set(expected)
    duplicate = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    problems = {
        "duplicate": duplicate,
        "missing": sorted(expected - set(found)),
        "extra": sorted(set(found) - expected),
    }
    told = [
        f"{len(names)} {what}: {', '.join(names[:3])}{' ...' * (len(names) > 3)}"
        for what, names in problems.items()
        if names
    ]
    if told:
        raise BadInput(f"{where}: {'; '.join(told)} (scores and truth are joined by clip name, never by order)")


def auc(scores: np.ndarray, is_anomaly: np.ndarray) -> float:
    """Probability that an anomaly outscores a normal clip; ties count half. Shapes (N,), (N,).

    >>> auc(np.array([.1, .4, .35, .8]), np.array([0, 0, 1, 1]))
    0.75
    """
    from sklearn.metrics import roc_auc_score  # slow to import, and workers do without

    return float(roc_auc_score(is_anomaly, scores))


def pauc(scores: np.ndarray, is_anomaly: np.ndarray) -> float:
    """Standardised partial AUC up to a false-positive rate of 0.1; never below 0.4737."""
    from sklearn.metrics import roc_auc_score  # slow to import

    return float(roc_auc_score(is_anomaly, scores, max_fpr=MAX_FPR))


def omega(terms: Iterable[float]) -> float:
    """Harmonic mean of AUC_source, AUC_target, pAUC of one or more machines, each clamped to float epsilon.

    >>> round(omega([0.5, 1.0]), 4)
    0.6667
    """
    clamped = np.maximum(np.array(list(terms), float), np.finfo(float).eps)
    return float(len(clamped) / np.sum(1.0 / clamped))


def precision_recall_f1(decisions: np.ndarray, is_anomaly: np.ndarray) -> tuple[float, float, float]:
    """Of 0/1 decisions (N,); 0 where nothing was decided or nothing was there to find."""
    hits = float(np.sum(decisions * is_anomaly))
    eps = np.finfo(float).eps
    precision, recall = hits / max(np.sum(decisions), eps), hits / max(np.sum(is_anomaly), eps)
    return float(precision), float(recall), float(2 * precision * recall / max(precision + recall, eps))


def evaluate(
    machine: str, scores: Mapping[str, float], decisions: Mapping[str, int] | None, truth: Mapping[str, Truth]
) -> Result:
    """One machine's result, without decision figures where there are no decisions. All hold the same clip names."""
    terms = terms_of(machine, scores, truth)
    if decisions is None:
        return Result(machine, *terms, None, None, None, None)
    same_clips(decisions, truth, f"{machine}: decision results")
    decision, anomaly, domain = columns(decisions, truth)
    figures = [precision_recall_f1(decision[domain == d], anomaly[domain == d]) for d in DOMAINS]
    precision, recall, f1 = ((s, t) for s, t in zip(*figures, strict=True))
    source, target = (float(np.mean(decision[(domain == d) & ~anomaly])) for d in DOMAINS)
    return Result(machine, *terms, precision, recall, f1, (source, target))


def terms_of(machine: str, scores: Mapping[str, float], truth: Mapping[str, Truth]) -> tuple[float, float, float]:
    """AUC_source, AUC_target, pAUC."""
    same_clips(scores, truth, f"{machine}: anomaly scores")
    check_truth(machine, truth)
    score, anomaly, domain = columns(scores, truth)
    source, target = (auc(score[anomaly | (domain == d)], anomaly[anomaly | (domain == d)]) for d in DOMAINS)
    return source, target, pauc(score, anomaly)


def columns(values: Mapping[str, float], truth: Mapping[str, Truth]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, is_anomaly, domain, each (N,), joined by clip name."""
    names = sorted(truth)
    anomaly = np.array([truth[n].is_anomaly for n in names], dtype=bool)
    return np.array([values[n] for n in names]), anomaly, np.array([truth[n].domain for n in names])


def has_all_kinds(truth: Mapping[str, Truth]) -> bool:
    """Whether there are normals of both domains and anomalies, so that the metric is defined."""
    return min(kinds(truth).values()) > 0


def kinds(truth: Mapping[str, Truth]) -> dict[str, int]:
    """How many clips there are of each kind that the metric needs."""
    normals = {f"{d} normals": sum(t.domain == d and not t.is_anomaly for t in truth.values()) for d in DOMAINS}
    return {**normals, "anomalies": sum(t.is_anomaly for t in truth.values())}


def check_truth(machine: str, truth: Mapping[str, Truth]) -> None:
    """Raises BadInput unless there are normals of both domains and anomalies."""
    if not has_all_kinds(truth):
        counts = ", ".join(f"{n} {kind}" for kind, n in kinds(truth).items())
        raise BadInput(f"{machine}: {counts} among the test clips; the metric needs at least one of each")


METRICS = ("auc_source", "auc_target", "pauc")
DECISIONS = ("precision", "recall", "f1", "false_alarms")
COLUMNS = (*METRICS, "omega", *(f"{name}_{domain}" for name in DECISIONS for domain in DOMAINS))


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """The Ω table as text cells: a header, one row per machine, and the harmonic mean over all of them."""
    lines = [figures_of(r) for r in results]
    means = [
        None if None in column else omega(v for v in column if v is not None) for column in zip(*lines, strict=True)
    ]
    means[3] = omega(term for r in results for term in r.terms)
    means[-2:] = None, None  # of false alarms a harmonic mean tells nothing
    labelled = [*((r.machine, line) for r, line in zip(results, lines, strict=True)), ("harmonic mean", means)]
    return [("machine", *COLUMNS), *((name, *map(cell, line)) for name, line in labelled)]


def figures_of(r: Result) -> list[float | None]:
    """A machine's figures in the order of COLUMNS."""
    decided = [d for pair in (r.precision, r.recall, r.f1, r.false_alarms) for d in (pair or (None, None))]
    return [*r.terms, omega(r.terms), *decided]


def cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
