"""Results: what a run leaves in results/<dev|eval>/<system>/, written whole and read back with every check.

folder      one system's folder: the challenge's files, numbers, record      reading     scores of folders and long CSVs
"""

from asd.results.folder import BY, CLAIM, LOCK, REMEDY, ResultFolder, Scored, read_numbers, read_record, read_run
from asd.results.reading import part_of, read_folder, read_long_scores

__all__ = [
    "BY",
    "CLAIM",
    "LOCK",
    "REMEDY",
    "ResultFolder",
    "Scored",
    "part_of",
    "read_folder",
    "read_long_scores",
    "read_numbers",
    "read_record",
    "read_run",
]
