"""What a package must hold: the files of a zip by name in, every defect of layout, names, CSVs and meta.yaml out.

Each defect is `<entry>[:line]: what`. What depends on a data or results folder is checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asd.errors import did_you_mean
from asd.score_files import DECISION, NAME, SCORE, file_name, parse
from asd.submission import meta
from asd.submission.package import MOST_SYSTEMS, TOP

SHOWN = 3  # clip names in one defect
DEV_MACHINES = ("ToyCar", "ToyCarEmu", "bearingEmu", "fan", "gearboxEmu", "sliderEmu", "valveEmu")
EVAL_MACHINES = ("BlowerDustCollector", "Sander", "SewingMachine", "ToothBrush", "ToyDrone")
CLIPS = frozenset(f"section_00_{i:04d}.wav" for i in range(200))
PDF = re.compile(r"(.+)\.technical_report\.pdf")


@dataclass(frozen=True)
class Expected:
    """The machines and clips a package is about; by default the challenge's."""

    dev_machines: Sequence[str] = DEV_MACHINES
    clips: Mapping[str, frozenset[str]] = field(default_factory=lambda: dict.fromkeys(EVAL_MACHINES, CLIPS))  # eval
    dev_clips: Mapping[str, frozenset[str]] = field(default_factory=dict)  # where a data folder tells them


@dataclass
class Package:
    """A package's systems by label: values by machine as far as they could be read, and the parsed meta.yaml."""

    scores: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    decisions: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    metas: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)


def check_files(files: Mapping[str, bytes], expected: Expected) -> Package:
    """Everything that can be told from the files alone."""
    package = Package()
    inside = {name.removeprefix(f"{TOP}/"): raw for name, raw in files.items() if name.startswith(f"{TOP}/")}
    if not inside:
        found = ", ".join(sorted(files)[:SHOWN]) or "nothing"
        package.defects.append(f"{found}: everything must lie below {TOP}/ (was the folder's content zipped, not it?)")
        return package
    package.defects += [f"{name}: outside {TOP}/" for name in files if not name.startswith(f"{TOP}/")]
    folders: dict[str, dict[str, bytes]] = {}
    top: dict[str, bytes] = {}
    for name, raw in inside.items():
        label, slash, rest = name.partition("/")
        (folders.setdefault(label, {}) if slash else top)[rest or label] = raw
    package.defects += _labels(list(folders)) + _report(top, list(folders))
    for label, of_label in sorted(folders.items()):
        _check_system(package, label, of_label, expected)
    return package


def _labels(labels: Sequence[str]) -> list[str]:
    """One to four, of one team, numbered from 1."""
    defects = [
        f"{TOP}/{label}: not a label, expected [Surname]_[Institute abbreviation]_task2_[1-{MOST_SYSTEMS}], "
        "four parts joined by three underscores"
        for label in labels
        if not meta.LABEL.fullmatch(label)
    ]
    good = sorted(label for label in labels if meta.LABEL.fullmatch(label))
    teams = sorted({label.rpartition("_")[0] for label in good})
    if len(teams) > 1:
        defects.append(f"{TOP}: labels of {len(teams)} teams, {', '.join(teams)}; a package is one team's")
    numbers = [int(label[-1]) for label in good]
    if len(teams) == 1 and numbers != list(range(1, len(numbers) + 1)):
        defects.append(f"{TOP}: systems numbered {', '.join(map(str, numbers))}; expected 1 to {len(numbers)}")
    if not labels:
        defects.append(f"{TOP}: no system's folder in it")
    return defects


