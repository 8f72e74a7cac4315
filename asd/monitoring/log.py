"""The log: a reading as a line of text, CSV or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A reading as it is told. The fields are the columns of the CSV and the keys of the JSON."""

    time: str  # when it was told, UTC, ISO 8601
    end: float  # s since the recording began, of the window's last sample
    score: float
    threshold: float
    decision: int  # 1: the score is over the threshold
    alarm: int  # 1: an alarm is on
    event: str  # raised, cleared: what this reading does to the alarm; else empty
    milliseconds: float  # of computing, for the block that brought it


def text(e: Entry) -> str:
    verdict, alarm = ("ANOMALOUS" if e.decision else "normal"), (f"alarm {e.event}" if e.event else "alarm" * e.alarm)
    return (
        f"{e.end:9.1f} s  score {e.score:9.4f}  threshold {e.threshold:.4f}  {verdict:9}  "
        f"{alarm:13}  block {e.milliseconds:6.1f} ms"
    )


def csv(e: Entry) -> str:
    return ",".join(map(str, dataclasses.astuple(e)))


def json_line(e: Entry) -> str:
    """JSON has no nan and no infinity: null."""
    return json.dumps({key: finite(value) for key, value in dataclasses.asdict(e).items()})


def finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


HEAD = ",".join(field.name for field in dataclasses.fields(Entry))
FORMATS: dict[str, tuple[str, Callable[[Entry], str]]] = {  # name -> first line, an entry's line
    "text": ("", text),
    "csv": (HEAD, csv),
    "json": ("", json_line),
}
