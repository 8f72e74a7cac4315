"""Healthy machines: a machine's numbers and its motion in, its sound (T,) at unit RMS out.

Four families: fan, gearbox, slide rail, valve. What breaks them is in faults, the machines themselves are in fleets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from scipy.signal import fftconvolve

from asd.clips import RATE
from asd.simulation.signals import crossings, drift, noise, rings, tones, unit


@dataclass(frozen=True)
class Conditions:
    """How a machine runs in one domain; a clip draws one of each."""

    speeds: tuple[int, ...]  # turns (fan, gearbox) or cycles (slide rail, valve) per minute
    loads: tuple[int, ...]  # level, 1 (idle) to 4 (full): back pressure, torque, payload, supply pressure
    noises: tuple[str, ...]  # kinds of factory noise, keys of NOISES
    snr_db: tuple[float, float]  # dB, healthy machine to noise at the near microphone


@dataclass(frozen=True)
class Bearing:
    """A rolling bearing with one spall on its outer race."""

    order: float = 3.57  # impacts per shaft turn (BPFO)
    slip: float = 0.01  # relative spread of the time between impacts
    ring_hz: float = 3200.0  # Hz, resonance an impact excites
    ring_s: float = 0.0015  # s, time constant of its decay


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What every machine has."""

    name: str
    source: Conditions
    target: Conditions
    faults: dict[str, tuple[float, float]]  # key of FAULTS: severity range, dB of the fault's RMS re the machine's
    labels: dict[str, str]  # attribute as written in file names: field of Scene; empty: noAttribute
    room: tuple[float, float, float] = (9.0, 7.0, 3.5)  # m
    absorption: float = 0.6  # share of the energy a wall swallows
    near_m: float = 0.5  # m, machine to near microphone
    far_m: float = 4.0  # m, machine to far microphone
    wander: float = 0.004  # relative RMS of the slow speed jitter
    bearing: Bearing = field(default_factory=Bearing)


@dataclass(frozen=True, kw_only=True)
class Fan(Machine):
    blades: int = 7
    tones: int = 8  # blade-passing harmonics
    turbulence: float = 0.9  # RMS at full back pressure, re the first tone's amplitude
    tilt_db: float = -4.0  # dB per octave, slope of the turbulence


@dataclass(frozen=True, kw_only=True)
class Gearbox(Machine):
    teeth: int = 23  # of the pinion
    ratio: float = 2.6  # turns of the pinion per turn of the wheel
    harmonics: int = 7  # of the mesh
    churn: float = 0.4  # RMS of the oil and rolling noise, re the first harmonic's amplitude
    casing_hz: float = 1700.0  # Hz, resonance a broken tooth excites
    casing_s: float = 0.004  # s, time constant of its decay


@dataclass(frozen=True, kw_only=True)
class SlideRail(Machine):
    whine_hz: float = 620.0  # Hz, motor tone at full velocity
    ramp: float = 0.2  # share of a stroke spent accelerating, and again decelerating
    dwell: float = 0.15  # share of a stroke at rest
    rolling_hz: tuple[float, float] = (500.0, 3000.0)  # Hz, band of the rolling noise
    screw_turns: float = 18.0  # turns of the lead screw per stroke
    squeal_hz: float = 1900.0  # Hz, stick-slip frequency


@dataclass(frozen=True, kw_only=True)
class Valve(Machine):
    opening_hz: float = 1400.0  # Hz, ring of the armature as it opens
    closing_hz: float = 2300.0  # Hz, ring of the seat as it closes
    click_s: float = 0.003  # s, time constant of both rings
    open_share: float = 0.45  # share of the cycle the valve is open
    flow: float = 0.35  # RMS of the flow hiss while open at full pressure, re a click train of unit RMS
    flow_hz: tuple[float, float] = (1200.0, 5000.0)  # Hz, its band
    leak_hz: tuple[float, float] = (4500.0, 7600.0)  # Hz, band of a leak's jet
    bounce_s: float = 0.035  # s, between a click and its first rebound


@dataclass(frozen=True)
class Motion:
    """The motion of a machine during a clip."""

    turns: np.ndarray  # (T,) shaft angle or cycle phase, in turns, rising
    load: float  # 0 to 1


