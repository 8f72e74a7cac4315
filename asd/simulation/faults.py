"""Faults: each takes a healthy machine's sound (T,) at unit RMS and gives the faulty sound (T,).

`severity` is the RMS of the fault relative to the machine's; `motion` is the one that the healthy sound was made with.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from asd.clips import RATE
from asd.simulation.machines import Bearing, Gearbox, Machine, Motion, SlideRail, Valve, valve_clicks, velocity
from asd.simulation.signals import crossings, drift, noise, rings, tones, unit


def no_fault(x: np.ndarray, m: Machine, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    return x


def imbalance(x: np.ndarray, m: Machine, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """(1 + s cos 2 pi turns) x + s unit(tones(turns)): the sound beats once a turn, the mount shakes at 1x to 6x."""
    beat = 1 + min(severity, 1.0) * np.cos(2 * np.pi * motion.turns)
    return beat * x + severity * unit(tones(motion.turns, 6, rng))


def broken_tooth(x: np.ndarray, m: Gearbox, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """The gap meets the mesh once a pinion turn and strikes the casing resonance."""
    at = crossings(motion.turns)
    return x + severity * unit(rings(at, rng.uniform(0.7, 1.3, len(at)), m.casing_hz, m.casing_s, len(x)))


def impacts(turns: np.ndarray, b: Bearing, rng: Generator) -> np.ndarray:
    """(T,) unit-RMS BPFO train: every 1/order turn, give or take `slip`, louder in the load zone (once a turn)."""
    count = int(b.order * np.ptp(turns)) + 1
    at_turns = turns[0] + np.cumsum(1 + b.slip * rng.standard_normal(count)) / b.order
    at = np.searchsorted(turns, at_turns)
    return unit(rings(at, 1 + 0.4 * np.cos(2 * np.pi * at_turns), b.ring_hz, b.ring_s, len(turns)))


def bearing(x: np.ndarray, m: Machine, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """A spall on the outer race of the shaft's bearing."""
    return x + severity * impacts(motion.turns, m.bearing, rng)


def pitted_screw(x: np.ndarray, m: SlideRail, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """A spall in the bearing of the lead screw, whose angle is the integral of the velocity: silent at rest."""
    v = velocity(m, motion)
    screw = np.cumsum(v + 1e-9) / v.sum() * 2 * np.ptp(motion.turns) * m.screw_turns
    return x + severity * impacts(screw, m.bearing, rng)


def friction(x: np.ndarray, m: SlideRail, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """Rub noise along each stroke and, on some strokes, a stick-slip squeal (a saw tooth whose pitch wavers by 2 %)."""
    v = velocity(m, motion)
    strokes = np.floor(2 * (motion.turns - motion.turns[0])).astype(int)
    squealing = rng.uniform(0.0, 1.0, strokes[-1] + 1)[strokes] ** 2
    pitch = m.squeal_hz * (1 + 0.02 * drift(len(x), rng, 20.0))
    squeal = tones(np.cumsum(pitch) / RATE, 3, rng)
    return x + severity * unit(v * (noise(len(x), rng, (1000.0, 6000.0)) + 1.5 * squealing * squeal))


def leak(x: np.ndarray, m: Valve, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """A jet through the seat: hiss in the high band all the time, amplitude ~ sqrt(pressure)."""
    return x + severity * math.sqrt(motion.load) * noise(len(x), rng, m.leak_hz)


def bounce(x: np.ndarray, m: Valve, motion: Motion, severity: float, rng: Generator) -> np.ndarray:
    """A weak spring: the armature rebounds after each closing, each time sooner and softer (restitution 0.6)."""
    _, closes = valve_clicks(m, motion)
    hops = m.bounce_s * np.cumsum(0.6 ** np.arange(4))  # (4,) s after the click
    at = (closes[:, None] + RATE * hops * rng.uniform(0.9, 1.1, (len(closes), 1))).astype(int)
    loudness = np.broadcast_to(0.6 ** np.arange(4), at.shape)
    return x + severity * unit(rings(at.ravel(), loudness.ravel(), m.closing_hz, m.click_s, len(x)))


FAULTS: dict[str, Callable[..., np.ndarray]] = {
    f.__name__: f for f in (no_fault, imbalance, broken_tooth, bearing, pitted_screw, friction, leak, bounce)
}
