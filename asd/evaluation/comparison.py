"""Comparison: one or more systems' scores of the same clips in, tables out, as (title, rows of text cells).

Every table's first row is its header. Published figures are below a user's own, never in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from asd.clips import DOMAINS
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.evaluation.intervals import Bootstrap, interval, omegas, probability_of_improvement
from asd.evaluation.metric import METRICS, Result, evaluate, omega, rows, same_clips, terms_of
from asd.evaluation.published import Published
from asd.evaluation.truth import Truths

Scores = Mapping[str, Mapping[str, float]]  # machine -> clip name -> score
Draws = Mapping[str, np.ndarray]  # machine -> (B, 3) terms of every bootstrap draw
Table = tuple[str, list[Sequence[str]]]
QUICK = "quick: small networks, not comparable"  # of results with --quick


def terms_by_machine(scores: Scores, truths: Truths) -> dict[str, tuple[float, float, float]]:
    return {m: terms_of(m, of_machine, truths[m]) for m, of_machine in scores.items()}


def tables(
    entries: Sequence[SystemScores], truths: Truths, published: Published, bootstrap: Bootstrap | None
) -> list[Table]:
    """All tables of these systems. Raises BadInput where a machine or clip is missing, extra or duplicate.

    `bootstrap`: None leaves out the intervals.
    """
    for entry in entries:
        same_machines(entry, truths)
        same_recordings(entry, truths)
    results = {entry.name: results_of(entry, truths) for entry in entries}
    titles = {entry.name: f"{entry.name} ({QUICK})" if entry.quick else entry.name for entry in entries}
    found: list[Table] = [(titles[name], [*rows(of_system)]) for name, of_system in results.items()]
    drawn = {e.name: {m: bootstrap.terms(m, s) for m, s in e.scores.items()} for e in entries if bootstrap}
    found += [(f"{name}, 95 % bootstrap intervals", interval_rows(draws)) for name, draws in drawn.items()]
    found.append(("Ω side by side", side_by_side(entries, truths, published)))
    if any(entry.decisions for entry in entries):
        found.append(("Decisions: false alarms and detections in percent of clips", decision_rows(entries, results)))
    if len(drawn) > 1:
        found.append(("Differences of Ω over the same resampled clips", paired_rows(entries, truths, drawn)))
    if any(entry.seeds for entry in entries):
        found.append(("Ω by seed", seed_rows([e for e in entries if e.seeds], truths)))
    if len(truths) > 1:
        found.append(("Ω with one machine left out", left_out_rows(entries, truths)))
    return found


def same_machines(entry: SystemScores, truths: Truths) -> None:
    missing, extra = sorted(truths.keys() - entry.scores.keys()), sorted(entry.scores.keys() - truths.keys())
    if missing or extra:
        told = [f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("extra", extra)) if names]
        there = f"the results have {', '.join(entry.scores)}, the truth {', '.join(truths)}"
        apart = truths.keys().isdisjoint(entry.scores)
        cure = "is it of another data folder?" if apart else "--machines takes a part of them"
        raise BadInput(f"{entry.name}: machines {'; '.join(told)} ({there}; {cure})")


def same_recordings(entry: SystemScores, truths: Truths) -> None:
    try:
        for machine, scores in entry.scores.items():
            same_clips(scores, truths[machine], f"{machine}: anomaly scores")
    except BadInput as error:
        cure = "is it of another data folder than the truth or the other systems? run it on theirs, or leave it out"
        raise BadInput(f"{entry.name}: {error}; {cure}") from error


def results_of(entry: SystemScores, truths: Truths) -> list[Result]:
    return [evaluate(m, scores, entry.decisions.get(m), truths[m]) for m, scores in entry.scores.items()]


def interval_rows(draws: Draws) -> list[Sequence[str]]:
    """One row per machine, then Ω over all of them."""
    table: list[Sequence[str]] = [("machine", *METRICS, "omega")]
    for machine, terms in draws.items():  # (B, 3)
        table.append((machine, *(between(column) for column in [*terms.T, omegas(terms)])))
    return [*table, ("over all", "", "", "", between(omegas_over_all(draws)))]


def between(values: np.ndarray) -> str:
    low, high = interval(values)
    return f"{low:.4f} to {high:.4f}"


def side_by_side(entries: Sequence[SystemScores], truths: Truths, published: Published) -> list[Sequence[str]]:
    """One row per system, published ones below; of other clips with no figure per machine."""
    machines = [*truths]
    table: list[Sequence[str]] = [("system", *machines, "over all")]
    for entry in entries:
        terms = terms_by_machine(entry.scores, truths)
        values = [omega(terms[m]) for m in machines]
        name = f"{entry.name} (quick)" if entry.quick else entry.name
        table.append((name, *(f"{v:.4f}" for v in values), f"{over_all(terms):.4f}"))
    for name, theirs in published.beside([entry.name for entry in entries]).items():
        here = machines if published.is_of_these_clips else []
        cells = [f"{theirs[m]:.4f}" if m in here and m in theirs else "-" for m in machines]
        own = "" if set(published.machines) == set(machines) else " (its own machines)"
        table.append((f"{published.label} {name}", *cells, f"{theirs['over all']:.4f}{own}"))
    return table


def decision_rows(entries: Sequence[SystemScores], results: Mapping[str, Sequence[Result]]) -> list[Sequence[str]]:
    """One row per system and machine with decisions; a trusted threshold has as many false alarms as the nominal."""
    head = (f"{what} {domain}" for what in ("false alarms", "detected", "F1") for domain in DOMAINS)
    table: list[Sequence[str]] = [("system", "machine", "nominal", *head)]
    for entry in entries:
        nominal = "-" if entry.nominal is None else f"{100 * entry.nominal:.0f}"
        for result in results[entry.name]:
            if not (result.false_alarms and result.recall and result.f1):  # no decisions
                continue
            shares = [f"{100 * share:.0f}" for share in (*result.false_alarms, *result.recall)]
            table.append((entry.name, result.machine, nominal, *shares, *(f"{f1:.2f}" for f1 in result.f1)))
    return table


def over_all(terms: Mapping[str, Sequence[float]]) -> float:
    return omega(t for of_machine in terms.values() for t in of_machine)


def omegas_over_all(draws: Draws) -> np.ndarray:
    """(B,) Ω over the machines, the same draws of clips in each system."""
    return omegas(np.concatenate([*draws.values()], axis=1))


def paired_rows(entries: Sequence[SystemScores], truths: Truths, drawn: Mapping[str, Draws]) -> list[Sequence[str]]:
    """One row per pair: the difference of Ω on the test set itself, its interval, how likely the first is better."""
    table: list[Sequence[str]] = [("systems", "difference", "95 % interval", "probability of improvement")]
    draws = {name: omegas_over_all(of_system) for name, of_system in drawn.items()}
    values = {entry.name: over_all(terms_by_machine(entry.scores, truths)) for entry in entries}
    for a, b in combinations(draws, 2):
        difference = draws[a] - draws[b]
        low, high = interval(difference)
        chance = probability_of_improvement(difference)
        table.append((f"{a} - {b}", f"{values[a] - values[b]:+.4f}", f"{low:+.4f} to {high:+.4f}", f"{chance:.3f}"))
    return table


def seed_rows(entries: Sequence[SystemScores], truths: Truths) -> list[Sequence[str]]:
    """Mean, sample standard deviation, minimum and maximum over single seeds or members, beside the ensemble."""
    table: list[Sequence[str]] = [("system", "seeds or members", "mean", "std", "min", "max", "ensemble")]
    for entry in entries:
        values = [over_all(terms_by_machine(scores, truths)) for label, scores in entry.seeds.items()]
        deviation = f"{np.std(values, ddof=1):.4f}" if len(values) > 1 else "-"
        figures = (f"{np.mean(values):.4f}", deviation, f"{min(values):.4f}", f"{max(values):.4f}")
        table.append(
            (entry.name, str(len(values)), *figures, f"{over_all(terms_by_machine(entry.scores, truths)):.4f}")
        )
    return table


def left_out_rows(entries: Sequence[SystemScores], truths: Truths) -> list[Sequence[str]]:
    """Ω over all machines but one: a choice of systems that depends on a single machine shows here."""
    of = {entry.name: terms_by_machine(entry.scores, truths) for entry in entries}
    table: list[Sequence[str]] = [("left out", *of, *(["best"] if len(of) > 1 else []))]
    for machine in truths:
        values = {name: over_all({m: t for m, t in terms.items() if m != machine}) for name, terms in of.items()}
        best = [max(values, key=values.__getitem__)] if len(values) > 1 else []
        table.append((machine, *(f"{v:.4f}" for v in values.values()), *best))
    return table
