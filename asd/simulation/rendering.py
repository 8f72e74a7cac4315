"""Rendering: a machine, a clip and room responses (sources, 2, L) in, the two-microphone recording out.

The level of a clip is drawn after the mix, without regard to its label.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from asd.simulation.clips import SimulatedClip
from asd.simulation.faults import FAULTS
from asd.simulation.machines import Machine, healthy, motion_at
from asd.simulation.noises import NOISES
from asd.simulation.scenes import draw_scene
from asd.simulation.signals import gain, rms, stream, unit

PRE_ROLL = 4_000  # samples rendered and dropped: a clip begins amid the reverberation, not before it
SELF_NOISE_DB = -76.0  # dBFS, RMS of each microphone's own noise


def through(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(PRE_ROLL + T,) through (C, L) -> (C, T)."""
    return fftconvolve(x[None].astype(np.float32), response, axes=1)[:, PRE_ROLL : len(x)]


def mixture(m: Machine, clip: SimulatedClip, room: np.ndarray, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(2, T) machine and (2, T) noise as they reach the microphones, at the scene's SNR.

    The SNR refers to the machine without its fault: a fault adds energy, it does not turn the machine down.
    """
    scene, rng = draw_scene(m, clip, seed), stream(seed, m.name, clip, "sound")
    motion = motion_at(scene.speed, scene.load / 4, m.wander, PRE_ROLL + length, rng)
    sound = healthy(m, motion, rng)
    faulty = FAULTS[scene.fault](sound, m, motion, gain(scene.severity_db), rng)
    received = np.zeros((2, length), np.float32)
    for kind, place in zip(scene.kinds, scene.places, strict=True):
        received += through(unit(NOISES[kind](PRE_ROLL + length, rng)), room[1 + place])
    reference = rms(through(sound, room[0, :1]))
    return through(faulty, room[0]), received * reference / rms(received[0]) * gain(-scene.snr_db)


def render(m: Machine, clip: SimulatedClip, room: np.ndarray, length: int, seed: int) -> np.ndarray:
    """(T, 2) int16, the mixture at the scene's level with the microphones' own noise."""
    machine, noise = mixture(m, clip, room, length, seed)
    mix = machine + noise
    mix = mix / rms(mix[0]) * gain(draw_scene(m, clip, seed).level_db)
    mix += gain(SELF_NOISE_DB) * stream(seed, m.name, clip, "self-noise").standard_normal(mix.shape)
    return np.round(np.clip(mix, -1.0, 32767 / 32768) * 32767).astype(np.int16).T
