"""The room: where machine, microphones and noise sources stand, and the impulse responses between them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from asd.clips import RATE
from asd.simulation.machines import Machine
from asd.simulation.signals import stream

PLACES = 3  # positions of noise sources, for each machine and domain
REFLECTIONS = 10  # highest order of the image sources
RESPONSE = 4_800  # samples kept of a room response


def microphones(m: Machine) -> np.ndarray:
    """(3, 3) m: the machine, the near and the far microphone, on a line across the floor."""
    machine = np.array([0.22 * m.room[0], 0.3 * m.room[1], 1.0])
    across = np.array([0.85, 0.5, 0.16]) / np.linalg.norm([0.85, 0.5, 0.16])
    return machine + np.outer((0.0, m.near_m, m.far_m), across)


def noise_places(m: Machine, rng: Generator) -> np.ndarray:
    """(PLACES, 3) m: anywhere in the room that is 3 m off the machine and closer to the far microphone than to it."""
    machine, _, far = microphones(m)
    free = rng.uniform((0.5, 0.5, 0.5), np.array(m.room) - 0.5, (4000, 3))
    to_machine, to_far = np.linalg.norm(free - machine, axis=1), np.linalg.norm(free - far, axis=1)
    return free[(to_machine > 3.0) & (to_far > 1.0) & (to_far < 0.8 * to_machine)][:PLACES]


def responses(m: Machine, domain: str, seed: int) -> np.ndarray:
    """(1 + PLACES, 2, RESPONSE) from the machine, then from each noise place, to near and far (image-source method)."""
    import pyroomacoustics as pra

    pra.constants.set("num_threads", 1)  # its sums over threads would tie the bytes to the number of cores
    machine, near, far = microphones(m)
    room = pra.ShoeBox(m.room, fs=RATE, materials=pra.Material(m.absorption), max_order=REFLECTIONS)
    for place in (machine, *noise_places(m, stream(seed, m.name, domain, "places"))):
        room.add_source(place)
    room.add_microphone_array(np.stack([near, far], axis=1))
    room.compute_rir()
    padded = [[np.pad(h, (0, RESPONSE))[:RESPONSE] for h in sources] for sources in room.rir]  # (2, 1+PLACES, L)
    return np.swapaxes(np.array(padded, np.float32), 0, 1)
