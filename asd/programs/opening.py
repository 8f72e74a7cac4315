"""Opening: what a results folder records. No number, seed or member has to be given again.

open_run(folder)             a session, with its clips: fitted_system(run, "fan")(wave).score
open_recorded(folder, m)     a machine's chains without any clip, by the keys that run.json records
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import systems
from asd.clips import RATE
from asd.data import KINDS, known_machines, read_wave
from asd.errors import BadInput
from asd.programs.request import Request, Seed
from asd.programs.session import Session, fitted_of
from asd.programs.there import check_run
from asd.results import read_numbers, read_record
from asd.store import Store
from asd.system import Chain, FittedSystem, Recipe, RecordedClips


def recorded_request(folder: Path, data: Path | None, machines: Sequence[str] | None, **rest: Any) -> Request:
    """The request behind results/<dev|eval>/<system>; `data` is for clips that have moved, `rest` further fields.

    Raises BadInput for a folder that run.py has not written, or data that are no longer there.
    """
    folder = folder.resolve()
    run, where = read_record(folder), folder / "system.yaml"
    recorded = read_numbers(folder)
    if folder.parent.name not in KINDS:
        raise BadInput(f"{where}: not in results/<dev|eval>/<system>, where run.py writes it; give that folder")
    known_machines(machines or (), list(run["machines"]), folder)
    name, chosen = recorded["system"], sorted(machines or run["machines"])
    own = recorded.get("recipe") or recorded["trained"].get(name)
    lacking = {system for system, _ in recorded["members"].values()} - recorded["trained"].keys()
    if lacking or not own or not recorded["members"]:
        what = ", ".join(sorted(lacking)) or "members, or the system's own"
        raise BadInput(f"{where}: no numbers of {what}; was it edited? run the system again")
    return Request(
        kind=folder.parent.name,
        data=data or _data_folder(folder, {m: run["machines"][m] for m in chosen}),
        results=folder.parent.parent,
        recipes={name: systems.rebuilt(name, own, str(where))},
        trained={system: systems.rebuilt(system, of, str(where)) for system, of in recorded["trained"].items()},  # type: ignore[misc]
        members={name: [(system, seed) for system, seed in recorded["members"].values()]},
        machines=chosen,
        device=run.get("device", "cpu"),
        may_train=False,
        may_select=False,
        quick=recorded.get("quick", False),
        **rest,
    )


def _data_folder(folder: Path, records: Mapping[str, Mapping]) -> Path:
    places = sorted({record["data"].get("folder", "") for record in records.values()})
    if len(places) > 1:
        raise BadInput(f"{folder}: made from several data folders ({', '.join(places)}); name machines of one of them")
    if not Path(places[0]).is_dir() or not places[0]:
        raise BadInput(
            f"{places[0] or 'data folder'}: not there; {folder} was made from it: give its new place with --data"
        )
    return Path(places[0])


# ---- with its clips --------------------------------------------------------------------------------------------------


def open_run(
    folder: Path,
    data: Path | None = None,
    machines: Sequence[str] | None = None,
    splits: tuple[str, ...] = ("train",),
) -> Session:
    """A session of what the folder records; nothing is trained or chosen anew. `splits` must be there."""
    return Session(recorded_request(folder, data, machines, splits=splits))


def fitted_system(run: Session, machine: str) -> FittedSystem:
    """The run's system as it was fitted to a machine; call it with a wave (C, T)."""
    (name,) = run.members
    return run.fitted(name, run.machine(machine))


# ---- without them ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """A system on one machine as a run has recorded it: by keys, so that no clip need be there or is read."""

    name: str  # of the system
    machine: str
    recipe: Recipe
    members: Sequence[Seed]
    chains: Mapping[str, Chain]  # of each system that the members are of
    record: Mapping[str, Any]  # of the machine, in run.json

    @property
    def channels(self) -> int:
        return self.record["data"]["channels"]

    @property
    def n_samples(self) -> int:
        """Of the first training clip."""
        return round(self.record["clip_seconds"] * RATE)

    @property
    def train_seconds(self) -> tuple[float, float]:
        """Of the shortest and the longest training clip; before run.json recorded them, both the first one's."""
        shortest, longest = self.record.get("train_seconds", [self.record["clip_seconds"]] * 2)
        return shortest, longest

    @property
    def is_target(self) -> np.ndarray:
        """(N,) bool, domain of each training clip."""
        return next(iter(self.chains.values())).is_target

    def fitted(self) -> FittedSystem:
        """Raises BadInput for what the store has lost, or has of other code."""
        return fitted_of(self.recipe, self.chains, self.members)


def open_recorded(folder: Path, machine: str = "") -> Recorded:
    """Of results/<dev|eval>/<system>; without a machine, the only one of the run."""
    check_run(folder)
    machines = read_record(folder)["machines"]
    if not machine and len(machines) > 1:
        raise BadInput(f"{folder}: of {len(machines)} machines ({', '.join(machines)}); name one of them")
    request = recorded_request(folder, folder, [machine or next(iter(machines))])
    (name,), (machine,) = request.recipes, request.machines or ()
    chains = _chains(request, name, machine, machines[machine], folder)
    return Recorded(name, machine, request.recipes[name], request.members[name], chains, machines[machine])


def _chains(request: Request, name: str, machine: str, record: Mapping[str, Any], folder: Path) -> dict[str, Chain]:
    data = record["data"]
    there = {*data, *record.keys() & {"clip_seconds"}}
    if lacking := sorted({"channels", "n_target", "clean", "n_clean", "noise", "n_noise", "clip_seconds"} - there):
        raise BadInput(
            f"{folder / 'run.json'}: {machine} lacks {', '.join(lacking)}; an earlier version of the kit wrote it: the "
            "same run.py command again writes it anew"
        )
    groups = {group: RecordedClips(data[group], machine, data[f"n_{group}"]) for group in ("train", "clean", "noise")}
    is_target = np.arange(data["n_train"]) >= data["n_train"] - data["n_target"]  # sorted by name: source clips first
    store, device = Store(request.results / "store"), request.device
    return {
        system: Chain(
            system.partition(":")[0],
            request.trained[system],
            is_target=is_target,
            store=store,
            read=read_wave,
            device=device,
            may_train=False,
            **groups,
        )
        for system in dict(request.members[name])
    }
