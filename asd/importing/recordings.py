"""Recordings: folders in; of each recording its machine, condition, split, domain and attributes out.

Folders tell most: <machine>/normal/..., abnormal/, train/, test/, at any depth and by the usual other words. A pattern
(a regular expression with named groups, searched in the path below the folder) and then a table's row go before them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from asd.clips import DOMAINS
from asd.errors import BadInput
from asd.sound_files import SUFFIXES
from asd.text_files import numbered_rows

WORDS = {
    "normal": {"condition": "normal"},
    "ok": {"condition": "normal"},
    "good": {"condition": "normal"},
    "abnormal": {"condition": "anomaly"},
    "anomaly": {"condition": "anomaly"},
    "anomalies": {"condition": "anomaly"},
    "anomalous": {"condition": "anomaly"},
    "faulty": {"condition": "anomaly"},
    "ng": {"condition": "anomaly"},
    "train": {"split": "train"},
    "training": {"split": "train"},
    "test": {"split": "test"},
    "source": {"domain": "source"},
    "target": {"domain": "target"},
}
TOLD = ("machine", "condition", "split", "domain")  # anything else that is told of a recording is an attribute
SHOWN = 12  # attributes in a message
NEAR = re.compile("[_-](near|Near|NEAR)(?![A-Za-z])|(?<![A-Za-z])(near|Near|NEAR)[_-]")  # of a pair's names
FAR = {"near": "far", "Near": "Far", "NEAR": "FAR"}


@dataclass(frozen=True)
class Guide:
    """How names are read."""

    files: str = ""  # regular expression of the paths that are recordings; "": all files that soundfile may read
    pattern: str = ""  # with named groups: machine, condition, split, domain, others are attributes
    table: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # path or file name -> the same, by column
    target: tuple[str, ...] = ()  # key=value of attributes: such clips are of the target domain
    near_far: tuple[str, str] | None = None  # parts of names that tell a pair of files apart
    channels: tuple[int, ...] | None = None  # of a file: near, or near and far; None: as they are, one or two

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise BadInput(f"--pattern {self.pattern}: not a regular expression ({error})") from error

    @property
    def targets(self) -> dict[str, tuple[str, str]]:
        """As they were given: as a recording's attributes hold them."""
        return {text: _attribute(*text.partition("=")[::2]) for text in self.target}


@dataclass(frozen=True)
class Recording:
    """One recording; two files where near and far lie apart."""

    place: str  # below the folder that was given
    paths: tuple[Path, ...]
    machine: str
    condition: str  # normal | anomaly | "", not told
    split: str  # train | test | "", not told
    domain: str  # source | target
    attributes: tuple[tuple[str, str], ...]
    called: str  # the machine as folders, pattern or table call it


