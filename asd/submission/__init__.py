"""Submission: a team's package, written and read back with every check.

archive   a zip, not trusted    layout    what it must hold     meta      <label>.meta.yaml, key by key
package   a team's systems as one zip                           reading   a package's scores
"""

from asd.submission.archive import read_archive
from asd.submission.layout import DEV_MACHINES, EVAL_MACHINES, Expected, Package, check_files
from asd.submission.meta import METRICS
from asd.submission.meta import text as meta_text
from asd.submission.package import Measured, check_team, label, meta_of, write_zip
from asd.submission.reading import read_package

__all__ = [
    "DEV_MACHINES",
    "EVAL_MACHINES",
    "METRICS",
    "Expected",
    "Measured",
    "Package",
    "check_files",
    "check_team",
    "label",
    "meta_of",
    "meta_text",
    "read_archive",
    "read_package",
    "write_zip",
]
