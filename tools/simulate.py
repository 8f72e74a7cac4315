#!/usr/bin/env python3
"""Simulate a two-microphone data set in the layout of DCASE 2026 Task 2, from physics alone.

Enters: a folder, machines, sizes, a seed. Leaves, under OUT (16 kHz, PCM_16, channel 0 near, channel 1 far):
    dev_data/raw/<machine>/{train,test}/section_00_<domain>_<split>_<condition>_<nnnn>_<attrs>.wav, attributes_00.csv
    eval_data/raw/<machine>/train/ named as in dev, test/section_00_<nnnn>.wav anonymous      (--eval: other machines)
    eval_data/eval_data_list.csv   the truth, in the format of the organisers' eval_data_list_2026.csv
A machine is mono, (T,) at unit RMS; a fault (T,) -> (T,) adds to it; room responses (sources, 2, L) make it (2, T).
Numbers of a clip come from streams keyed by (seed, machine, clip), so same arguments give the same bytes, whichever
machines are asked for, in whatever order and on however many threads. A clip's level is drawn after the mix, without
regard to its label.

    python tools/simulate.py data/sim                       # 100 + 10 training, 4 x 25 test clips of 6 s a machine
    python tools/simulate.py data/sim --eval                # the same for the evaluation machines
    python tools/simulate.py /tmp/sim --size tiny --machines fan
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.random import Generator
from scipy.fft import irfft, next_fast_len, rfftfreq
from scipy.signal import fftconvolve
from tqdm import tqdm

RATE = 16_000  # Hz
PRE_ROLL = 4_000  # samples rendered and dropped: a clip begins amid the reverberation, not before it
PLACES = 3  # positions a noise source may stand at, per machine and domain
COUNT_SHARES = (0.5, 0.3, 0.2)  # of the clips with 1, 2, 3 noise sources
LEVEL_DB = (-36.0, -32.0)  # dBFS, RMS of the near channel
SELF_NOISE_DB = -76.0  # dBFS, RMS of each microphone's own noise
REFLECTIONS = 10  # highest order of the image sources
RESPONSE = 4_800  # samples kept of a room response
DOMAINS = ("source", "target")


# ------------------------------------------------------------------------------------------------ the numbers
@dataclass(frozen=True)
class Size:
    """How much of a machine to render; the defaults are --size small."""

    source: int = 100  # training clips of the source domain
    target: int = 10  # training clips of the target domain
    test: int = 25  # test clips of each domain and condition
    seconds: float = 6.0  # s, length of every clip

    def __post_init__(self) -> None:
        for name, low, high in (("source", 1, 9999), ("target", 0, 9999), ("test", 0, 2500), ("seconds", 1, 60)):
            value = getattr(self, name)
            if not low <= value <= high:
                option = {"source": "--train SOURCE", "target": "--train TARGET"}.get(name, f"--{name}")
                raise ValueError(f"{option}: {value} found, {low} to {high} allowed")


# tiny is for smoke tests: an autoencoder wants some 100 epochs on it, 32 test clips tell an AUC to a tenth at best
SIZES = {"tiny": Size(24, 4, 8, 4.0), "small": Size(), "challenge": Size(990, 10, 50, 10.0)}


@dataclass(frozen=True)
class Conditions:
    """How a machine runs in one domain; a clip draws one of each."""

    speeds: tuple[int, ...]  # turns (fan, gearbox) or cycles (slide rail, valve) a minute
    loads: tuple[int, ...]  # level, 1 (idle) to 4 (full): back pressure, torque, payload, supply pressure
    noises: tuple[str, ...]  # kinds of factory noise, keys of NOISES
    snr_db: tuple[float, float]  # dB, healthy machine to noise at the near microphone


@dataclass(frozen=True)
class Bearing:
    """A rolling bearing with one spall on its outer race."""

    order: float = 3.57  # impacts a shaft turn (BPFO)
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
    tilt_db: float = -4.0  # dB an octave, slope of the turbulence


@dataclass(frozen=True, kw_only=True)
class Gearbox(Machine):
    teeth: int = 23  # of the pinion
    ratio: float = 2.6  # turns of the pinion a turn of the wheel
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
    screw_turns: float = 18.0  # turns of the lead screw a stroke
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


HALL, SHOP = (11.0, 8.0, 4.0), (9.0, 7.0, 3.5)  # m
DEV = (
    Fan(
        name="fan",
        source=Conditions((1500, 1740), (1, 2), ("hum", "clatter"), (-6.0, 0.0)),
        target=Conditions((1980,), (3,), ("hum", "airgun"), (-8.0, -1.0)),
        faults={"imbalance": (-2.0, 4.0), "bearing": (-12.0, -3.0)},
        labels={"speed": "speed", "load": "load", "noise": "noise"},
    ),
    Gearbox(
        name="gearbox",
        source=Conditions((1200, 1380), (2, 3), ("hum", "babble"), (-8.0, -1.0)),
        target=Conditions((1560,), (4,), ("babble", "airgun"), (-9.0, -2.0)),
        faults={"broken_tooth": (-12.0, 0.0), "bearing": (-14.0, -4.0)},
        labels={"spd": "speed", "torque": "load"},
        room=HALL,
    ),
    SlideRail(
        name="slider",
        source=Conditions((38, 46), (1, 2), ("clatter", "hum"), (-8.0, -1.0)),
        target=Conditions((56,), (3,), ("clatter", "babble"), (-9.0, -2.0)),
        faults={"friction": (-9.0, 1.0), "pitted_screw": (-9.0, 1.0)},
        labels={"vel": "speed", "payload": "load", "noise": "noise"},
        wander=0.01,
    ),
    Valve(
        name="valve",
        source=Conditions((90, 108), (2, 3), ("airgun", "hum"), (-8.0, -1.0)),
        target=Conditions((114,), (4,), ("hum", "babble"), (-7.0, 0.0)),
        faults={"leak": (-8.0, 3.0), "bounce": (-5.0, 5.0)},
        labels={},
        room=HALL,
        wander=0.02,
    ),
)
EVAL = (
    Fan(
        name="blower",
        source=Conditions((2400, 2640), (2, 3), ("babble", "airgun"), (-8.0, -1.0)),
        target=Conditions((2100,), (4,), ("babble", "hum"), (-9.0, -2.0)),
        faults={"imbalance": (-6.0, 1.0), "bearing": (-14.0, -4.0)},
        labels={"rpm": "speed", "damper": "load"},
        room=HALL,
        blades=11,
        turbulence=1.3,
        tilt_db=-3.0,
        bearing=Bearing(order=4.31, ring_hz=4100.0),
    ),
    Gearbox(
        name="mixer",
        source=Conditions((840, 960), (1, 2), ("clatter", "airgun"), (-8.0, -1.0)),
        target=Conditions((1080,), (4,), ("airgun", "babble"), (-9.0, -2.0)),
        faults={"broken_tooth": (-10.0, 1.0), "bearing": (-10.0, -1.0)},
        labels={"speed": "speed", "dough": "load", "noise": "noise"},
        teeth=31,
        ratio=4.2,
        churn=0.6,
        casing_hz=2400.0,
        bearing=Bearing(order=5.12, ring_hz=2700.0),
    ),
    SlideRail(
        name="printer",
        source=Conditions((60, 72), (1, 2), ("babble", "clatter"), (-8.0, -1.0)),
        target=Conditions((50,), (3,), ("babble", "hum"), (-9.0, -2.0)),
        faults={"friction": (-5.0, 4.0), "pitted_screw": (-10.0, 0.0)},
        labels={"spd": "speed", "head": "load"},
        room=HALL,
        wander=0.01,
        whine_hz=880.0,
        rolling_hz=(900.0, 4500.0),
        screw_turns=12.0,
        squeal_hz=2600.0,
    ),
    Valve(
        name="injector",
        source=Conditions((240, 300), (2, 3), ("hum", "clatter"), (-8.0, -1.0)),
        target=Conditions((360,), (4,), ("hum", "airgun"), (-9.0, -2.0)),
        faults={"leak": (-16.0, -4.0), "bounce": (-6.0, 4.0)},
        labels={},
        wander=0.02,
        opening_hz=2100.0,
        closing_hz=3100.0,
        click_s=0.002,
        open_share=0.3,
        bounce_s=0.02,
    ),
)
FLEETS = {"dev_data": DEV, "eval_data": EVAL}


# ------------------------------------------------------------------------------------------------ signals
def stream(*key: object) -> Generator:
    """A generator of its own for each key: nothing drawn here depends on what else is drawn."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(key).encode()).digest(), "big"))


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) + 1e-12


