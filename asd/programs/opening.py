"""Opening: what a results folder records, as a session. No number, seed or member has to be given again.

run = open_run(Path("results/dev/s1"))
fitted = fitted_system(run, "fan")          fitted(wave).score
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import systems
from asd.data import KINDS, known_machines
from asd.errors import BadInput
from asd.programs.request import Request
from asd.programs.session import Session
from asd.results import read_record
from asd.system import FittedSystem
from asd.yaml_files import read_yaml


def recorded_request(folder: Path, data: Path | None, machines: Sequence[str] | None, **rest: Any) -> Request:
    """The request behind results/<dev|eval>/<system>; `data` is for clips that have moved, `rest` further fields.

    Raises BadInput for a folder that run.py has not written, or data that are no longer there.
    """
    folder = folder.resolve()
    run, where = read_record(folder), folder / "system.yaml"
    recorded = read_yaml(where)
    if folder.parent.name not in KINDS or not {"system", "members", "trained"} <= recorded.keys():
        raise BadInput(f"{where}: not what run.py writes to results/<dev|eval>/<system>; run it again")
    known_machines(machines or (), list(run["machines"]), folder)
    name, chosen = recorded["system"], sorted(machines or run["machines"])
    own = recorded.get("recipe") or recorded["trained"][name]
    return Request(
        kind=folder.parent.name,
        data=data or _data_folder(folder, {m: run["machines"][m] for m in chosen}),
        results=folder.parent.parent,
        recipes={name: systems.rebuilt(name, own, str(where))},
        trained={system: systems.rebuilt(system, of, str(where)) for system, of in recorded["trained"].items()},  # type: ignore[misc]
        members={name: [(system, seed) for system, seed in recorded["members"].values()]},
        machines=chosen,
        device=run["device"],
        may_train=False,
        may_select=False,
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
