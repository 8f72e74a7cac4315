"""Importing: recordings in folders of anybody's making in, the challenge's layout out.

recordings   what folders, names and a table say of each recording        presets   how known data sets name theirs
cutting      a recording as clips (C, T) at 16 kHz                        layout    machines written whole, with a table
"""

from asd.importing.layout import Import, check, origins, planned, write
from asd.importing.presets import PRESETS
from asd.importing.recordings import Guide, Recording, found, read_table, sound_paths

__all__ = [
    "PRESETS",
    "Guide",
    "Import",
    "Recording",
    "check",
    "found",
    "origins",
    "planned",
    "read_table",
    "sound_paths",
    "write",
]