def sound_paths(folder: Path) -> list[Path]:
    """Every file below the folder whose name is one of a sound's, in the order of names; hidden ones are none."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    shown = (path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts))
    return sorted(shown, key=lambda path: natural(path.as_posix()))


def natural(text: str) -> list[tuple[str, int]]:
    """A key that sorts numbers by their size, whatever their digits.

    >>> sorted(["n10.wav", "n9.wav"], key=natural)
    ['n9.wav', 'n10.wav']
    """
    parts = re.split(r"(\d+)", text)
    return [(word, int(number or 0)) for word, number in zip_longest(parts[::2], parts[1::2], fillvalue="")]


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """A CSV with a column `file`, a recording's path below the folder or its name, and further columns.

    Raises BadInput, naming file and line, for a second row of a file.
    """
    (_, header), *rows = numbered_rows(path) or [(1, [])]
    rows = [(line, row) for line, row in rows if any(row)]
    if "file" not in header or not rows:
        raise BadInput(f"{path}: a header with a column `file`, and a row per recording, expected")
    table: dict[str, dict[str, str]] = {}
    for line, row in rows:
        told = {key: cell for key, cell in zip(header, row, strict=False) if key and cell}
        file = told.pop("file", "")
        if not file or len(row) > len(header):
            raise BadInput(f"{path}:{line}: {','.join(row)!r}, a file and {len(header)} cells at most expected")
        if file in table:
            raise BadInput(f"{path}:{line}: duplicate of {file}, one row for each file expected")
        table[file] = told
    return table


def found(folder: Path, guide: Guide, machines: Sequence[str] = ()) -> list[Recording]:
    """Every recording below the folder, of these machines; one name is the machine's where the folder is of one.

    Raises BadInput with every recording of which too little is told.
    """
    recordings = _all(folder, guide, machines)
    _check_targets(recordings, guide)
    chosen = [r for r in recordings if not machines or r.machine in machines]
    if not chosen:
        there = ", ".join(sorted({r.machine for r in recordings}))
        raise BadInput(f"{folder}: none of the machines {', '.join(machines)} (there: {there})")
    _check_machines(chosen)
    if guide.near_far is None:
        _check_no_pairs(chosen)
    return chosen


def _all(folder: Path, guide: Guide, machines: Sequence[str]) -> list[Recording]:
    if not folder.is_dir():
        raise BadInput(f"{folder}: {'a file' if folder.exists() else 'not there'}; a folder of recordings expected")
    places = {path.relative_to(folder).as_posix(): path for path in sound_paths(folder)}
    wanted = {place: path for place, path in places.items() if re.search(guide.files, f"/{place}")}
    if not wanted:
        raise BadInput(f"{folder}: no recording {'like ' + guide.files if guide.files else 'that soundfile reads'}")
    problems: list[str] = []
    recordings: list[Recording] = []
    for place in (place for place in wanted if not _is_far(place, guide)):
        try:
            recordings.append(_recording(folder, place, wanted, guide, machines))
        except BadInput as error:
            problems.append(str(error))
    if problems:
        more = f"\n... and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise BadInput("\n".join(problems[:10]) + more)
    return recordings


def _check_targets(recordings: Sequence[Recording], guide: Guide) -> None:
    """Raises BadInput for a --target that is an attribute of no recording."""
    there = {attribute: "=".join(attribute) for r in recordings for attribute in r.attributes}
    for text in (text for text, attribute in guide.targets.items() if attribute not in there):
        shown = ", ".join([*sorted(there.values())[:SHOWN], *(["..."] if len(there) > SHOWN else [])])
        raise BadInput(
            f"--target {text}: no recording has this attribute, KEY=VALUE expected "
            f"(there: {shown or 'none; --pattern or --table tells them'})"
        )


def _check_machines(recordings: Sequence[Recording]) -> None:
    """Raises BadInput where two machines would become one."""
    first: dict[str, Recording] = {}
    for recording in recordings:
        other = first.setdefault(recording.machine, recording)
        if other.called != recording.called:
            raise BadInput(
                f"{recording.place}: the machine '{recording.called}' and '{other.called}' of {other.place} would both "
                f"be called {recording.machine}; rename one of them, or both to one name"
            )


def _check_no_pairs(recordings: Sequence[Recording]) -> None:
    """Raises BadInput where files are called near and far and would become clips of their own."""
    places = {recording.place for recording in recordings}
    for place in (PurePosixPath(recording.place) for recording in recordings):
        if not (match := NEAR.search(place.name)):
            continue
        near, word = match[0], match[1] or match[2]
        far = near.replace(word, FAR[word])
        if str(place.with_name(place.name.replace(near, far))) in places:
            raise BadInput(
                f"{place}: its far file {place.name.replace(near, far)} would be a clip of its own; "
                f"--pair {near} {far} makes two channels of them (two recordings? then rename one)"
            )


def _recording(folder: Path, place: str, paths: Mapping[str, Path], guide: Guide, machines: Sequence[str]) -> Recording:
    told = {**_by_folders(folder, place, machines), **_by_pattern(place, guide), **_by_table(place, guide)}
    told["condition"] = WORDS.get(told.get("condition", "").lower(), {}).get("condition", told.get("condition", ""))
    attributes = tuple(_attribute(k, v) for k, v in told.items() if k not in TOLD)
    if not set(attributes).isdisjoint(guide.targets.values()):
        told["domain"] = "target"
    if not told["condition"] and told.get("split") == "train":
        told["condition"] = "normal"
    fields = told["condition"], told.get("split", ""), told.get("domain", "source")
    called, machine = told["machine"], name_of(told["machine"])
    is_chosen = not machines or machine in machines  # what others lack does not matter
    if is_chosen:
        _check(place, told)
    files = _files(place, paths, guide) if is_chosen else (paths[place],)
    return Recording(place, files, machine, *fields, attributes, called)


def _attribute(key: str, value: str) -> tuple[str, str]:
    return clean(key), clean(value)


def _by_folders(folder: Path, place: str, machines: Sequence[str]) -> dict[str, str]:
    """What the folders' names tell; the first one that is no such word is the machine."""
    parts = PurePosixPath(place).parts[:-1]
    told = {key: value for part in parts for key, value in WORDS.get(part.lower(), {}).items()}
    others = [part for part in parts if part.lower() not in WORDS]
    alone = machines[0] if len(machines) == 1 else folder.resolve().name
    return {"machine": others[0] if others else alone, **told}