def unit(x: np.ndarray) -> np.ndarray:
    return x / rms(x)


def gain(db: float) -> float:
    return 10.0 ** (db / 20.0)


def noise(length: int, rng: Generator, band: tuple[float, float] = (20.0, 8000.0), tilt_db: float = 0.0) -> np.ndarray:
    """(length,) Gaussian noise at unit RMS, second-order slopes outside `band` in Hz, `tilt_db` dB an octave within."""
    n = next_fast_len(length, real=True)
    f = np.maximum(rfftfreq(n, 1 / RATE), 1.0)  # (n/2+1,) Hz
    shape = (f / 1000.0) ** (tilt_db / 6.02) / np.hypot(1.0, (band[0] / f) ** 2) / np.hypot(1.0, (f / band[1]) ** 2)
    bins = rng.standard_normal((len(f), 2), dtype=np.float32).view(np.complex64)[
        :, 0
    ]  # single precision: twice as fast
    return unit(irfft(shape.astype(np.float32) * bins, n)[:length])


def drift(length: int, rng: Generator, hz: float) -> np.ndarray:
    """(length,) random curve of about unit RMS, drawn `hz` times a second and joined by straight lines."""
    knots = rng.standard_normal(math.ceil(length / RATE * hz) + 2)
    return np.interp(np.arange(length) * hz / RATE, np.arange(len(knots)), knots)


