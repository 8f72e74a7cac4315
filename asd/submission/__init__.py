"""Submission: the challenge's files, in a results folder or in a package, written and read back with every check.

files     one CSV               results   a system's folder     reading   scores from folders, zips, long CSVs
archive   a zip, not trusted    layout    what it must hold     meta      <label>.meta.yaml, key by key
package   a team's systems as one zip
"""

from asd.submission.archive import read_archive
from asd.submission.files import DECISION, NAME, SCORE, decision_text, file_name, read_decisions, read_rows, score_text
from asd.submission.layout import DEV_MACHINES, EVAL_MACHINES, Expected, Package, check_files
from asd.submission.meta import METRICS
from asd.submission.meta import text as meta_text
from asd.submission.package import Measured, check_team, label, meta_of, write_zip
from asd.submission.reading import part_of, read_long_scores, read_systems
from asd.submission.results import ResultFolder, Scored, read_run

__all__ = [
    "DECISION",
    "DEV_MACHINES",
    "EVAL_MACHINES",
    "METRICS",
    "NAME",
    "SCORE",
    "Expected",
    "Measured",
    "Package",
    "ResultFolder",
    "Scored",
    "check_files",
    "check_team",
    "decision_text",
    "file_name",
    "label",
    "meta_of",
    "meta_text",
    "part_of",
    "read_archive",
    "read_decisions",
    "read_long_scores",
    "read_rows",
    "read_run",
    "read_systems",
    "score_text",
    "write_zip",
]
