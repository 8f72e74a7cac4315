"""Evaluation: scores and decisions by file name in, the challenge's metric out. The only room that reads labels.

Metric (DCASE 2026 Task 2), one machine: AUC_source is source normals against ALL anomalies of both domains, AUC_target
likewise with target normals, pAUC is over all clips up to a false-positive rate of 0.1, standardised after McClish
(chance 0.5, floor 0.4737). Omega is the harmonic mean of the three, over one machine or over all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from asd.store import content
from asd.vocabulary import DOMAINS, BadInput, ClipName

MAX_FPR = 0.1  # of the pAUC


@dataclass(frozen=True)
class Truth:
    """What only evaluation may know of a test clip."""

    domain: str  # source | target
    is_anomaly: bool


@dataclass(frozen=True)
class Result:
    """One machine's metric, all in [0, 1], higher is better; the decision figures are (source, target)."""

    machine: str
    auc_source: float
    auc_target: float
    pauc: float
    precision: tuple[float, float]
    recall: tuple[float, float]
    f1: tuple[float, float]

    @property
    def terms(self) -> tuple[float, float, float]:
        return self.auc_source, self.auc_target, self.pauc


def truth_of_names(names: Iterable[str]) -> dict[str, Truth]:
    """Truth from development file names. Raises BadInput for an anonymous name."""
    parsed = {name: ClipName.parse(name) for name in names}
    return {name: Truth(p.domain, p.condition == "anomaly") for name, p in parsed.items()}


def truth_of_renamed(test: Sequence[Path], renamed_folder: Path) -> dict[str, Truth]:
    """Truth of anonymous clips from `test_rename/`: the same recordings under telling names, matched by content."""
    names = {content(path): path.name for path in sorted(renamed_folder.glob("[!.]*.wav"))}
    lost = [path.name for path in test if content(path) not in names]
    if lost:
        raise BadInput(
            f"{renamed_folder}: no clip with the content of {lost[0]} ({len(lost)} such); is it of another data set?"
        )
    truth = truth_of_names(names.values())
    return {path.name: truth[names[content(path)]] for path in test}


def same_clips(found: Iterable[str], expected: Iterable[str], where: str) -> None:
    """Raises BadInput, naming clips, unless both hold the same names, each once."""
    found, expected = list(found), set(expected)
    doubled = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    problems = {"doubled": doubled, "missing": sorted(expected - set(found)), "extra": sorted(set(found) - expected)}
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
    return float(roc_auc_score(is_anomaly, scores))


def pauc(scores: np.ndarray, is_anomaly: np.ndarray) -> float:
    """Standardised partial AUC up to a false-positive rate of 0.1; never below 0.4737."""
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
    machine: str, scores: Mapping[str, float], decisions: Mapping[str, int], truth: Mapping[str, Truth]
) -> Result:
    """One machine's result. All three mappings must hold the same clip names."""
    same_clips(scores, truth, f"{machine}: anomaly scores")
    same_clips(decisions, truth, f"{machine}: decision results")
    names = sorted(truth)
    score = np.array([scores[n] for n in names])
    decision = np.array([decisions[n] for n in names])
    anomaly = np.array([truth[n].is_anomaly for n in names])
    domain = np.array([truth[n].domain for n in names])
    check_truth(machine, truth)
    figures = [precision_recall_f1(decision[domain == d], anomaly[domain == d]) for d in DOMAINS]
    source, target = (auc(score[anomaly | (domain == d)], anomaly[anomaly | (domain == d)]) for d in DOMAINS)
    precision, recall, f1 = ((s, t) for s, t in zip(*figures, strict=True))
    return Result(machine, source, target, pauc(score, anomaly), precision, recall, f1)


def terms_of(machine: str, scores: Mapping[str, float]) -> tuple[float, float, float]:
    """AUC_source, AUC_target, pAUC of scores under telling names, where there are no decisions."""
    return evaluate(machine, scores, dict.fromkeys(scores, 0), truth_of_names(scores)).terms


def check_truth(machine: str, truth: Mapping[str, Truth]) -> None:
    """Raises BadInput unless there are normals of both domains and anomalies."""
    counts = {d: sum(t.domain == d and not t.is_anomaly for t in truth.values()) for d in DOMAINS}
    n_anomalies = sum(t.is_anomaly for t in truth.values())
    if min(*counts.values(), n_anomalies) == 0:
        raise BadInput(
            f"{machine}: {counts['source']} source normals, {counts['target']} target normals, {n_anomalies} "
            "anomalies among the test clips; the metric needs at least one of each"
        )


METRICS = ("auc_source", "auc_target", "pauc")
DECISIONS = ("precision", "recall", "f1")
COLUMNS = (*METRICS, "omega", *(f"{name}_{domain}" for name in DECISIONS for domain in DOMAINS))


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """The Ω table as text cells: a header, a row a machine, and the harmonic mean over all of them."""
    table: list[tuple[str, ...]] = [("machine", *COLUMNS)]
    for r in results:
        values = (*r.terms, omega(r.terms), *r.precision, *r.recall, *r.f1)
        table.append((r.machine, *(f"{v:.4f}" for v in values)))
    means = [omega(getattr(r, name) for r in results) for name in METRICS]
    means.append(omega(term for r in results for term in r.terms))
    pairs = ([getattr(r, name)[d] for r in results] for name in DECISIONS for d in (0, 1))
    table.append(("harmonic mean", *(f"{v:.4f}" for v in [*means, *map(omega, pairs)])))
    return table


def read_long_scores(path: Path) -> dict[str, dict[str, float]]:
    """Per-clip scores of one long CSV (columns machine_type, file_id, anomaly_score): machine -> name -> score."""
    by_machine: dict[str, dict[str, float]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_machine.setdefault(row["machine_type"], {})[Path(row["file_id"]).name] = float(row["anomaly_score"])
    return by_machine
