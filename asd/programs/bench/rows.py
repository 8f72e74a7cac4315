"""Rows: the whole table, a group of rows after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from asd.programs.bench import hearing, learning, working
from asd.programs.bench.turns import Row, Size

GROUPS: Mapping[str, Callable[[Size], Iterator[Row]]] = {
    "learning": learning.rows,
    "hearing": hearing.rows,
    "working": working.rows,
}
HEADER = ["what", "plain, or one", "ours, or two", "ratio"]


def table(groups: Sequence[str], size: Size, tell: Callable[[str], None]) -> list[list[str]]:
    """Cells; `tell` hears each row once it is measured."""
    cells = [HEADER]
    for group in groups:
        for row in GROUPS[group](size):
            tell(row.what)
            cells.append(row.cells)
    return cells
