"""The bench: how fast this kit is on this machine, each row two ways of the same work in turn in one run."""

from asd.programs.bench.rows import GROUPS, table
from asd.programs.bench.turns import FULL, QUICK

__all__ = ["FULL", "GROUPS", "QUICK", "table"]
