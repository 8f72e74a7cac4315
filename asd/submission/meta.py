"""<label>.meta.yaml: a system's description for the challenge, checked key by key.

`check` reads a file's bytes and tells every defect as `<file>:<line>: <key>: what`. The template's keys and their order
are those of the DCASE 2026 Task 2 submission template; MACS is in the 2025 one only, so it is optional.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from asd.errors import did_you_mean
from asd.submission.located import Located, Path, keys, leftovers, list_at, one_alone, parse, text_at

DESCRIPTION = (
    "input_sampling_rate",
    "data_augmentation",
    "front_end",
    "acoustic_features",
    "embeddings",
    "machine_learning_method",
    "aggregation_method",
    "domain_adaptation_method",
    "domain_generalization_method",
    "ensemble_method_subsystem_count",
    "decision_making",
    "attribute_usage",
    "external_data_usage",
    "development_data_usage",
)
AUTHOR = ("firstname", "lastname", "email", "corresponding", "affiliation")
METRICS = ("auc_source", "auc_target", "pauc")  # percent
LABEL = re.compile(r"[A-Za-z0-9.-]+_[A-Za-z0-9.-]+_task2_[1-4]")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
NULL_IN_WORDS = ("!!null", "null", "none", "n/a", "na", "-")
BASELINE = re.compile(r"(DCASE\W*20\d\d\W*)?(challenge\W*)?(task\W*2\W*)?baseline(\W*system)?", re.IGNORECASE)
CHALLENGE_SET = re.compile(
    r"19336329|20151556|20437238|dcase\W*2026\W*(challenge\W*)?task\W*2|^(the )?development (data ?)?set\b",
    re.IGNORECASE,
)
MACS = re.compile(r"[0-9][0-9.,]*( ?[kMGT])?( ?(MACs?|MACS|multiply-accumulates).*)?( ?/ ?\w+)?")  # 264.2 M
LONGEST_ABBREVIATION = 10  # characters
PAUC_FLOOR = 47.37  # percent; McClish's standardised pAUC up to 0.1 cannot be lower (0.9 / 1.9)


def check(raw: bytes, where: str, label: str, machines: Sequence[str]) -> tuple[Mapping[str, Any] | None, list[str]]:
    """The file's values (None where it does not parse) and its defects. `machines` are the development set's."""
    meta = parse(raw, where)
    if meta.value is None:
        return None, meta.problems
    leftovers(meta, (), meta.value)
    if keys(meta, (), ("submission", "system", "results")):
        _submission(meta, label)
        _system(meta)
        _results(meta, machines)
    return meta.value, meta.problems


def _submission(meta: Located, label: str) -> None:
    top = ("submission",)
    if not keys(meta, top, ("label", "name", "abbreviation", "authors")):
        return
    if meta.get((*top, "label")) != label:
        meta.tell((*top, "label"), f"{meta.get((*top, 'label'))!r}, but the folder and file are {label}")
    text_at(meta, (*top, "name"))
    abbreviation(meta, (*top, "abbreviation"))
    for key in ("name", "abbreviation"):
        if BASELINE.fullmatch(str(meta.get((*top, key))).strip()):
            meta.tell((*top, key), f"{meta.get((*top, key))!r} is the baseline's, as in the template; name your system")
    authors(meta, (*top, "authors"))


def abbreviation(meta: Located, path: Path) -> None:
    if text_at(meta, path) and len(meta.get(path)) > LONGEST_ABBREVIATION:
        meta.tell(path, f"{len(meta.get(path))} characters, at most {LONGEST_ABBREVIATION} allowed")


def authors(meta: Located, path: Path) -> None:
    """A list of authors, each complete, exactly one corresponding."""
    found = meta.get(path)
    if not list_at(meta, path, "a list of authors"):
        return
    if not found:
        meta.tell(path, "no author in the list")
        return
    for i in range(len(found)):
        _author(meta, (*path, i))
    n = sum(isinstance(author, dict) and author.get("corresponding") is True for author in found)
    if n != 1:
        meta.tell(path, f"{n} corresponding authors, exactly one expected (corresponding: true)")


def _author(meta: Located, path: Path) -> None:
    if not keys(meta, path, [key for key in AUTHOR if key != "corresponding"], ["corresponding"]):
        return
    for key in ("firstname", "lastname"):
        text_at(meta, (*path, key))
    email = (*path, "email")
    if text_at(meta, email) and one_alone(meta, email) and not EMAIL.fullmatch(meta.get((*path, "email"))):
        meta.tell((*path, "email"), f"{meta.get((*path, 'email'))!r} is not an e-mail address")
    if not isinstance(meta.get(path).get("corresponding", False), bool):
        meta.tell((*path, "corresponding"), f"{meta.get(path)['corresponding']!r}, expected true or false")
    path = (*path, "affiliation")
    several = isinstance(meta.get(path), list) and len(meta.get(path)) > 0
    for where in [(*path, i) for i in range(len(meta.get(path)))] if several else [path]:
        if keys(meta, where, ("institution", "location"), ("department", "abbreviation")):
            for key in ("institution", "location"):
                text_at(meta, (*where, key))


def _system(meta: Located) -> None:
    top = ("system",)
    if not keys(meta, top, ("description", "complexity", "external_datasets", "source_code")):
        return
    if keys(meta, (*top, "description"), DESCRIPTION):
        for key in DESCRIPTION:
            described(meta, (*top, "description", key))
    if keys(meta, (*top, "complexity"), ("total_parameters",), ("MACS",)):
        _complexity(meta, (*top, "complexity"))
    external_datasets(meta, (*top, "external_datasets"))
    _usage(meta, meta.get((*top, "description")), meta.get((*top, "external_datasets")))
    source_code(meta, (*top, "source_code"))


def _usage(meta: Located, description: Any, listed: Any) -> None:
    """External data that are used are listed, and none are listed without a use."""
    if not isinstance(description, dict) or not isinstance(listed, list) or "external_data_usage" not in description:
        return
    path, usage = ("system", "description", "external_data_usage"), description["external_data_usage"]
    if usage is None and listed:
        meta.tell(path, f"null, but external_datasets lists {len(listed)}")
    if usage is not None and not listed:
        meta.tell(path, f"{usage!r}, but external_datasets is empty; list what was used, or put !!null")


def source_code(meta: Located, path: Path) -> None:
    """A web address or null."""
    if meta.get(path) is not None and text_at(meta, path):
        _url(meta, path)


def described(meta: Located, path: Path) -> None:
    """A value of the description: text, null, or a count."""
    value, last = meta.get(path), path[-1]
    if last == "ensemble_method_subsystem_count":
        if value is not None and (not _whole(value) or value < 2):
            meta.tell(path, f"{value!r}, expected the number of subsystems, or !!null for a single one")
    elif isinstance(value, str) and value.strip().lower() in NULL_IN_WORDS:
        meta.tell(path, f"{value!r} is text; write !!null without quotes where it does not apply")
    elif value is not None:
        text_at(meta, path)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


def _complexity(meta: Located, path: Path) -> None:
    total = meta.get((*path, "total_parameters"))
    if not _whole(total):
        meta.tell((*path, "total_parameters"), f"{total!r}, expected an integer, summed over all subsystems")
    macs = meta.get(path).get("MACS")
    counted = isinstance(macs, (int, float)) and not isinstance(macs, bool) and 0 <= macs < 1e18
    if macs is not None and not counted and not (isinstance(macs, str) and MACS.fullmatch(macs.strip())):
        meta.tell((*path, "MACS"), f"{macs!r}, expected a number, `1.2 M`, or !!null")


def external_datasets(meta: Located, path: Path) -> None:
    """Each with a name and a url, none of them the challenge's own."""
    found = meta.get(path)
    if not list_at(meta, path, "a list, [] where nothing external was used"):
        return
    for i, item in enumerate(found):
        if not keys(meta, (*path, i), ("name", "url")):
            continue
        if item["name"] is None and item["url"] is None:
            meta.tell((*path, i), "name and url are null; write [] where nothing external was used")
        elif text_at(meta, (*path, i, "name")) & text_at(meta, (*path, i, "url")):
            if not (one_alone(meta, (*path, i, "name")) & one_alone(meta, (*path, i, "url"))):
                continue
            if CHALLENGE_SET.search(f"{item['name']} {item['url']}"):
                meta.tell((*path, i), "is the challenge's own data set, which is not external; leave it out")
            else:
                _url(meta, (*path, i, "url"))


