"""The answer: the systems of a set side by side, with intervals: sentences, charts, a table over both sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from asd import evaluation
from asd.programs import by_seed, ladder
from asd.programs.report.embedding import Picture, svg
from asd.programs.report.figures import WIDTH
from asd.programs.report.runs import FEW, Group, Run
from asd.programs.report.tables import Rows


@dataclass(frozen=True)
class Standing:
    """One system on one set. Ω and its bootstrap draws (B,), over all machines and of each."""

    run: Run
    omega: float
    draws: np.ndarray
    machines: Mapping[str, tuple[float, np.ndarray]]

    @property
    def name(self) -> str:
        return self.run.scores.name

    @property
    def interval(self) -> tuple[float, float]:
        return evaluation.interval(self.draws)


def standings(group: Group, draws: int) -> list[Standing]:
    """Best first; [] where there is no Ω."""
    bootstrap = evaluation.Bootstrap(group.whole, draws)
    found = [standing(run, bootstrap, group.whole) for run in group.runs if group.whole]
    return sorted(found, key=lambda s: -s.omega)


def standing(run: Run, bootstrap: evaluation.Bootstrap, machines: Iterable[str]) -> Standing:
    scores = {machine: run.scores.scores[machine] for machine in machines}
    terms = {m: evaluation.terms_of(m, of, run.truths[m]) for m, of in scores.items()}
    drawn = {m: bootstrap.terms(m, of) for m, of in scores.items()}  # (B, 3) each
    machines = {m: (evaluation.omega(terms[m]), evaluation.omegas(drawn[m])) for m in scores}
    over_all = evaluation.omega(term for of in terms.values() for term in of)
    return Standing(run, over_all, evaluation.omegas(np.concatenate([*drawn.values()], axis=1)), machines)


# ---- in words --------------------------------------------------------------------------------------------------------


def sentences(group: Group, found: Sequence[Standing]) -> list[str]:
    """Who is ahead and whether that is settled, and what its threshold does."""
    if not group.truths:
        return [
            f"On the {group.title} the truth of the clips is not known: no figure of merit, only scores, losses and "
            "the most anomalous clips (--ground-truth gives it: what the organisers have published, or the data folder "
            "of imported or simulated clips)."
        ]
    apart = f"{', '.join(group.partial)}: test clips of one domain or condition, for which the challenge has no Ω."
    if not found:
        return [*(at_threshold(run, run.scores.name) for run in group.runs), apart]
    best, *others = found
    told = [f"On the {group.title} {best.name} has the highest Ω, {best.omega:.3f} ({between(best.draws)})."]
    if others:
        difference = best.draws - others[0].draws
        settled = evaluation.interval(difference)[0] > 0
        told.append(
            f"Its lead over {others[0].name}, {best.omega - others[0].omega:.3f} ({between(difference)}), "
            + ("is beyond what other test clips of the same kind would change." if settled else "may be chance.")
        )
    if len(best.machines) > 1:
        weakest = min(best.machines, key=lambda machine: best.machines[machine][0])
        told.append(f"It is weakest on {weakest}, with Ω {best.machines[weakest][0]:.3f}.")
    return [*told, at_threshold(best.run, "It"), *([apart] if group.partial else [])]


def at_threshold(run: Run, who: str) -> str:
    kinds = [(t.is_anomaly, run.scores.decisions[m][c] == 1) for m, of in run.truths.items() for c, t in of.items()]
    found, alarms = ([decided for anomaly, decided in kinds if anomaly is what] for what in (True, False))
    aim = "" if run.scores.nominal is None else f" (its threshold aims at {100 * run.scores.nominal:.0f} %)"
    detected = f"detects {share(found, 'anomalies')}" if found else "has no anomalies to detect"
    told = f"false alarms on {share(alarms, 'normal clips')}" if alarms else "no normal clips"
    return f"{who} {detected}, with {told}{aim}."


def share(decided: Sequence[bool], what: str) -> str:
    """In clips, and in percent unless they are few."""
    percent = f" ({100 * np.mean(decided):.0f} %)" if len(decided) >= FEW else ""
    return f"{sum(decided)} of {len(decided)} {what}{percent}"


def between(draws: np.ndarray) -> str:
    low, high = evaluation.interval(draws)
    return f"95 % interval {low:.3f} to {high:.3f}".replace("-0.000", "0.000")


def both_sets(found: Mapping[str, Sequence[Standing]], published: Mapping[str, evaluation.Published]) -> Rows:
    """Set -> standings in; one row per system, its Ω and interval on each set, published figures of the same clips."""
    rows: Rows = [("system", *(f"{title}: {what}" for title in found for what in ("Ω", "95 % interval")))]
    by_name = {title: {s.name: s for s in of} for title, of in found.items()}
    for name in dict.fromkeys(s.name for of in found.values() for s in of):
        there = [of.get(name) for of in by_name.values()]
        cells = [(f"{s.omega:.4f}", f"{s.interval[0]:.3f} to {s.interval[1]:.3f}") if s else ("-", "-") for s in there]
        rows.append((name, *(cell for pair in cells for cell in pair)))
    theirs = [p.omegas if p.is_of_these_clips else {} for p in published.values()]
    for name in dict.fromkeys(name for of in theirs for name in of):
        figures = [f"{of[name]['over all']:.4f}" if name in of else "-" for of in theirs]
        rows.append((f"published (2026) {name}", *(cell for figure in figures for cell in (figure, "-"))))
    return rows


# ---- charts ----------------------------------------------------------------------------------------------------------


def charts(
    group: Group, found: Sequence[Standing], published: evaluation.Published, colours: Mapping[str, tuple]
) -> list[Picture]:
    """Ω with intervals over all machines, published figures of the same clips below; of each of several machines."""
    if not found:
        return []
    is_same = published.is_of_these_clips and set(published.machines) == set(group.whole)
    theirs = {name: of["over all"] for name, of in published.omegas.items()} if is_same else {}
    several = len(group.whole) > 1
    return [over_all(group, found, theirs, colours), *([per_machine(group, found, colours)] if several else [])]


def colours_of(names: Sequence[str]) -> dict[str, tuple]:
    """A system has the same colour in all charts."""
    return {name: matplotlib.colormaps["tab10"](i % 10) for i, name in enumerate(names)}


def over_all(
    group: Group, found: Sequence[Standing], theirs: Mapping[str, float], colours: Mapping[str, tuple]
) -> Picture:
    rows = [*(s.name for s in found), *(f"published {name}" for name in theirs)]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(rows)))
    axis = figure.subplots()
    for row, s in enumerate(found):
        bar(axis, row, s.omega, s.interval, colours[s.name])
    for row, value in enumerate(theirs.values(), start=len(found)):
        axis.plot(value, row, "D", color="grey", markerfacecolor="white", markersize=5)
    for row, value in enumerate([*(s.omega for s in found), *theirs.values()]):
        axis.annotate(f"{value:.3f}", (value, row), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel="Ω over all machines", ylim=(len(rows) - 0.4, -0.8), xlim=widened(axis.get_xlim()))
    axis.grid(axis="x", alpha=0.3)
    caption = f"Systems on the {group.title}: Ω and its 95 % bootstrap interval. 1 is perfect, 0.5 chance."
    return Picture(svg(figure), caption)


def per_machine(group: Group, found: Sequence[Standing], colours: Mapping[str, tuple]) -> Picture:
    figure = Figure(figsize=(WIDTH, 1.2 + len(group.whole) * (0.25 + 0.13 * len(found))))
    axis = figure.subplots()
    for i, s in enumerate(found):
        offset = 0.7 * (i - (len(found) - 1) / 2) / len(found)
        for row, machine in enumerate(group.whole):
            value, draws = s.machines[machine]
            drawn = bar(axis, row + offset, value, evaluation.interval(draws), colours[s.name])
        drawn.set_label(s.name)
    axis.set_yticks(range(len(group.whole)), [*group.whole])
    axis.set(xlabel="Ω of one machine", ylim=(len(group.whole) - 0.4, -0.6))
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return Picture(svg(figure), f"The same for each machine of the {group.title}.")


def widened(ends: tuple[float, float]) -> tuple[float, float]:
    """Of an axis of Ω: a difference without meaning is not drawn large."""
    middle, half = sum(ends) / 2, max(ends[1] - ends[0], 0.1) / 2
    return middle - half, middle + half


def bar(axis: Axes, row: float, value: float, ends: tuple[float, float], colour: tuple) -> ErrorbarContainer:
    """An interval and the value in it, as errorbar's container."""
    sides = [[max(value - ends[0], 0)], [max(ends[1] - value, 0)]]
    return axis.errorbar(value, row, xerr=sides, fmt="o", markersize=5, capsize=3, color=colour)


def seeds(group: Group) -> list[Picture]:
    """The ladder's figure, of the development set, where there are at least two of its systems."""
    names = [run.scores.name for run in group.runs]
    if (
        group.runs[0].kind != "dev"
        or not group.whole
        or group.partial
        or sum(name in ladder.LADDER for name in names) < 2
    ):
        return []
    runs = {run.scores.name: by_seed.Run(run.scores, run.record) for run in group.runs}
    caption = f"The noise-aware report's ladder on the {group.title}: Ω of every seed, their mean, the ensemble."
    return [Picture(svg(ladder.figure_of(runs, (WIDTH, 3.4))), caption)]
