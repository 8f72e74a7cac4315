"""Truth: which domain a test clip is of and whether it is an anomaly. Only evaluation reads it.

truth_of_names       telling file names (development set, test_rename/)
truth_of_renamed     anonymous clips, by the content of their telling copies
read_truth(path)     what the organisers publish after the challenge, or the simulator writes: {machine: {clip: Truth}}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd.clips import DOMAINS, ClipName, wav_paths
from asd.errors import BadInput
from asd.store import content
from asd.text_files import numbered_rows
from asd.truth_list import read_truth_list

DATA, DOMAIN = "ground_truth_data", "ground_truth_domain"  # folders of the organisers' evaluator
PREFIX, SUFFIX = "ground_truth_", "_test.csv"  # of their files: ground_truth_<machine>_section_00_test.csv
LISTS = ("eval_data_list*.csv", "datasets/eval_data_list*.csv", "eval_data/eval_data_list*.csv")

Truths = dict[str, dict[str, "Truth"]]  # machine -> clip name -> truth


@dataclass(frozen=True)
class Truth:
    """What only evaluation may know of a test clip."""

    domain: str  # source | target
    is_anomaly: bool


def truth_of_names(names: Iterable[str]) -> dict[str, Truth]:
    """Truth from development file names. Raises BadInput for an anonymous name."""
    parsed = {name: ClipName.parse(name) for name in names}
    return {name: Truth(p.domain, p.condition == "anomaly") for name, p in parsed.items()}


def truth_of_renamed(test: Sequence[Path], renamed_folder: Path) -> dict[str, Truth]:
    """Truth of anonymous clips from `test_rename/`: the same recordings under telling names, matched by content."""
    copies = wav_paths(renamed_folder)
    if found := contradictions(copies):
        raise BadInput("\n".join(found))
    names = {content(path): path.name for path in copies}
    lost = [path.name for path in test if content(path) not in names]
    if lost:
        raise BadInput(
            f"{renamed_folder}: no clip with the content of {lost[0]} ({len(lost)} such); is it of another data set?"
        )
    truth = truth_of_names(names.values())
    return {path.name: truth[names[content(path)]] for path in test}


def contradictions(paths: Sequence[Path]) -> list[str]:
    """Clips of one content whose telling names say different things, a sentence each: one of them must be wrong."""
    first: dict[str, Path] = {}
    found = []
    for path in paths:
        other = first.setdefault(content(path), path)
        truth = truth_of_names([other.name, path.name])
        if truth[other.name] != truth[path.name]:
            found.append(
                f"{path}: the same recording as {other.name}, whose truth is another; one content has one truth "
                "(was a clip copied or renamed by mistake?)"
            )
    return found


def read_truth(path: Path) -> Truths:
    """The truth of all machines from one of three forms. Raises BadInput, naming file and line, for anything else.

    The baseline's eval_data_list_2026.csv (the simulator writes the same), or a folder that holds it; or the folder
    of the organisers' evaluator, with ground_truth_data/ and ground_truth_domain/ in it.
    """
    if path.is_file():
        return _of_list(path)
    folder = path.parent if path.name in (DATA, DOMAIN) else path
    if (folder / DATA).is_dir():
        return _of_evaluator(folder)
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder")
    found = sorted(p for pattern in LISTS for p in folder.glob(pattern))
    if len(found) != 1:
        there = ", ".join(p.name for p in found) or "neither"
        raise BadInput(
            f"{path}: {there} found, one eval_data_list_2026.csv or the evaluator's {DATA}/ and {DOMAIN}/ expected "
            "(give the organisers' file or folder itself, or the simulator's data folder)"
        )
    return _of_list(found[0])


def _of_list(path: Path) -> Truths:
    machines = read_truth_list(path)
    if not any(machines.values()):
        raise BadInput(f"{path}: no clip in it, expected the organisers' eval_data_list_2026.csv")
    truths: Truths = {}
    for machine, telling in machines.items():
        truth = truth_of_names(telling.values())
        truths[machine] = {clip: truth[name] for clip, name in telling.items()}
    return truths


def _of_evaluator(folder: Path) -> Truths:
    """`<clip>.wav,0|1` in each of two files per machine: normal or anomaly, source or target."""
    truths: Truths = {}
    for path in sorted((folder / DATA).glob(f"{PREFIX}*{SUFFIX}")):
        machine = path.name.removeprefix(PREFIX).rpartition("_section_")[0]
        anomaly, domain = _bits(path), _bits(folder / DOMAIN / path.name)
        if anomaly.keys() != domain.keys():
            odd = sorted(anomaly.keys() ^ domain.keys())
            raise BadInput(f"{path}: {odd[0]} is in only one of {DATA}/ and {DOMAIN}/ ({len(odd)} such)")
        of_machine = {clip: Truth(DOMAINS[domain[clip]], bool(anomaly[clip])) for clip in anomaly}
        truths[machine] = truths.get(machine, {}) | of_machine
    if not truths:
        raise BadInput(f"{folder / DATA}: no {PREFIX}<machine>_section_00{SUFFIX} in it")
    return truths


def _bits(path: Path) -> dict[str, int]:
    if not path.exists():
        raise BadInput(f"{path}: no such file; {DATA}/ and {DOMAIN}/ hold the same names (was one left out?)")
    bits: dict[str, int] = {}
    for line, row in numbered_rows(path):
        if len(row) != 2 or row[1].strip() not in ("0", "1"):
            raise BadInput(f"{path}:{line}: {','.join(row)!r}, expected `<clip>.wav,<0 or 1>`")
        if row[0] in bits:
            raise BadInput(f"{path}:{line}: duplicate clip {row[0]}")
        bits[row[0]] = int(row[1])
    return bits