def crossings(phase: np.ndarray) -> np.ndarray:
    """Samples at which a rising phase, in turns, passes a whole number."""
    return np.flatnonzero(np.diff(np.floor(phase)) > 0) + 1


def rings(at: np.ndarray, amplitude: np.ndarray, hz: float, decay_s: float, length: int) -> np.ndarray:
    """(length,) sum_i a_i exp(-(t-t_i)/decay_s) sin(2 pi hz (t-t_i)): a damped resonance struck at each sample `at`."""
    t = np.arange(int(8 * decay_s * RATE) + 2) / RATE
    strikes = np.zeros(length)
    inside = at < length
    np.add.at(strikes, at[inside], amplitude[inside])
    return fftconvolve(strikes, np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t))[:length]


def tones(phase: np.ndarray, count: int, rng: Generator) -> np.ndarray:
    """sum_h cos(2 pi h phase + phi_h) / h for h = 1..count, phase in turns, phi_h drawn."""
    turn, total = np.exp(2j * np.pi * phase), np.zeros(len(phase))
    power = np.ones_like(turn)
    for h, shift in enumerate(rng.uniform(0, 2 * np.pi, count), 1):
        power *= turn  # the h-th power costs a product, not a cosine
        total += (np.exp(1j * shift) / h * power).real
    return total


# ------------------------------------------------------------------------------------------------ healthy machines
@dataclass(frozen=True)
class Run:
    """The motion of a machine during a clip."""

    turns: np.ndarray  # (T,) shaft angle or cycle phase, in turns, rising
    load: float  # 0 to 1


def run_at(per_minute: float, load: float, wander: float, length: int, rng: Generator) -> Run:
    """turns(t) = u + integral of per_minute/60 (1 + wander w(t)), w a slow unit-RMS drift, u uniform."""
    speed = per_minute / 60 * (1 + wander * drift(length, rng, 3.0))  # (T,) turns/s
    return Run(rng.uniform() + np.cumsum(speed) / RATE, load)


def fan(m: Fan, run: Run, rng: Generator) -> np.ndarray:
    """Blade-passing tones and turbulence that the blades chop: tones(B turns) + c (1 + 0.3 cos 2 pi B turns) n(t)."""
    blades = m.blades * run.turns
    turbulence = noise(len(blades), rng, (80.0, 7000.0), m.tilt_db) * (1 + 0.3 * np.cos(2 * np.pi * blades))
    return tones(blades, m.tones, rng) + m.turbulence * (0.4 + 0.6 * run.load) * turbulence


