"""What cost buys: trainings cut to shares of their full cost in, Ω by seed beside the uncut ones out.

The cost of a training is its epochs times the vectors of an epoch. Only development sets, whose truth is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from asd.contracts import TrainedDetector
from asd.detectors import AutoEncoder
from asd.detectors.vectors import Vectors
from asd.errors import BadInput
from asd.programs.by_seed import Run, omega, runs_of
from asd.programs.developing import develop
from asd.programs.fitting import extract
from asd.programs.ladder import spread
from asd.programs.request import Request
from asd.programs.session import Session
from asd.training import Training

HEADER = (
    *("data", "system", "share", "epochs", "vectors an epoch", "s a training"),
    *("Ω by seed", "to the most", "ensemble"),
)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Cost:
    """Of a training: `share` of the full cost, spent in `epochs`."""

    share: float
    epochs: int

    def vectors(self, full: Training, of_all: int) -> int:
        """Vectors an epoch, of `of_all` that a full epoch has."""
        return round(self.share * full.epochs / self.epochs * of_all)

    def assignments(self, full: Training, of_all: int) -> list[str]:
        """As --set; an epoch of all vectors is 0."""
        drawn = self.vectors(full, of_all)
        cut = f"detector.training.windows_per_epoch={drawn if drawn < of_all else 0}"
        return [f"detector.training.epochs={self.epochs}", cut]


def costs(shares: Sequence[float], epochs: Sequence[int], most_epochs: int) -> list[Cost]:
    """Those whose epochs need no more vectors than there are, cheapest first; the last one is the uncut training."""
    cut = [Cost(share, n) for share, n in product(sorted(shares), sorted(epochs))]
    uncut = Cost(1.0, most_epochs)
    return [*(c for c in cut if c.share * most_epochs <= c.epochs <= most_epochs and c != uncut), uncut]


def table(
    folders: Sequence[Path],
    names: Sequence[str],
    shares: Sequence[float],
    epochs: Sequence[int],
    results: Path,
    tell: Tell,
    **request: Any,
) -> list[tuple[str, ...]]:
    """A row for each data set, system and cost. The store keeps what is trained, so that a killed study goes on."""
    rows: list[tuple[str, ...]] = [HEADER]
    for folder, name in product(folders, names):
        own = {"data": folder, "results": results / folder.name, **request}
        rows += rows_of(name, shares, epochs, tell, own)
    return rows


def rows_of(
    name: str, shares: Sequence[float], epochs: Sequence[int], tell: Tell, request: dict[str, Any]
) -> list[tuple[str, ...]]:
    full = Request.of("dev", [name], **request)
    detector = full.trained[name].detector if name in full.trained else None
    if not isinstance(detector, AutoEncoder):
        raise BadInput(f"{name}: trains no dense autoencoder on vectors, whose number could be cut (as ae, adasub do)")
    of_all = mean_vectors(Session(full), name)
    found: list[tuple[Cost, float, Run]] = []
    for cost in costs(shares, epochs, detector.training.epochs):
        session = develop(Request.of("dev", [name], cost.assignments(detector.training, of_all), **request), tell)
        folder = session.folder(name).folder
        found.append((cost, seconds(session, name), runs_of([folder])[name]))
    most = found[-1][2]
    return [
        (request["data"].name, name, f"{cost.share:.0%}", str(cost.epochs))
        + (f"{cost.vectors(detector.training, of_all):,}", f"{taken:.0f}")
        + (spread([*run.seeds.values()]), to_the_most(run, most), f"{omega(run.ensemble.values()):.4f}")
        for cost, taken, run in found
    ]


def to_the_most(run: Run, most: Run) -> str:
    """Ω less that of the costliest training, seed by seed."""
    return spread([run.seeds[seed] - most.seeds[seed] for seed in run.seeds]) if run is not most else ""


def mean_vectors(session: Session, name: str) -> int:
    """That a full epoch has, mean over machines."""
    extract(session)
    counts = []
    for machine in session.machines:
        chain = session.chains[name, machine.name]
        detector = chain.system.detector
        assert isinstance(detector, AutoEncoder)
        vectors = Vectors(list(chain.block(chain.train)), detector.context)
        rows, _ = detector.validation.split(vectors.clip, chain.is_target, detector.training, chain.system.seeds[0])
        counts.append(len(rows))
    return round(float(np.mean(counts)))


def seconds(session: Session, name: str) -> float:
    """Of one seed's epochs on one machine, mean."""
    chains = [session.chains[name, machine.name] for machine in session.machines]
    assert isinstance(session.request.trained[name].detector, TrainedDetector)
    seeds = [seed for _, seed in session.members[name]]
    return float(np.mean([chain.trained((seed,))[0]["history"][:, -1].sum() for chain in chains for seed in seeds]))
