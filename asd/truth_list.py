"""The truth of an evaluation set in one CSV: the organisers' eval_data_list_2026.csv; the simulator writes the same.

blower                                                                     a machine, then its test clips:
section_00_0000.wav,section_00_target_test_anomaly_0012_rpm_2100.wav       anonymous, telling name
"""

from __future__ import annotations

from pathlib import Path

from asd.clips import ClipName
from asd.errors import BadInput
from asd.store import write_text
from asd.tables import csv_text
from asd.text_files import numbered_rows

FILE_NAME = "eval_data_list.csv"  # as the simulator names it; the organisers add the year

TruthList = dict[str, dict[str, str]]  # machine -> anonymous name -> telling name


def read_truth_list(path: Path) -> TruthList:
    """Raises BadInput, naming file and line, for a duplicate or anything that is not of this format."""
    machines: TruthList = {}
    for line, row in numbered_rows(path):
        try:
            _add(row, machines)
        except BadInput as error:
            raise BadInput(f"{path}:{line}: {error}") from error
    return machines


def _add(row: list[str], machines: TruthList) -> None:
    if len(row) == 1:
        _add_machine(row[0].strip(), machines)
    elif len(row) == 2 and machines:
        _add_clip(row[0], row[1], [*machines.values()][-1])
    else:
        raise BadInput(f"{','.join(row)!r}, expected a machine or `section_NN_NNNN.wav,<telling name>.wav`")


def _add_machine(machine: str, machines: TruthList) -> None:
    if machine in machines:
        raise BadInput(f"duplicate machine {machine}")
    machines[machine] = {}


def _add_clip(anonymous: str, telling: str, clips: dict[str, str]) -> None:
    ClipName.parse(telling)
    if anonymous in clips:
        raise BadInput(f"duplicate clip {anonymous}")
    clips[anonymous] = telling


def write_truth_list(path: Path, machines: TruthList) -> None:
    write_text(path, csv_text([row for name, clips in machines.items() for row in ([name], *clips.items())]))
