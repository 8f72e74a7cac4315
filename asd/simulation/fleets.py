"""The simulated machines: four of the development set, four others, of the same families, of the evaluation set."""

from __future__ import annotations

from collections.abc import Sequence

from asd.errors import BadInput, unknown_machine
from asd.simulation.machines import Bearing, Conditions, Fan, Gearbox, Machine, SlideRail, Valve

HALL = (11.0, 8.0, 4.0)  # m
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


def pick(names: Sequence[str], split: str) -> list[Machine]:
    """The machines asked for, in the fleet's order. Raises BadInput for a name the split does not have."""
    fleet = {m.name: m for m in FLEETS[split]}
    for name in names:
        if name not in fleet:
            raise other_split(name, split) or unknown_machine(split, name, [*fleet])
    return [m for m in fleet.values() if m.name in names]


def other_split(name: str, split: str) -> BadInput | None:
    """The error for a machine of another split, if `name` is one."""
    homes = [home for home, machines in FLEETS.items() if name in {m.name for m in machines}]
    return BadInput(f"{split}: {name} is a machine of {homes[0]} (see --eval)") if homes else None