def _url(meta: Located, path: Path) -> None:
    if not re.match(r"https?://\S+$", meta.get(path)):
        meta.tell(path, f"{meta.get(path)!r} is not an http(s) address")


def _results(meta: Located, machines: Sequence[str]) -> None:
    path = ("results", "development_dataset")
    if not keys(meta, path[:1], path[1:]) or not isinstance(meta.get(path), dict):
        if isinstance(meta.get(path[:1]), dict) and path[1] in meta.get(path[:1]):
            meta.tell(path, f"{meta.get(path)!r}, expected one line per machine")
        return
    found = meta.get(path)
    for name in found:
        if name not in machines:
            hint = did_you_mean(str(name), machines, cutoff=0.4)
            meta.tell((*path, name), f"not a machine of the development set{hint} (expected: {', '.join(machines)})")
    if missing := [m for m in machines if m not in found]:
        meta.tell(path, f"missing {', '.join(missing)}")
    for name in (m for m in machines if m in found):
        if keys(meta, (*path, name), METRICS):
            _percents(meta, (*path, name))


def _percents(meta: Located, path: Path) -> None:
    values = [meta.get((*path, metric)) for metric in METRICS]
    for metric, value in zip(METRICS, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
            told = str(value) if isinstance(value, (float, type(None))) else f"a {type(value).__name__}"
            return meta.tell((*path, metric), f"{told}, expected percent, 0 to 100")
        if metric == "pauc" and 0 < value <= 1 < min(values[:2]):
            told = f"{value} beside AUCs in percent: below the floor of {PAUC_FLOOR} (not standardised after McClish"
            return meta.tell((*path, metric), f"{told}, or a fraction?)")
        if 0 < value <= 1:
            return meta.tell((*path, metric), f"{value}: a fraction, percent expected (66.46, not 0.6646)")
    if values[2] < PAUC_FLOOR - 0.005:
        meta.tell((*path, "pauc"), f"{values[2]} is below the floor of {PAUC_FLOOR}; not standardised after McClish?")


class _Plain(yaml.SafeDumper):
    """Writes a value that is in two places in full in both."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(meta: Mapping[str, Any]) -> str:
    """The file's text, keys in the order given."""
    return yaml.dump(meta, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000)