def gearbox(m: Gearbox, run: Run, rng: Generator) -> np.ndarray:
    """Mesh harmonics with sidebands of both shafts: (1 + a cos 2 pi turns + b cos 2 pi turns/r) tones(Z turns) + noise.

    a = 0.1 + 0.25 load, b = 0.1; the mesh phase wobbles by 0.01 load turns once a turn (frequency modulation).
    """
    pinion, wheel = np.cos(2 * np.pi * run.turns), np.cos(2 * np.pi * run.turns / m.ratio)
    mesh = tones(m.teeth * run.turns + 0.01 * run.load * pinion, m.harmonics, rng)
    churn = m.churn * noise(len(mesh), rng, (100.0, 5000.0), -3.0)
    return (0.5 + 0.5 * run.load) * (1 + (0.1 + 0.25 * run.load) * pinion + 0.1 * wheel) * mesh + churn


def velocity(m: SlideRail, run: Run) -> np.ndarray:
    """(T,) 0 to 1: trapezium over each of the two strokes of a cycle, then a dwell at rest."""
    stroke = np.mod(2 * run.turns, 1.0)
    return np.clip(np.minimum(stroke, 1 - m.dwell - stroke) / m.ramp, 0.0, 1.0)


def slide_rail(m: SlideRail, run: Run, rng: Generator) -> np.ndarray:
    """v tones(integral of f v) + v rolling noise + a thud at each reversal; payload lowers the pitch by up to 15 %."""
    v = velocity(m, run)
    whine = tones(np.cumsum(v) * m.whine_hz * (1 - 0.15 * run.load) / RATE, 5, rng)
    rolling = (0.4 + 0.6 * run.load) * noise(len(v), rng, m.rolling_hz)
    stops = crossings(2 * run.turns)
    thuds = rings(stops, rng.uniform(0.5, 1.0, len(stops)), 210.0, 0.02, len(v))
    return v * (whine + rolling) + 2 * thuds


