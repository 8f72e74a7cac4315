"""A team's package: what the team says (team.yaml) and what was measured in, one zip in the challenge's layout out.

    task2/<label>.technical_report.pdf        one per team, under the first system's label
    task2/<label>/<label>.meta.yaml, anomaly_score_<machine>_section_00_test.csv, decision_result_...csv
with <label> = <Surname>_<INST>_task2_<1 to 4>. What can be measured cannot be typed: team.yaml has no key for it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd.errors import did_you_mean
from asd.store import written_whole
from asd.submission import meta
from asd.submission.meta import DESCRIPTION, LABEL, Located
from asd.yaml_files import Plain

MOST_SYSTEMS = 4
TOP = "task2"
MEASURED = ("input_sampling_rate", "front_end", "acoustic_features", "ensemble_method_subsystem_count")
TYPED = tuple(key for key in DESCRIPTION if key not in MEASURED)  # free text of a system, or left out
TEAM = ("surname", "institute", "report", "authors", "systems", "external_datasets", "source_code")
SYSTEM = ("system", "name", "abbreviation", "description")
# The challenge's words for parts whose name is not the field's own term.
WORDS = {"LogMel": "log-mel energies", "LogMelPair": "log-mel energies of two channels"}


@dataclass(frozen=True)
class Measured:
    """What the kit knows of a system it has run."""

    front_ends: tuple[str, ...]
    features: tuple[str, ...]
    encoders: tuple[str, ...]  # pretrained, in the place of features
    detectors: tuple[str, ...]
    n_subsystems: int  # seeds and members whose scores are averaged
    total_parameters: int  # of all of them, for one machine
    macs: float | None  # of all of them, per clip or per second; None leaves the key out
    development: Mapping[str, tuple[float, float, float]]  # machine -> AUC_source, AUC_target, pAUC in [0, 1]


def label(team: Mapping[str, Any], number: int) -> str:
    """
    >>> label({"surname": "Example", "institute": "EXU"}, 1)
    'Example_EXU_task2_1'
    """
    return f"{team['surname']}_{team['institute']}_task2_{number}"


def check_team(raw: bytes, where: str, known: Sequence[str]) -> tuple[Mapping[str, Any], list[str]]:
    """A team.yaml's values and every problem at file:line; `known` are the kit's systems."""
    team = meta.parse(raw, where, Plain)
    if team.value is None:
        return {}, team.problems
    meta.leftovers(team, (), team.value)
    if meta.keys(team, (), TEAM):
        for key in ("surname", "institute", "report"):
            meta.text_at(team, (key,))
        if not team.problems and not LABEL.fullmatch(label(team.value, 1)):
            team.tell(("surname",), f"{label(team.value, 1)!r} would be the label; letters, digits, '-' and '.' only")
        meta.authors(team, ("authors",))
        meta.external_datasets(team, ("external_datasets",))
        meta.source_code(team, ("source_code",))
        _systems(team, known)
    return team.value, team.problems


def _systems(team: Located, known: Sequence[str]) -> None:
    found = team.value["systems"]
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_SYSTEMS:
        n = len(found) if isinstance(found, list) else "no"
        return team.tell(("systems",), f"{n} systems, one to {MOST_SYSTEMS} expected")
    for i in range(len(found)):
        path: meta.Path = ("systems", i)
        if not meta.keys(team, path, SYSTEM[:3], SYSTEM[3:]):
            continue
        for key in SYSTEM[:2]:
            meta.text_at(team, (*path, key))
        meta.abbreviation(team, (*path, "abbreviation"))
        _system(team, path, known)
    names = [item.get("system") for item in found if isinstance(item, dict)]
    for name in sorted({str(n) for n in names if names.count(n) > 1}):
        team.tell(("systems",), f"duplicate system {name}")


def _system(team: Located, path: meta.Path, known: Sequence[str]) -> None:
    item = team.get(path)
    if isinstance(item["system"], str) and item["system"] not in known:
        hint = did_you_mean(item["system"], known, cutoff=0.4)
        team.tell((*path, "system"), f"unknown system {item['system']!r}{hint}")
    description = item.get("description") or {}
    if not isinstance(description, dict):
        return team.tell((*path, "description"), f"{description!r}, expected `key: text` lines below it")
    for key in description:
        if key in MEASURED:
            team.tell((*path, "description", key), "is measured and filled in; leave it out")
        elif key not in TYPED:
            team.tell((*path, "description", key), f"unknown key{did_you_mean(str(key), TYPED, cutoff=0.6)}")
        else:
            meta.described(team, (*path, "description", key))


def meta_of(team: Mapping[str, Any], number: int, measured: Measured) -> dict[str, Any]:
    """The meta.yaml of the team's system of that number (from 1), every field in the template's order."""
    item = team["systems"][number - 1]
    n = measured.n_subsystems
    description = {
        "input_sampling_rate": "16kHz",
        "front_end": _joined(measured.front_ends),
        "acoustic_features": _joined(measured.features) or None,
        "embeddings": _joined(measured.encoders) or None,
        "machine_learning_method": _joined(measured.detectors),
        "ensemble_method_subsystem_count": n if n > 1 else None,
        "decision_making": "average" if n > 1 else None,
        "development_data_usage": "development",
        **(item.get("description") or {}),
    }
    complexity = {"total_parameters": measured.total_parameters}
    return {
        "submission": {
            "label": label(team, number),
            "name": item["name"],
            "abbreviation": item["abbreviation"],
            "authors": team["authors"],
        },
        "system": {
            "description": {key: description.get(key) for key in DESCRIPTION},
            "complexity": complexity if measured.macs is None else {**complexity, "MACS": measured.macs},
            "external_datasets": team["external_datasets"],
            "source_code": team["source_code"],
        },
        "results": {"development_dataset": {m: percents(terms) for m, terms in measured.development.items()}},
    }


def _joined(names: Sequence[str]) -> str:
    return " + ".join(WORDS.get(name, name) for name in names)


def percents(terms: Sequence[float]) -> dict[str, float]:
    """[0, 1] to percent with two decimals, as the challenge's tables give them."""
    return {metric: round(100 * value, 2) for metric, value in zip(meta.METRICS, terms, strict=True)}


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """The zip appears whole; the same files give the same bytes."""
    with written_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            entry = zipfile.ZipInfo(f"{TOP}/{name}", date_time=(2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, raw, zipfile.ZIP_DEFLATED)
