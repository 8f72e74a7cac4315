"""There: paths, systems and machines of a command line in; BadInput for what is not there, before torch is imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import systems
from asd.clips import listing
from asd.data import KINDS, chosen_machines, known_machines, raw_folder
from asd.errors import BadInput, did_you_mean
from asd.results import read_run


def check_run(folder: Path, machine: str = "") -> None:
    """Raises BadInput unless results/<dev|eval>/<system> holds a run, of the machine where one is named."""
    if not folder.is_dir():
        _refuse_misspelt(folder)
    inside = {kind: sorted(path.parent for path in (folder / kind).glob("*/run.json")) for kind in KINDS}
    if sets := [str(folder / kind) for kind, of in inside.items() if of]:
        first = next(path for of in inside.values() for path in of)
        raise BadInput(
            f"{folder}: the folder of all results; give {' or '.join(sets)}, or a system's folder in it, as {first}"
        )
    first, *_ = systems_in(folder)
    if first != folder:
        raise BadInput(f"{folder}: a folder of systems' folders; give a system's folder in it, as {first}")
    known_machines([machine] if machine else [], list(read_run(folder)), folder)


def _refuse_misspelt(folder: Path) -> None:
    """Raises BadInput for a file, for no system, and for a folder that is not there unless a run would write it."""
    first = next(path for path in (*reversed(folder.parents), folder) if not path.is_dir())
    if first.exists():
        raise BadInput(f"{first}: a file, the folder results/<dev|eval>/<system> expected")
    is_system = folder.name in systems.names()
    if first == folder and is_system:
        return
    if first != folder:
        _check_system(folder)
    beside = [path.name for path in listing(first.parent) if path.is_dir() and not path.name.startswith(".")]
    if hint := did_you_mean(first.name, beside, 0.6):
        raise BadInput(f"{first}: no such folder{hint} (there: {', '.join(beside)})")
    _check_system(folder)
    if not is_system:
        raise BadInput(f"{first}: no such folder (looked for from {Path.cwd()})")


def _check_system(folder: Path) -> None:
    if folder.parent.name in KINDS:
        systems.check_known(folder.name)


def systems_in(folder: Path) -> list[Path]:
    """The folder itself, or the systems' folders in it: results/dev."""
    inside = sorted(path.parent for path in folder.glob("*/run.json"))
    return [folder] if (folder / "run.json").exists() or not inside else inside


def check_file(path: Path, what: str) -> None:
    """Raises BadInput, with the nearest name beside it, unless a file or folder is there."""
    if not path.exists():
        beside = [other.name for other in listing(path.parent)]
        raise BadInput(f"{path}: no such file or folder{did_you_mean(path.name, beside, 0.75)}; {what} expected")


def check_new(out: Path) -> None:
    """Raises BadInput for an output that is there already."""
    if out.exists():
        raise BadInput(f"{out}: is there already and is not overwritten; give another name with --out")


def check_html(out: Path) -> None:
    """Raises BadInput unless a report may be written there."""
    if out.suffix != ".html":
        raise BadInput(f"{out}: the name of a file ending in .html expected; the report is one file")


def check_data(data: Path, kind: str, machines: Sequence[str] | None = None) -> None:
    """Raises BadInput unless a data folder has that set (dev | eval), with these machines."""
    chosen_machines(raw_folder(data, kind), machines)


def check_data_of(runs: Sequence[Path], data: Path) -> None:
    """Raises BadInput unless a data folder has a set of one of these runs, results/<dev|eval>/<system>."""
    kinds = sorted({run.resolve().parent.name for run in runs} & KINDS.keys())
    if kinds and not any((data / KINDS[kind] / "raw").is_dir() for kind in kinds):
        raw_folder(data, kinds[0])