def _report(top: Mapping[str, bytes], labels: Sequence[str]) -> list[str]:
    """One PDF per team, named after one of its labels."""
    reports = [name for name in top if PDF.fullmatch(name)]
    name_of_first = f"{TOP}/{min(labels, default='<label>')}.technical_report.pdf"
    defects = [
        f"{TOP}/{name}: unexpected file, only the technical report lies here" for name in top if name not in reports
    ]
    if len(reports) != 1:
        defects.append(f"{TOP}: {len(reports)} technical reports, one expected: {name_of_first}")
    for name in reports:
        if name.removesuffix(".technical_report.pdf") not in labels:
            defects.append(f"{TOP}/{name}: named after no system of this package, expected {name_of_first}")
        if not top[name].startswith(b"%PDF-"):
            defects.append(f"{TOP}/{name}: not a PDF ({len(top[name])} bytes beginning {top[name][:8]!r})")
    return defects


def _check_system(package: Package, label: str, files: Mapping[str, bytes], expected: Expected) -> None:
    where = f"{TOP}/{label}"
    name = f"{label}.meta.yaml"
    if name in files:
        value, defects = meta.check(files[name], f"{where}/{name}", label, expected.dev_machines)
        package.defects += defects
        package.metas |= {label: value} if value is not None else {}
    else:
        package.defects.append(f"{where}: no {name}")
    wanted = {file_name(kind, machine): (kind, machine) for machine in expected.clips for kind in (SCORE, DECISION)}
    for other in files:
        if other not in (*wanted, name):
            package.defects.append(f"{where}/{other}: {_unexpected(other, list(expected.clips), [*wanted, name])}")
    for csv_name, (kind, machine) in wanted.items():
        if csv_name not in files:
            package.defects.append(f"{where}: no {csv_name}")
            continue
        values, defects = parse(files[csv_name], kind, f"{where}/{csv_name}")
        package.defects += defects or _clips(values, expected.clips[machine], f"{where}/{csv_name}")
        if not defects:
            _keep(package, label, machine, kind, values)
            package.defects += _constant(values, kind, f"{where}/{csv_name}")
    package.defects += [f"{where}: {problem}" for m in expected.clips for problem in _thresholds(package, label, m)]


def _keep(package: Package, label: str, machine: str, kind: str, values: Mapping[str, float]) -> None:
    if kind == SCORE:
        package.scores.setdefault(label, {})[machine] = dict(values)
    else:
        package.decisions.setdefault(label, {})[machine] = {name: int(value) for name, value in values.items()}


def _thresholds(package: Package, label: str, machine: str) -> list[str]:
    """Decisions that no single threshold on the scores gives."""
    scores = package.scores.get(label, {}).get(machine, {})
    decisions = package.decisions.get(label, {}).get(machine, {})
    if scores.keys() != decisions.keys():
        return []
    lowest = min((s for clip, s in scores.items() if decisions[clip] == 1), default=float("inf"))
    highest = max((s for clip, s in scores.items() if decisions[clip] == 0), default=float("-inf"))
    if lowest >= highest:
        return []
    return [
        f"{machine}: a clip decided 0 scores {highest:g}, one decided 1 scores {lowest:g}; "
        "no single threshold does that (are the decisions of another run, or inverted?)"
    ]


def _unexpected(name: str, machines: Sequence[str], wanted: Sequence[str]) -> str:
    match = NAME.fullmatch(name)
    if match and match[2] not in machines:
        return (
            f"no machine '{match[2]}'{did_you_mean(match[2], machines, cutoff=0.4)} (expected: {', '.join(machines)})"
        )
    return f"unexpected file{did_you_mean(name, wanted, cutoff=0.8)}"


def _clips(values: Mapping[str, float], expected: frozenset[str], where: str) -> list[str]:
    missing, extra = sorted(expected - values.keys()), sorted(values.keys() - expected)
    told = [
        f"{len(names)} {what}: {', '.join(names[:SHOWN])}{' ...' * (len(names) > SHOWN)}"
        for what, names in (("missing clips", missing), ("unknown clips", extra))
        if names
    ]
    return [f"{where}: {'; '.join(told)}"] if told else []


def _constant(values: Mapping[str, float], kind: str, where: str) -> list[str]:
    if kind == SCORE and len(values) > 1 and len(set(values.values())) == 1:
        return [f"{where}: all {len(values)} scores are {next(iter(values.values())):g}"]
    return []