def valve_clicks(m: Valve, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Samples at which the valve opens and at which it closes."""
    return crossings(run.turns), crossings(run.turns - m.open_share)


def valve(m: Valve, run: Run, rng: Generator) -> np.ndarray:
    """Solenoid clicks, a damped resonance at each opening and closing, and sqrt(pressure) flow hiss while open."""
    length, (opens, closes) = len(run.turns), valve_clicks(m, run)
    clicks = rings(opens, rng.uniform(0.9, 1.1, len(opens)), m.opening_hz, m.click_s, length)
    clicks += rings(closes, rng.uniform(0.6, 0.8, len(closes)), m.closing_hz, m.click_s, length)
    is_open = np.mod(run.turns, 1.0) < m.open_share
    gate = fftconvolve(is_open, np.hanning(160) / np.hanning(160).sum(), mode="same")  # 10 ms to swing open or shut
    return unit(clicks) + m.flow * math.sqrt(run.load) * gate * noise(length, rng, m.flow_hz)


MODELS: dict[type[Machine], Callable[..., np.ndarray]] = {
    Fan: fan,
    Gearbox: gearbox,
    SlideRail: slide_rail,
    Valve: valve,
}


def healthy(m: Machine, run: Run, rng: Generator) -> np.ndarray:
    """(T,) the machine as it should sound, unit RMS: its loudness in the hall is the SNR's business."""
    return unit(MODELS[type(m)](m, run, rng))


# ------------------------------------------------------------------------------------------------ faults
# Each: healthy sound (T,) at unit RMS, machine, run, severity (RMS of the fault re the machine), generator -> (T,).
def no_fault(x: np.ndarray, m: Machine, run: Run, severity: float, rng: Generator) -> np.ndarray:
    return x


def imbalance(x: np.ndarray, m: Machine, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """(1 + s cos 2 pi turns) x + s unit(tones(turns)): the sound beats once a turn, the mount shakes at 1x to 6x."""
    beat = 1 + min(severity, 1.0) * np.cos(2 * np.pi * run.turns)
    return beat * x + severity * unit(tones(run.turns, 6, rng))


def broken_tooth(x: np.ndarray, m: Gearbox, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """The gap meets the mesh once a pinion turn and strikes the casing resonance."""
    at = crossings(run.turns)
    return x + severity * unit(rings(at, rng.uniform(0.7, 1.3, len(at)), m.casing_hz, m.casing_s, len(x)))


def impacts(turns: np.ndarray, b: Bearing, rng: Generator) -> np.ndarray:
    """(T,) unit-RMS BPFO train: every 1/order turn, give or take `slip`, louder in the load zone (once a turn)."""
    count = int(b.order * np.ptp(turns)) + 1
    at_turns = turns[0] + np.cumsum(1 + b.slip * rng.standard_normal(count)) / b.order
    at = np.searchsorted(turns, at_turns)
    return unit(rings(at, 1 + 0.4 * np.cos(2 * np.pi * at_turns), b.ring_hz, b.ring_s, len(turns)))


def bearing(x: np.ndarray, m: Machine, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """A spall on the outer race of the shaft's bearing."""
    return x + severity * impacts(run.turns, m.bearing, rng)


def pitted_screw(x: np.ndarray, m: SlideRail, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """A spall in the bearing of the lead screw, whose angle is the integral of the velocity: silent at rest."""
    v = velocity(m, run)
    screw = np.cumsum(v + 1e-9) / v.sum() * 2 * np.ptp(run.turns) * m.screw_turns
    return x + severity * impacts(screw, m.bearing, rng)


def friction(x: np.ndarray, m: SlideRail, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """Rub noise along each stroke and, on some strokes, a stick-slip squeal (a saw tooth whose pitch wavers by 2 %)."""
    v = velocity(m, run)
    strokes = np.floor(2 * (run.turns - run.turns[0])).astype(int)
    squealing = rng.uniform(0.0, 1.0, strokes[-1] + 1)[strokes] ** 2
    pitch = m.squeal_hz * (1 + 0.02 * drift(len(x), rng, 20.0))
    squeal = tones(np.cumsum(pitch) / RATE, 3, rng)
    return x + severity * unit(v * (noise(len(x), rng, (1000.0, 6000.0)) + 1.5 * squealing * squeal))


def leak(x: np.ndarray, m: Valve, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """A jet through the seat: hiss in the high band all the time, amplitude ~ sqrt(pressure)."""
    return x + severity * math.sqrt(run.load) * noise(len(x), rng, m.leak_hz)


def bounce(x: np.ndarray, m: Valve, run: Run, severity: float, rng: Generator) -> np.ndarray:
    """A weak spring: the armature rebounds after each closing, each time sooner and softer (restitution 0.6)."""
    _, closes = valve_clicks(m, run)
    hops = m.bounce_s * np.cumsum(0.6 ** np.arange(4))  # (4,) s after the click
    at = (closes[:, None] + RATE * hops * rng.uniform(0.9, 1.1, (len(closes), 1))).astype(int)
    loudness = np.broadcast_to(0.6 ** np.arange(4), at.shape)
    return x + severity * unit(rings(at.ravel(), loudness.ravel(), m.closing_hz, m.click_s, len(x)))


FAULTS: dict[str, Callable[..., np.ndarray]] = {
    f.__name__: f for f in (no_fault, imbalance, broken_tooth, bearing, pitted_screw, friction, leak, bounce)
}


# ------------------------------------------------------------------------------------------------ factory noise
def hum(length: int, rng: Generator) -> np.ndarray:
    """Air conditioning: 50 Hz hum with harmonics over a rumble that falls by 5 to 7 dB an octave."""
    mains = tones(np.arange(length) * rng.uniform(49.5, 50.5) / RATE + rng.uniform(), 6, rng)
    return unit(0.4 * mains) * 0.4 + noise(length, rng, (30.0, 7000.0), rng.uniform(-7.0, -5.0))


def clatter(length: int, rng: Generator) -> np.ndarray:
    """Conveyor: about eight knocks a second on six bodies of different pitch, over its rolling."""
    knocks = np.zeros(length)
    for hz in np.geomspace(300.0, 4500.0, 6) * rng.uniform(0.8, 1.25, 6):
        at = np.sort(rng.integers(0, length, rng.poisson(1.4 * length / RATE) + 1))
        knocks += rings(at, rng.lognormal(0.0, 0.5, len(at)), hz, rng.uniform(0.008, 0.03), length)
    return unit(knocks) + 0.7 * noise(length, rng, (60.0, 5000.0), -4.0)


def airgun(length: int, rng: Generator) -> np.ndarray:
    """Compressed air: blasts of 0.2 to 1 s about once a second over a steady wheeze."""
    jet = noise(length, rng, (900.0, 7500.0), 1.0)
    blasts = np.clip(drift(length, rng, rng.uniform(2.0, 3.5)), 0.0, 1.5)
    return unit((0.25 + blasts) * jet) + 0.5 * noise(length, rng, (40.0, 3000.0), -5.0)


def babble(length: int, rng: Generator) -> np.ndarray:
    """Talk-like noise: four speech bands, each with its own envelope of 3 to 6 Hz."""
    bands = ((120.0, 400.0), (400.0, 1000.0), (1000.0, 2400.0), (2400.0, 5500.0))
    weights = (1.0, 0.8, 0.4, 0.2)
    voices = (
        w * noise(length, rng, b) * np.exp(0.8 * drift(length, rng, 5.0)) for w, b in zip(weights, bands, strict=True)
    )
    return sum(voices)


NOISES: dict[str, Callable[[int, Generator], np.ndarray]] = {f.__name__: f for f in (hum, clatter, airgun, babble)}


# ------------------------------------------------------------------------------------------------ room
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


# ------------------------------------------------------------------------------------------------ clips
@dataclass(frozen=True)
class Clip:
    """Which clip; its repr is the key of its random streams."""

    domain: str
    split: str
    condition: str
    number: int


@dataclass(frozen=True)
class Scene:
    """Every number drawn for a clip but the waveforms."""

    speed: int  # turns or cycles a minute
    load: int  # level 1 to 4
    noise: int  # 1-based number of the first source's kind in NOISES
    kinds: tuple[str, ...]  # of each noise source
    places: tuple[int, ...]  # of each noise source
    snr_db: float  # dB at the near microphone
    level_db: float  # dBFS
    fault: str  # key of FAULTS
    severity_db: float  # dB re the healthy machine


def draw_scene(m: Machine, clip: Clip, seed: int) -> Scene:
    rng = stream(seed, m.name, clip, "scene")
    c: Conditions = getattr(m, clip.domain)
    count = 1 + rng.choice(PLACES, p=COUNT_SHARES)
    kinds = tuple(str(k) for k in rng.choice(c.noises, count))
    places = tuple(int(p) for p in rng.permutation(PLACES)[:count])
    faults = {"normal": {"no_fault": (0.0, 0.0)}, "anomaly": m.faults}[clip.condition]
    fault = sorted(faults)[clip.number % len(faults)]
    speed, load = int(rng.choice(c.speeds)), int(rng.choice(c.loads))
    numbers = [float(rng.uniform(*limits)) for limits in (c.snr_db, LEVEL_DB, faults[fault])]
    snr_db, level_db, severity_db = numbers
    return Scene(speed, load, [*NOISES].index(kinds[0]) + 1, kinds, places, snr_db, level_db, fault, severity_db)


def attributes(m: Machine, scene: Scene) -> list[tuple[str, str]]:
    return [(label, str(getattr(scene, name))) for label, name in m.labels.items()]


def clip_name(m: Machine, clip: Clip, seed: int) -> str:
    pairs = attributes(m, draw_scene(m, clip, seed))
    text = "_".join(f"{key}_{value}" for key, value in pairs) or "noAttribute"
    return f"section_00_{clip.domain}_{clip.split}_{clip.condition}_{clip.number:04d}_{text}.wav"


def through(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(PRE_ROLL + T,) through (C, L) -> (C, T)."""
    return fftconvolve(x[None].astype(np.float32), response, axes=1)[:, PRE_ROLL : len(x)]


def mixture(m: Machine, clip: Clip, room: np.ndarray, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(2, T) machine and (2, T) noise as they reach the microphones, at the scene's SNR.

    The SNR refers to the machine without its fault: a fault adds energy, it does not turn the machine down.
    """
    scene, rng = draw_scene(m, clip, seed), stream(seed, m.name, clip, "sound")
    run = run_at(scene.speed, scene.load / 4, m.wander, PRE_ROLL + length, rng)
    sound = healthy(m, run, rng)
    faulty = FAULTS[scene.fault](sound, m, run, gain(scene.severity_db), rng)
    sources = zip(scene.kinds, scene.places, strict=True)
    din = sum(through(unit(NOISES[kind](PRE_ROLL + length, rng)), room[1 + place]) for kind, place in sources)
    reference = rms(through(sound, room[0, :1]))
    return through(faulty, room[0]), din * reference / rms(din[0]) * gain(-scene.snr_db)


def render(m: Machine, clip: Clip, room: np.ndarray, length: int, seed: int) -> np.ndarray:
    """(T, 2) int16, the mixture at the scene's level with the microphones' own noise."""
    mix = sum(mixture(m, clip, room, length, seed))
    mix = mix / rms(mix[0]) * gain(draw_scene(m, clip, seed).level_db)
    mix += gain(SELF_NOISE_DB) * stream(seed, m.name, clip, "self-noise").standard_normal(mix.shape)
    return np.round(np.clip(mix, -1.0, 32767 / 32768) * 32767).astype(np.int16).T


# ------------------------------------------------------------------------------------------------ files
def training_clips(size: Size) -> list[Clip]:
    counts = {"source": size.source, "target": size.target}
    return [Clip(domain, "train", "normal", i) for domain, count in counts.items() for i in range(count)]


def test_clips(size: Size) -> list[Clip]:
    return [Clip(d, "test", c, i) for d in DOMAINS for c in ("normal", "anomaly") for i in range(size.test)]


def named(m: Machine, clips: Sequence[Clip], seed: int) -> dict[str, Clip]:
    return {f"{clip.split}/{clip_name(m, clip, seed)}": clip for clip in clips}


def anonymous(m: Machine, clips: Sequence[Clip], seed: int) -> dict[str, Clip]:
    """Shuffled before numbering and rendered in that order, so that not even the files' times tell the label."""
    order = stream(seed, m.name, "order").permutation(len(clips))
    return {f"test/section_00_{n:04d}.wav": clips[k] for n, k in enumerate(order)}


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """The CSV appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with open(partial, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator="\n").writerows(rows)
    os.replace(partial, path)


def write_attributes(folder: Path, m: Machine, clips: dict[str, Clip], seed: int) -> None:
    header = ["file_name", *(f"d{i}{kind}" for i in range(1, len(m.labels) + 1) for kind in "pv")]
    pairs = {path: attributes(m, draw_scene(m, clip, seed)) for path, clip in clips.items()}
    rows = [[f"{m.name}/{path}", *(text for pair in row for text in pair)] for path, row in pairs.items()]
    write_rows(folder / "attributes_00.csv", [header, *rows])


def read_truth(path: Path) -> dict[str, list[list[str]]]:
    """{machine: its rows} of a truth file; none where there is no file. A row of one field opens a machine."""
    blocks: dict[str, list[list[str]]] = {}
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
    for line, row in enumerate(rows, 1):
        if len(row) == 1:
            blocks[row[0]] = []
        elif len(row) == 2 and blocks:
            blocks[[*blocks][-1]].append(row)
        else:
            raise ValueError(f"{path}:{line}: {row} found, a machine or 'anonymous.wav,true_name.wav' expected")
    return blocks


def write_truth(path: Path, m: Machine, clips: dict[str, Clip], seed: int) -> None:
    """The machine's block is put in, or replaced, in the file of all machines, which stand in the fleet's order."""
    blocks = read_truth(path)
    blocks[m.name] = [[Path(test).name, clip_name(m, clip, seed)] for test, clip in clips.items()]
    ordered = [*(e.name for e in EVAL if e.name in blocks), *sorted(set(blocks) - {e.name for e in EVAL})]
    write_rows(path, [row for name in ordered for row in ([name], *blocks[name])])


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden neighbour to fill, renamed to `folder` on success and removed on failure."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        os.rename(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_clips(folder: Path, m: Machine, clips: dict[str, Clip], size: Size, seed: int) -> None:
    rooms = {domain: responses(m, domain, seed) for domain in DOMAINS}
    length = round(size.seconds * RATE)

    def write(item: tuple[str, Clip]) -> None:
        sf.write(folder / item[0], render(m, item[1], rooms[item[1].domain], length, seed), RATE, subtype="PCM_16")

    for split in ("train", "test"):
        (folder / split).mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(tqdm(pool.map(write, clips.items()), m.name, len(clips), unit="clip", disable=None))


def write_dev(raw: Path, m: Machine, size: Size, seed: int) -> None:
    clips = named(m, [*training_clips(size), *test_clips(size)], seed)
    with staged(raw / m.name) as folder:
        write_clips(folder, m, clips, size, seed)
        write_attributes(folder, m, clips, seed)


def write_eval(raw: Path, m: Machine, size: Size, seed: int) -> None:
    train, test = named(m, training_clips(size), seed), anonymous(m, test_clips(size), seed)
    with staged(raw / m.name) as folder:
        write_clips(folder, m, train | test, size, seed)
        write_attributes(folder, m, train, seed)
        write_truth(raw.parent / "eval_data_list.csv", m, test, seed)


WRITERS = {"dev_data": write_dev, "eval_data": write_eval}


# ------------------------------------------------------------------------------------------------ command line
def hint(name: str, fleet: Iterable[str]) -> str:
    """The likely mistake behind an unknown name, if one is likely."""
    homes = [split for split, machines in FLEETS.items() if name in {m.name for m in machines}]
    near = difflib.get_close_matches(name, fleet, n=1)
    return "".join(
        [f"; {name} is a machine of {h} (see --eval)" for h in homes] or [f"; did you mean {n}?" for n in near]
    )


def pick(names: Sequence[str], split: str) -> list[Machine]:
    """The machines asked for, in the fleet's order. ValueError: a name the split does not have."""
    fleet = {m.name: m for m in FLEETS[split]}
    for name in names:
        if name not in fleet:
            raise ValueError(f"--machines: '{name}' found, {', '.join(fleet)} allowed in {split}{hint(name, fleet)}")
    return [m for m in fleet.values() if m.name in names]


def refuse_existing(raw: Path, machines: Sequence[Machine]) -> None:
    """ValueError where a machine's folder is already there: two data sets would mix."""
    for folder in (raw / m.name for m in machines):
        if folder.exists():
            raise ValueError(f"OUT: {folder} found, a new data set would mix with it; take another OUT or remove it")


def parse(arguments: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="the data folder; dev_data/ or eval_data/ is made in it")
    parser.add_argument("--machines", nargs="+", metavar="NAME", help="default: all of the split")
    parser.add_argument("--train", nargs=2, type=int, metavar=("SOURCE", "TARGET"), help="training clips a domain")
    parser.add_argument("--test", type=int, metavar="N", help="test clips of each domain and condition")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of a clip")
    parser.add_argument("--eval", dest="split", action="store_const", const="eval_data", default="dev_data")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--size", choices=SIZES, default="small", help="default: small")
    return parser, parser.parse_args(arguments)


def size_of(args: argparse.Namespace) -> Size:
    source, target = args.train or (None, None)
    asked = {"source": source, "target": target, "test": args.test, "seconds": args.seconds}
    return replace(SIZES[args.size], **{name: value for name, value in asked.items() if value is not None})


def main(arguments: Sequence[str] | None = None) -> None:
    parser, args = parse(arguments)
    raw = args.out / args.split / "raw"
    try:
        size = size_of(args)
        machines = pick(args.machines or [m.name for m in FLEETS[args.split]], args.split)
        refuse_existing(raw, machines)
        read_truth(raw.parent / "eval_data_list.csv")  # a broken one is found now, not after the rendering
        for m in machines:
            WRITERS[args.split](raw, m, size, args.seed)
            print(f"{m.name}: {size.source} + {size.target} training, 4 x {size.test} test clips of {size.seconds:g} s")
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"next: python run.py -{args.split[0]} baseline_mse --data {args.out}")


if __name__ == "__main__":
    main()
