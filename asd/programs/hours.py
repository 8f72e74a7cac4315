"""Hours: a plan and a number of hours in, the same request with trainings cut to what fits into them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from asd.errors import BadInput
from asd.fingerprint import canonical, digest, numbers
from asd.json_files import read_json
from asd.locks import locked
from asd.programs.planning import Estimate, Plan
from asd.programs.request import Request
from asd.progress import duration
from asd.store import write_json
from asd.system import System

FEWEST = 256  # windows an epoch, below which epochs are left out instead


def fitted_into(plan: Plan, request: Request, hours: float) -> tuple[Request, str]:
    """The same request with as many windows an epoch, and then epochs, as fit into `hours`, and what was changed.

    Every training is cut to the same share; what is trained stays. What was cut once for these numbers and hours is
    cut alike again: results/hours.json keeps it, so that a killed run goes on and -e has the numbers of -d. Raises
    BadInput where it cannot fit.
    """
    place = request.results / "hours.json"
    key = digest(canonical([{n: numbers(system) for n, system in request.trained.items()}, hours]))
    with locked(place.with_name(".hours.lock")):
        kept = read_cuts(place) if place.exists() else {}
        if key not in kept:
            kept[key] = {} if plan.seconds <= 3600 * hours else cuts(plan, hours)
            write_json(place, kept)
    if not kept[key]:
        return request, f"all of it fits into {hours:g} h ({place} keeps it): about {duration(plan.seconds)} are left"
    lines = [f"{n}: " + ", ".join(f"{k} {v}" for k, v in of.items()) for n, of in kept[key].items()]
    return changed(request, kept[key]), f"to fit into {hours:g} h ({place} keeps it): {'; '.join(lines)}"


def read_cuts(place: Path) -> dict[str, dict[str, dict[str, int]]]:
    return read_json(place, "run.py --hours", {...: {...: {...: int}}}, "delete it to cut anew")


def cuts(plan: Plan, hours: float) -> dict[str, dict[str, int]]:
    """Of each system that trains something, its training's numbers."""
    left = [e for e in plan.estimates if e.paces]
    first = {e: e.paces[0].epochs * e.paces[0].epoch_seconds for e in left}  # seconds of a job that can be cut
    cuttable = sum(plan.rounds(e) * seconds for e, seconds in first.items())
    room = 3600 * hours - (plan.seconds - cuttable)
    found = {name: cut(e, room / cuttable) for e in left for name in e.names} if room > 0 < cuttable else {}
    if not found or any(numbers["epochs"] < 1 for numbers in found.values()):
        told = duration(plan.seconds)
        raise BadInput(f"--hours {hours:g}: not enough for an epoch of each training; uncut it takes about {told}")
    return found


def changed(request: Request, cut: Mapping[str, Mapping[str, int]]) -> Request:
    by_name = {name.partition(":")[0]: numbers for name, numbers in cut.items()}  # variants of a system share them
    trained = {n: with_numbers(s, by_name.get(n.partition(":")[0])) for n, s in request.trained.items()}
    recipes = {
        n: with_numbers(recipe, by_name.get(n)) if isinstance(recipe, System) else recipe
        for n, recipe in request.recipes.items()
    }
    return replace(request, recipes=recipes, trained=trained)


def cut(estimate: Estimate, share: float) -> dict[str, int]:
    """Numbers of the first training; what follows it in the same job keeps its own."""
    pace = estimate.paces[0]
    windows = int(share * pace.windows)
    if windows >= FEWEST:
        return {"windows_per_epoch": windows, "epochs": pace.epochs}
    return {"windows_per_epoch": FEWEST, "epochs": int(share * pace.epochs * pace.windows / FEWEST)}


def with_numbers(system: System, numbers: Mapping[str, int] | None) -> System:
    if numbers is None:
        return system
    detector = system.detector
    training = getattr(detector, "training", None)
    if training is None:
        raise BadInput(f"--hours: the training of {type(detector).__name__} has no windows_per_epoch to cut")
    return replace(system, detector=replace(detector, training=replace(training, **numbers)))  # type: ignore[type-var]
