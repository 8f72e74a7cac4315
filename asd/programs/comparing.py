"""Comparing: finished scores in; the metric's tables as text, or signs of statistics over test clips, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asd import evaluation, guard
from asd.contracts import SystemScores
from asd.results import part_of
from asd.tables import Rows, rendered

ONE_DOMAIN = "Machines whose test clips are not of all kinds (normals of both domains, anomalies): no Ω"


def compared(
    systems: Sequence[SystemScores], truths: evaluation.Truths, published: Mapping, draws: int | None, form: str
) -> str:
    """All tables; `published` is asd/evaluation/published.yaml, `draws` of the bootstrap (None: no intervals)."""
    return "".join(rendered(*table, form) for table in tables(systems, truths, published, draws))


def tables(
    systems: Sequence[SystemScores], truths: evaluation.Truths, published: Mapping, draws: int | None
) -> list[tuple[str, Rows]]:
    """Machines without test clips of all kinds, which the challenge's metric needs, have a table of their own."""
    for system in systems:
        evaluation.same_machines(system, truths)
    partial = evaluation.divided(truths)[1]
    apart: list[tuple[str, Rows]] = [(ONE_DOMAIN, evaluation.one_domain_table(systems, partial))] if partial else []
    return [*apart, *metric_tables(systems, truths, published, draws)]


def metric_tables(
    systems: Sequence[SystemScores], truths: evaluation.Truths, published: Mapping, draws: int | None
) -> list[tuple[str, Rows]]:
    """Of the machines that have test clips of all kinds."""
    whole, partial = evaluation.divided(truths)
    if not whole:
        return []
    bootstrap = None if draws is None else evaluation.Bootstrap(whole, draws)
    those = part_of(systems, list(whole)) if partial else systems
    return [*evaluation.tables(those, whole, evaluation.published(published, whole), bootstrap)]


def signs(system: SystemScores) -> list[str]:
    """Signs machine by machine, and those that only all machines together give; of a single one the weak ones too."""
    files = {m: (scores, system.decisions.get(m)) for m, scores in system.scores.items()}
    alone = guard.signs(*next(iter(files.values()))) if len(files) == 1 else []
    found = alone or [*guard.signs_of_all(files), *guard.weak_signs_of_all(files)]
    return [f"{system.name}: {sign}" for sign in found]
