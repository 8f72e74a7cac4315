"""The report's own tables: runs in, rows of cells out, the first of them the header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asd.programs.report.runs import Run

RUN = ("system", "machine", "training clips", "test clips", "members", "parameters", "MACs per clip", "training s")
COUNTS = ("system", "machine", "domain", "hits", "misses", "false alarms", "correct normals")
OUTCOMES = ((True, True), (True, False), (False, True), (False, False))  # is anomaly, is decided anomalous

Rows = list[Sequence[Any]]  # cells are text or clips.Link


def run_rows(runs: Sequence[Run]) -> Rows:
    """Sizes, times and proof, one row per system and machine."""
    return [(*RUN, "proven"), *(run_row(run, machine) for run in runs for machine in run.machines)]


def run_row(run: Run, machine: str) -> Sequence[str]:
    r = run.record[machine]
    proven = "-" if run.kind == "dev" else "yes" if r.get("verified") else "no"
    counts = (r["data"]["n_train"], r["data"]["n_test"], len(r["members"]))
    sizes = (f"{r['parameters']:,}", f"{r['macs_per_clip']:,}", f"{r['training_seconds']:.0f}")
    return (run.scores.name, machine, *map(str, counts), *sizes, proven)


def decision_rows(runs: Sequence[Run]) -> Rows:
    """Clips at the threshold, one row per system, machine and domain; without a truth, how many are anomalous."""
    if not runs[0].truths:
        decided = [(run.scores.name, m, d) for run in runs for m, d in run.scores.decisions.items()]
        rows = [(name, m, str(sum(d.values())), str(len(d))) for name, m, d in decided]
        return [("system", "machine", "decided anomalous", "of"), *rows]
    return [COUNTS, *((r.scores.name, m, d, *counts(r, m, d)) for r in runs for m in r.machines for d in r.domains(m))]


def counts(run: Run, machine: str, domain: str) -> list[str]:
    """Of each of OUTCOMES."""
    truth = {clip: t for clip, t in run.truths[machine].items() if t.domain == domain}
    cells = [(t.is_anomaly, run.scores.decisions[machine][clip] == 1) for clip, t in truth.items()]
    return [str(cells.count(outcome)) for outcome in OUTCOMES]
