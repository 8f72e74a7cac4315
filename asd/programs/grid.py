"""A grid of systems that train nothing: features or encoders, front-ends, back-ends in; Ω and paired intervals out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from asd import evaluation
from asd.calibration import NormalStandardised
from asd.contracts import AnyFeatures, Detector, FrontEnd
from asd.errors import BadInput
from asd.evaluation.comparison import omegas_over_all
from asd.evaluation.intervals import interval
from asd.programs.by_seed import omega, terms_of
from asd.programs.fitting import extract
from asd.programs.request import Request
from asd.programs.session import Session
from asd.system import System

Scores = dict[str, dict[str, float]]  # machine -> clip name -> score


def recipes(
    features: Mapping[str, AnyFeatures], frontends: Mapping[str, FrontEnd], backends: Mapping[str, Detector]
) -> dict[str, System]:
    """`<features> <front-end> <back-end>` -> the system; what cannot go together raises BadInput."""
    parts = product(features.items(), frontends.items(), backends.items())
    made = {}
    for (feature, f), (frontend, e), (backend, b) in parts:
        made[f"{feature} {frontend} {backend}"] = System(e, f, b, NormalStandardised(), seeds=(0,))
        made[f"{feature} {frontend} {backend}"].check_channels()
    return made


def measured(
    systems: Mapping[str, System], data: Path, results: Path, machines: Sequence[str] | None
) -> dict[str, Scores]:
    """Development scores of each system; features are kept in the results folder's store, nothing else is written."""
    request = Request("dev", data, results, systems, systems, machines=machines, device="cpu")
    session = Session(request)
    extract(session)
    found: dict[str, Scores] = {}
    for name in systems:
        found[name] = {}
        for machine in session.machines:
            raw = session.chains[name, machine.name].raw_scores(machine.test, 0)
            names = (clip.path.name for clip in machine.test)
            found[name][machine.name] = dict(zip(names, raw.tolist(), strict=True))
    return found


def table(found: Mapping[str, Scores], reference: str, draws: int = 2000) -> list[list[str]]:
    """Ω per machine and over all, best first, and the difference to the reference on the same resampled clips.

    Raises BadInput for an unknown reference.
    """
    if reference not in found:
        raise BadInput(f"reference '{reference}': none of {', '.join(found)}")
    truths = {machine: evaluation.truth_of_names(scores) for machine, scores in found[reference].items()}
    bootstrap = evaluation.Bootstrap(truths, draws)
    drawn = {name: omegas_over_all({m: bootstrap.terms(m, s) for m, s in of.items()}) for name, of in found.items()}
    terms = {name: terms_of(scores) for name, scores in found.items()}
    omegas = {name: omega(of_machines.values()) for name, of_machines in terms.items()}
    rows = [["features, front-end, back-end", *truths, "over all", f"less {reference}", "95 % interval"]]
    for name in sorted(found, key=lambda n: -omegas[n]):
        low, high = interval(drawn[name] - drawn[reference])
        each = [f"{evaluation.omega(terms[name][machine]):.3f}" for machine in truths]
        difference = f"{omegas[name] - omegas[reference]:+.3f}"
        rows.append([name, *each, f"{omegas[name]:.3f}", difference, f"{low:+.3f} to {high:+.3f}"])
    return rows
