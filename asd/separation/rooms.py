"""Impulse responses of a room: files in, (C, taps) of the machine and of each noise position out.

an npz of `<room>__machine` and `<room>__noise_<i>` (C, taps)
a folder of machine.wav and noise_*.wav with C channels
dEchorate's HDF5 file, or the folder it lies in (`dechorate`)
a simulated room
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.array_files import read_numpy
from asd.clips import RATE
from asd.contracts import Arrays
from asd.errors import BadInput
from asd.separation import dechorate
from asd.separation.recordings import audio_files, read_samples


@dataclass(frozen=True)
class Room:
    """Impulse responses to C microphones, 0 the nearest to the machine."""

    machine: np.ndarray  # (C, taps)
    noise: tuple[np.ndarray, ...]  # (C, taps) each position

    @property
    def n_channels(self) -> int:
        return len(self.machine)

    def normalised(self) -> Room:
        """With an energy of 1 from the machine to microphone 0: the machine is about as loud as its recording."""
        gain = 1 / np.sqrt(np.square(self.machine[0]).sum())
        return Room(gain * self.machine, tuple(gain * response for response in self.noise))


def read_room(path: Path, name: str = "") -> Room:
    """`name` is a room of the file (its first where empty), of dEchorate ROOM/ARRAY/MACHINE,NOISE,..."""
    measured = dechorate.file_in(path)
    if measured and measured.is_file():
        return checked_room(measured, *dechorate.read(measured, name))
    if path.is_dir():
        files = audio_files(path)
        machine = [p for p in files if p.stem == "machine"]
        if not machine:
            raise BadInput(
                f"{path}: no machine.wav; impulse responses machine.wav, noise_*.wav or dEchorate's expected"
            )
        others = {p.name: read_response(p) for p in files if p.stem.startswith("noise")}
        return checked_room(path, read_response(machine[0]), others)
    if not path.is_file():
        raise BadInput(f"{path}: no such file; impulse responses are an npz, dEchorate's HDF5 or a folder of wavs")
    found = read_arrays(path)
    rooms = sorted({key.split("__")[0] for key in found if key.endswith("__machine")})
    if not rooms or (name and name not in rooms):
        raise BadInput(f"{path}: no room '{name}' (there: {', '.join(rooms) or 'none'}); keys are <room>__machine")
    chosen = name or rooms[0]
    noise_keys = sorted(key for key in found if key.startswith(f"{chosen}__noise"))
    return checked_room(path, found[f"{chosen}__machine"], {key: found[key] for key in noise_keys})


def read_arrays(path: Path) -> Arrays:
    """Of an npz. Raises BadInput for anything else."""
    expected = "an .npz of arrays <room>__machine and <room>__noise_<i> (C, taps)"
    found = read_numpy(path, expected)
    if isinstance(found, np.ndarray):
        raise BadInput(f"{path}: a .npy of one array, {expected} expected")
    return found


def read_response(path: Path) -> np.ndarray:
    """(C, taps). Raises BadInput at another rate."""
    return read_samples(path, "float64", "impulse response at ").T


def checked_room(path: Path, machine: np.ndarray, noise: Arrays) -> Room:
    """Raises BadInput where a noise position is missing or was recorded by other microphones than the machine."""
    if not noise:
        raise BadInput(
            f"{path}: no impulse response of a noise position; at least one expected, <room>__noise_0 or noise_0.wav"
        )
    for name, response in {"machine": machine, **noise}.items():
        if response.ndim != 2 or not response.size or len(response) != len(machine):
            raise BadInput(
                f"{path}: {name} has shape {response.shape}, the machine's {machine.shape}; (C, taps) with the same C "
                "microphones expected (transposed, or of another recording?)"
            )
    if not np.any(machine[0]):
        raise BadInput(f"{path}: the machine's response to microphone 0 is silent; sound expected (another channel?)")
    return Room(machine, tuple(noise.values())).normalised()


def simulated_room(n_channels: int, seed: int = 0) -> Room:
    """The paper's room of 6 x 6 x 2.4 m by image sources (pyroomacoustics), machine in the middle.

    Microphones stand in a line away from the machine, 0.5 m apart, the first 0.5 m from it; three noise positions.
    """
    import pyroomacoustics as pra

    size, machine = [6.0, 6.0, 2.4], np.array([2.5, 3.0, 1.0])
    absorption, order = pra.inverse_sabine(0.15, size)  # s, the paper's reverberation time
    noises = [np.array(p) for p in ([5.2, 1.0, 1.5], [1.0, 5.2, 1.3], [5.0, 5.0, 1.8])]
    microphones = machine[:, None] + np.outer([1.0, 0.2, 0.2], 0.5 * np.arange(1, n_channels + 1))
    room = pra.ShoeBox(size, fs=RATE, materials=pra.Material(absorption), max_order=order)
    for position in (machine, *noises):
        room.add_source(position)
    room.add_microphone_array(microphones)
    room.compute_rir()
    taps = max(len(h) for row in room.rir for h in row)
    responses = [np.stack([np.pad(row[s], (0, taps - len(row[s]))) for row in room.rir]) for s in range(4)]
    return Room(responses[0], tuple(responses[1:])).normalised()
