"""The report's own tables: a run in, rows of text cells out, the first of them the header."""

from __future__ import annotations

from collections.abc import Sequence

from asd.clips import DOMAINS
from asd.programs.report.runs import Run

RUN = ("machine", "training clips", "test clips", "members", "parameters", "MACs per clip", "training s", "proven")
COUNTS = ("machine", "domain", "hits", "misses", "false alarms", "correct normals")
OUTCOMES = ((True, True), (True, False), (False, True), (False, False))  # is anomaly, is decided anomalous

Rows = list[Sequence[str]]


def run_rows(run: Run) -> Rows:
    """Sizes, times and proof, one row per machine."""
    rows: Rows = [RUN]
    for machine, r in run.record.items():
        proven = "-" if run.kind == "dev" else "yes" if r.get("verified") else "no"
        counts = (r["data"]["n_train"], r["data"]["n_test"], len(r["members"]))
        sizes = (f"{r['parameters']:,}", f"{r['macs_per_clip']:,}", f"{r['training_seconds']:.0f}")
        rows.append((machine, *map(str, counts), *sizes, proven))
    return rows


def decision_rows(run: Run) -> Rows:
    """Counts at the threshold, one row per machine and domain; without a truth, how many are decided anomalous."""
    if not run.truths:
        rows = [(m, str(sum(d.values())), str(len(d))) for m, d in run.scores.decisions.items()]
        return [("machine", "decided anomalous", "of"), *rows]
    return [COUNTS, *((m, domain, *counts(run, m, domain)) for m in run.scores.decisions for domain in DOMAINS)]


def counts(run: Run, machine: str, domain: str) -> list[str]:
    """Of each of OUTCOMES."""
    truth = {clip: t for clip, t in run.truths[machine].items() if t.domain == domain}
    cells = [(t.is_anomaly, run.scores.decisions[machine][clip] == 1) for clip, t in truth.items()]
    return [str(cells.count(outcome)) for outcome in OUTCOMES]
