"""Score files: scores and decisions by clip name in, the challenge's CSV files out, and back.

    anomaly_score_<machine>_section_00_test.csv      section_00_0000.wav,<finite float>
    decision_result_<machine>_section_00_test.csv    section_00_0000.wav,<0 or 1>
The organisers' baseline names them anomaly_score_DCASE2026T2<machine>_section_00_test_seed13711_id(0_)_Eval.csv.
No header, one row per clip, sorted by name. A float is written so that it reads back to the same bits. Reading tells
every problem of a file at once, each as `<file>:<line>: what`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from asd.errors import BadInput

SCORE, DECISION = "anomaly_score", "decision_result"
NAME = re.compile(rf"({SCORE}|{DECISION})_(.+)_section_(\d\d)_test\.csv", re.ASCII)
OF_BASELINE = re.compile(rf"({SCORE}|{DECISION})_(.+)_section_(\d\d)_test_seed\d+.*\.csv", re.ASCII)
YEAR = re.compile(r"^DCASE20\d\dT2", re.ASCII)  # that the organisers' baseline puts before a machine's name
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
EXPECTED = {SCORE: "`<clip>.wav,<finite number>` without a header", DECISION: "`<clip>.wav,<0 or 1>` without a header"}
SHOWN = 20  # problems of one file listed in one error
WIDEST = 80  # characters of a wrong line that an error repeats


def file_name(kind: str, machine: str, section: str = "00", split: str = "test") -> str:
    """`kind` is SCORE or DECISION.

    >>> file_name(SCORE, "fan")
    'anomaly_score_fan_section_00_test.csv'
    """
    return f"{kind}_{machine}_section_{section}_{split}.csv"


def score_text(path: Path, scores: Mapping[str, float]) -> str:
    """The file's text; `path` names it in the error for a score that is not finite."""
    for name, score in scores.items():
        if not math.isfinite(score):
            raise BadInput(
                f"{path.name}: the score of {name} is {score}; it was not written (is the clip silent or broken?)"
            )
    return "".join(f"{name},{float(scores[name])!r}\n" for name in sorted(scores))


def decision_text(decisions: Mapping[str, int]) -> str:
    return "".join(f"{name},{int(decisions[name])}\n" for name in sorted(decisions))


def parse(raw: bytes, kind: str, where: str) -> tuple[dict[str, float], list[str]]:
    """Clip name -> value of a SCORE or DECISION file's bytes, and every problem; LF or CRLF."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return {}, [f"{where}: not UTF-8 text ({error.reason} at byte {error.start}); save it as plain UTF-8"]
    if text.startswith("\ufeff"):
        return {}, [f"{where}:1: begins with a byte order mark; save it as UTF-8 without one"]
    values: dict[str, float] = {}
    problems = [] if text else [f"{where}: empty, expected {EXPECTED[kind]}"]
    for line, row in enumerate(text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else (), start=1):
        name, _, value = row.partition(",")
        problem = _problem(row, name, value, kind, values)
        problems += [f"{where}:{line}: {problem}"] if problem else []
        if not problem:
            values[name] = float(value)
    if len(problems) > 1 and not values:
        problems = [f"{problems[0]} (none of the {len(problems)} lines is right)"]
    return values, problems


def _problem(row: str, name: str, value: str, kind: str, values: Mapping[str, float]) -> str:
    """What is wrong with a row, or nothing. A quote or a lone carriage return would join rows in other readers."""
    fits = value in ("0", "1") if kind == DECISION else _is_number(value)
    if not fits or '"' in row or "\r" in row:
        told = row if len(row) <= WIDEST else f"{row[:WIDEST]}..."
        return f"{told!r}, expected {EXPECTED[kind]}"
    return f"duplicate of {name}" if name in values else ""


def _is_number(text: str) -> bool:
    return bool(NUMBER.fullmatch(text)) and math.isfinite(float(text))


def read_rows(path: Path, kind: str = SCORE) -> dict[str, float]:
    """Clip name -> value of a score or decision file. Raises BadInput at file:line for anything else."""
    values, problems = parse(path.read_bytes(), kind, str(path))
    if problems:
        more = [f"... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise BadInput("\n".join([*problems[:SHOWN], *more]))
    return values


def read_decisions(path: Path) -> dict[str, int]:
    """Clip name -> 0 or 1 of a decision file."""
    return {name: int(value) for name, value in read_rows(path, DECISION).items()}