def _by_pattern(place: str, guide: Guide) -> dict[str, str]:
    if not guide.pattern:
        return {}
    match = re.search(guide.pattern, place)
    if match is None:
        raise BadInput(f"{place}: not like the pattern {guide.pattern}")
    return {key: value for key, value in match.groupdict().items() if value}


def _by_table(place: str, guide: Guide) -> Mapping[str, str]:
    if not guide.table:
        return {}
    row = guide.table.get(place, guide.table.get(PurePosixPath(place).name))
    if row is None:
        raise BadInput(f"{place}: no row of the table has this path or name in its column `file`")
    return row


def _check(place: str, told: Mapping[str, str]) -> None:
    if not told["condition"] and told.get("split") != "test":
        raise BadInput(
            f"{place}: neither normal nor anomalous by its folders (normal/, abnormal/, train/ or test/ above it); "
            "--pattern '(?P<condition>normal|anomaly)_' reads names, --table a csv"
        )
    allowed = {"condition": ("normal", "anomaly", ""), "split": ("train", "test", ""), "domain": (*DOMAINS, "")}
    for key, values in allowed.items():
        if told.get(key, "") not in values:
            raise BadInput(f"{place}: {key} '{told[key]}', {' or '.join(values[:2])} expected")
    if told["condition"] == "anomaly" and told.get("split") == "train":
        raise BadInput(f"{place}: an anomaly among training recordings; training is on normal ones only")


def _is_far(place: str, guide: Guide) -> bool:
    return guide.near_far is not None and guide.near_far[1] in PurePosixPath(place).name


def _files(place: str, paths: Mapping[str, Path], guide: Guide) -> tuple[Path, ...]:
    if guide.near_far is None:
        return (paths[place],)
    near, far = guide.near_far
    name = PurePosixPath(place)
    if near not in name.name:
        raise BadInput(f"{place}: no {near} in its name; --pair {near} {far} wants two files of each recording")
    partner = str(name.with_name(name.name.replace(near, far)))
    if partner not in paths:
        raise BadInput(f"{place}: its far file {partner} is not there; --pair {near} {far} wants two of each")
    return paths[place], paths[partner]


def clean(text: str) -> str:
    """An attribute's key or value as file names can hold it: they are cut at each underscore.

    >>> clean("speed [rpm]"), clean("a_b")
    ('speed-rpm', 'a-b')
    """
    return re.sub(r"[^A-Za-z0-9.+]+", "-", text).strip("-") or "none"


def name_of(machine: str) -> str:
    """A machine's name as folders and result files can hold it: letters, digits, hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", machine).strip("-") or "machine"
