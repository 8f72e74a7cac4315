"""dEchorate, measured impulse responses of a cuboid room (Di Carlo et al. 2021): its HDF5 file in, (C, taps) out.

    /rir/<room code>/<source>   (taps, 31): columns 0 to 29 are six arrays of five microphones, the last a loopback
    attribute sampling_rate     48,000 Hz
    sources                     1 to 6 directional, 7 to 9 omnidirectional

The room code tells which of floor, ceiling, west, south, east and north reflect; 020002 is the furnished room. Shoda et
al. take one array, one source as the machine's place and three others for noise, and do not name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from asd.clips import RATE
from asd.errors import BadInput, needed

MICROPHONES = 5  # of an array
FILES = ("dEchorate_rir*.h5", "dEchorate_rir*.hdf5")  # the record's name changed with its versions
KEPT = 1.0  # s of a response; chosen: several times the longest reverberation


@dataclass(frozen=True)
class Places:
    """`ROOM[/ARRAY[/MACHINE,NOISE,...]]`; arrays from 1 to 6, sources from 1 to 9."""

    room: str
    array: int = 1  # chosen
    sources: tuple[int, ...] = (1, 2, 3, 4)  # the machine's, then noise's; chosen: directional, as noise comes

    @classmethod
    def told(cls, text: str) -> Places:
        """Raises BadInput for anything else."""
        room, _, more = text.partition("/")
        array, _, sources = more.partition("/")
        try:
            number = int(array or cls.array)
            places = tuple(map(int, sources.split(","))) if sources else cls.sources
        except ValueError as error:
            raise BadInput(f"{text}: ROOM/ARRAY/MACHINE,NOISE,... in numbers expected, as 011111/1/1,2,3,4") from error
        if not 1 <= number <= 6 or len(places) < 2 or len(set(places)) < len(places):
            raise BadInput(f"{text}: an array from 1 to 6 and two or more different sources expected")
        return cls(room, number, places)


def file_in(path: Path) -> Path | None:
    """The HDF5 file: `path` itself, or in that folder; None where it is neither."""
    if path.is_dir():
        return next((found for pattern in FILES for found in sorted(path.glob(pattern))), None)
    return path if path.suffix.lower() in (".h5", ".hdf5") else None


def read(path: Path, text: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The machine's responses (5, taps) at 16 kHz and noise's by name. Raises BadInput."""
    library = needed("h5py", "separation")
    try:
        with library.File(path, "r") as file:
            return _of(file, path, text)
    except OSError as error:
        raise BadInput(f"{path}: not readable as HDF5 ({error}); dEchorate's impulse responses expected") from error


def _of(file: Any, path: Path, text: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rooms = file.get("rir") or {}
    if not rooms:
        raise BadInput(f"{path}: no group rir; dEchorate's impulse responses expected (is it another of its files?)")
    places = Places.told(text or sorted(rooms)[0])
    if places.room not in rooms:
        raise BadInput(f"{path}: no room '{places.room}' (there: {', '.join(sorted(rooms))})")
    found = rooms[places.room]
    absent = [source for source in places.sources if str(source) not in found]
    if absent:
        raise BadInput(f"{path}: no source {absent[0]} in room {places.room} (there: {', '.join(sorted(found))})")
    rate = int(file.attrs.get("sampling_rate", 48_000))
    machine, *noise = (response(found[str(source)], places.array, rate) for source in places.sources)
    return machine, {f"source {source}": h for source, h in zip(places.sources[1:], noise, strict=True)}


def response(measured: Any, array: int, rate: int) -> np.ndarray:
    """(taps, 31) at `rate` -> (5, taps') of one array at 16 kHz."""
    first = MICROPHONES * (array - 1)
    taken = np.asarray(measured[: int(KEPT * rate), first : first + MICROPHONES], np.float64)
    ratio = Fraction(RATE, rate)
    return resample_poly(taken, ratio.numerator, ratio.denominator, axis=0).T