def motion_at(per_minute: float, load: float, wander: float, length: int, rng: Generator) -> Motion:
    """turns(t) = u + integral of per_minute/60 (1 + wander w(t)), w a slow unit-RMS drift, u uniform."""
    speed = per_minute / 60 * (1 + wander * drift(length, rng, 3.0))  # (T,) turns/s
    return Motion(rng.uniform() + np.cumsum(speed) / RATE, load)


def fan(m: Fan, motion: Motion, rng: Generator) -> np.ndarray:
    """Blade-passing tones and turbulence that the blades chop: tones(B turns) + c (1 + 0.3 cos 2 pi B turns) n(t)."""
    blades = m.blades * motion.turns
    turbulence = noise(len(blades), rng, (80.0, 7000.0), m.tilt_db) * (1 + 0.3 * np.cos(2 * np.pi * blades))
    return tones(blades, m.tones, rng) + m.turbulence * (0.4 + 0.6 * motion.load) * turbulence


def gearbox(m: Gearbox, motion: Motion, rng: Generator) -> np.ndarray:
    """Mesh harmonics with sidebands of both shafts: (1 + a cos 2 pi turns + b cos 2 pi turns/r) tones(Z turns) + noise.

    a = 0.1 + 0.25 load, b = 0.1; the mesh phase wobbles by 0.01 load turns once a turn (frequency modulation).
    """
    pinion, wheel = np.cos(2 * np.pi * motion.turns), np.cos(2 * np.pi * motion.turns / m.ratio)
    mesh = tones(m.teeth * motion.turns + 0.01 * motion.load * pinion, m.harmonics, rng)
    churn = m.churn * noise(len(mesh), rng, (100.0, 5000.0), -3.0)
    return (0.5 + 0.5 * motion.load) * (1 + (0.1 + 0.25 * motion.load) * pinion + 0.1 * wheel) * mesh + churn


def velocity(m: SlideRail, motion: Motion) -> np.ndarray:
    """(T,) 0 to 1: trapezium over each of the two strokes of a cycle, then a dwell at rest."""
    stroke = np.mod(2 * motion.turns, 1.0)
    return np.clip(np.minimum(stroke, 1 - m.dwell - stroke) / m.ramp, 0.0, 1.0)


def slide_rail(m: SlideRail, motion: Motion, rng: Generator) -> np.ndarray:
    """v tones(integral of f v) + v rolling noise + a thud at each reversal; payload lowers the pitch by up to 15 %."""
    v = velocity(m, motion)
    whine = tones(np.cumsum(v) * m.whine_hz * (1 - 0.15 * motion.load) / RATE, 5, rng)
    rolling = (0.4 + 0.6 * motion.load) * noise(len(v), rng, m.rolling_hz)
    stops = crossings(2 * motion.turns)
    thuds = rings(stops, rng.uniform(0.5, 1.0, len(stops)), 210.0, 0.02, len(v))
    return v * (whine + rolling) + 2 * thuds


def valve_clicks(m: Valve, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Samples at which the valve opens and at which it closes."""
    return crossings(motion.turns), crossings(motion.turns - m.open_share)


def valve(m: Valve, motion: Motion, rng: Generator) -> np.ndarray:
    """Solenoid clicks, a damped resonance at each opening and closing, and sqrt(pressure) flow hiss while open."""
    length, (opens, closes) = len(motion.turns), valve_clicks(m, motion)
    clicks = rings(opens, rng.uniform(0.9, 1.1, len(opens)), m.opening_hz, m.click_s, length)
    clicks += rings(closes, rng.uniform(0.6, 0.8, len(closes)), m.closing_hz, m.click_s, length)
    is_open = np.mod(motion.turns, 1.0) < m.open_share
    gate = fftconvolve(is_open, np.hanning(160) / np.hanning(160).sum(), mode="same")  # 10 ms to swing open or shut
    return unit(clicks) + m.flow * math.sqrt(motion.load) * gate * noise(length, rng, m.flow_hz)


MODELS: dict[type[Machine], Callable[..., np.ndarray]] = {
    Fan: fan,
    Gearbox: gearbox,
    SlideRail: slide_rail,
    Valve: valve,
}


def healthy(m: Machine, motion: Motion, rng: Generator) -> np.ndarray:
    """(T,) the machine as it should sound, unit RMS: how loud it is in the room is left to the SNR."""
    return unit(MODELS[type(m)](m, motion, rng))
