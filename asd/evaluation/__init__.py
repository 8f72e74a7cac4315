"""Evaluation: scores and decisions by file name in, the challenge's metric out. The only room that reads labels.

truth        which clip is what        metric       AUC, pAUC, Ω, precision, recall, F1 per machine
intervals    bootstrap over clips      comparison   tables of one or more systems
one_domain   AUC, detections and false alarms where the metric is not defined
published    figures of reports, and whether the clips at hand are theirs
"""

from asd.evaluation.comparison import QUICK, same_machines, tables
from asd.evaluation.intervals import Bootstrap, interval, omegas
from asd.evaluation.metric import (
    MAX_FPR,
    METRICS,
    Result,
    auc,
    check_truth,
    evaluate,
    has_all_kinds,
    omega,
    pauc,
    precision_recall_f1,
    rows,
    same_clips,
    terms_of,
)
from asd.evaluation.one_domain import divided, one_domain_table
from asd.evaluation.published import PUBLISHED, Published, published
from asd.evaluation.truth import Truth, Truths, contradictions, read_truth, truth_of_names, truth_of_renamed

__all__ = [
    "MAX_FPR",
    "METRICS",
    "PUBLISHED",
    "QUICK",
    "Bootstrap",
    "Published",
    "Result",
    "Truth",
    "Truths",
    "auc",
    "check_truth",
    "contradictions",
    "divided",
    "evaluate",
    "has_all_kinds",
    "interval",
    "omega",
    "omegas",
    "one_domain_table",
    "pauc",
    "precision_recall_f1",
    "published",
    "read_truth",
    "rows",
    "same_clips",
    "same_machines",
    "tables",
    "terms_of",
    "truth_of_names",
    "truth_of_renamed",
]
