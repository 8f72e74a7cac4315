"""Machines whose test clips are of one domain or condition: what can be told without the challenge's metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from asd.contracts import SystemScores
from asd.evaluation.metric import auc, columns, has_all_kinds, same_clips
from asd.evaluation.truth import Truths
from asd.tables import Rows

# A phone shows the first of these.
HEADER = ("system", "machine", "detected", "false alarms", "AUC", "normal clips", "anomalies")


def divided(truths: Truths) -> tuple[Truths, Truths]:
    """The machines with test clips of all kinds, which the challenge's metric needs, and the others."""
    whole = {machine: truth for machine, truth in truths.items() if has_all_kinds(truth)}
    return whole, {machine: truth for machine, truth in truths.items() if machine not in whole}


def one_domain_table(systems: Sequence[SystemScores], truths: Truths) -> Rows:
    """A row for each system and machine. Raises BadInput for clips that are missing, extra or duplicate."""
    rows: list[tuple[str, ...]] = [HEADER]
    for system in systems:
        for machine, truth in truths.items():
            scored = system.scores.get(machine, {})
            same_clips(scored, truth, f"{system.name}: {machine}: anomaly scores")
            scores, is_anomaly, _ = columns(scored, truth)
            n_normal, n_anomalies = int((~is_anomaly).sum()), int(is_anomaly.sum())
            area = f"{auc(scores, is_anomaly):.4f}" if n_normal and n_anomalies else "-"
            alarms = _alarms(system.decisions.get(machine, {}), is_anomaly, sorted(truth))
            rows.append((system.name, machine, *alarms, area, str(n_normal), str(n_anomalies)))
    return rows


def _alarms(decisions: Mapping[str, int], is_anomaly: np.ndarray, clips: Sequence[str]) -> list[str]:
    """Anomalies that are decided anomalous, and normal clips, each of how many."""
    if not decisions:
        return ["-", "-"]
    decided = np.array([decisions[clip] for clip in clips])
    return [f"{decided[of].sum()} of {of.sum()}" for of in (is_anomaly, ~is_anomaly)]
