"""Scenes: every number drawn for a clip but its waveforms, and the file name that tells some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asd.clips import ClipName, anonymous_name
from asd.simulation.clips import SimulatedClip
from asd.simulation.machines import Conditions, Machine
from asd.simulation.noises import NOISES
from asd.simulation.rooms import PLACES
from asd.simulation.signals import stream

SECTION = "00"
COUNT_SHARES = (0.5, 0.3, 0.2)  # of the clips with 1, 2, 3 noise sources
LEVEL_DB = (-36.0, -32.0)  # dBFS, RMS of the near channel


@dataclass(frozen=True)
class Scene:
    speed: int  # turns or cycles per minute
    load: int  # level 1 to 4
    noise: int  # 1-based number of the first source's kind in NOISES
    kinds: tuple[str, ...]  # of each noise source
    places: tuple[int, ...]  # of each noise source
    snr_db: float  # dB at the near microphone
    level_db: float  # dBFS
    fault: str  # key of FAULTS
    severity_db: float  # dB re the healthy machine


def draw_scene(m: Machine, clip: SimulatedClip, seed: int) -> Scene:
    """The order of the draws is part of the data set: another order gives other clips."""
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


def clip_name(m: Machine, clip: SimulatedClip, seed: int) -> ClipName:
    scene = draw_scene(m, clip, seed)
    pairs = tuple((label, str(getattr(scene, name))) for label, name in m.labels.items())
    return ClipName(SECTION, clip.domain, clip.split, clip.condition, clip.number, pairs)


def named(m: Machine, clips: Sequence[SimulatedClip], seed: int) -> dict[str, SimulatedClip]:
    """{<split>/<telling name>: clip}."""
    return {f"{clip.split}/{clip_name(m, clip, seed).file_name}": clip for clip in clips}


def anonymous(m: Machine, clips: Sequence[SimulatedClip], seed: int) -> dict[str, SimulatedClip]:
    """{test/<anonymous name>: clip}, shuffled. Rendered in this order, not even the files' times tell the label."""
    order = stream(seed, m.name, "order").permutation(len(clips))
    return {f"test/{anonymous_name(SECTION, n)}": clips[k] for n, k in enumerate(order)}
