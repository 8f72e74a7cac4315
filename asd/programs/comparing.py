"""Comparing: finished scores in; the metric's tables as text, or signs of statistics over test clips, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asd import evaluation, guard
from asd.contracts import SystemScores
from asd.tables import rendered


def compared(
    systems: Sequence[SystemScores], truths: evaluation.Truths, published: Mapping, draws: int | None, form: str
) -> str:
    """All tables; `published` is tools/studies/published.yaml, `draws` of the bootstrap (None: no intervals)."""
    bootstrap = None if draws is None else evaluation.Bootstrap(truths, draws)
    beside = evaluation.published(published, truths)
    return "".join(rendered(*table, form) for table in evaluation.tables(systems, truths, beside, bootstrap))


def signs(system: SystemScores) -> list[str]:
    """Signs machine by machine, and those that only all machines together give; of a single one the weak ones too."""
    files = {m: (scores, system.decisions.get(m)) for m, scores in system.scores.items()}
    alone = guard.signs(*next(iter(files.values()))) if len(files) == 1 else []
    found = alone or [*guard.signs_of_all(files), *guard.weak_signs_of_all(files)]
    return [f"{system.name}: {sign}" for sign in found]
