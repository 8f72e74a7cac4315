"""A package's scores: a zip in, SystemScores of each of its systems out."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.score_files import NAME, SCORE, file_name, parse
from asd.submission.archive import read_archive


def read_package(path: Path) -> list[SystemScores]:
    """The systems of a package, by label. Raises BadInput with every defect of the zip and its CSVs."""
    entries, defects = read_archive(path)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    decisions: dict[str, dict[str, dict[str, int]]] = {}
    for name, raw in entries.items():
        label, match = PurePosixPath(name).parent.name, NAME.fullmatch(PurePosixPath(name).name)
        if match is not None:
            if match[2] in (scores if match[1] == SCORE else decisions).get(label, {}):
                defects.append(f"{path.name}:{name}: a second {match[1]} file of {label} and {match[2]}")
            values, problems = parse(raw, match[1], f"{path.name}:{name}")
            defects += problems
            of_label = scores if match[1] == SCORE else decisions
            of_label.setdefault(label, {})[match[2]] = values  # type: ignore[assignment]
    if defects or not scores:
        told = "\n".join(defects) or f"{path}: no {file_name(SCORE, '<machine>')} in it"
        raise BadInput(f"{told}\n(`python tools/validate.py {path}` checks a whole package)")
    lacking = [
        f"{label}: no decisions for {m}" for label in scores for m in scores[label] if m not in decisions.get(label, {})
    ]
    if lacking:
        raise BadInput(f"{path}: {'; '.join(lacking)} (was a file left out?)")
    return [
        SystemScores(label, scores[label], {m: {n: int(v) for n, v in d.items()} for m, d in decisions[label].items()})
        for label in sorted(scores)
    ]
