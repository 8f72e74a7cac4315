"""What Zenodo holds of DCASE Task 2, 2023 to 2026: three releases a year, their machines, names of zips, known MD5s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asd.errors import unknown_machine

ZENODO = "https://zenodo.org"
NEWEST = 2026
KNOWN_MD5 = {
    2026: {
        "dev_ToyCar_r2.zip": "353201db217e25377a7e7eccf9c1c8a7",
        "eval_data_BlowerDustCollector_train.zip": "e79342948772cf51e50ff601cd9621f3",
        "eval_data_Sander_train.zip": "6cbcfbc65a09c4f3d00b9a55c50502ec",
        "eval_data_SewingMachine_train.zip": "74d08cacba3da88753badd69d19e577b",
        "eval_data_ToothBrush_train.zip": "6fa5f81796b5d37b3ed24bb8eff2ea25",
        "eval_data_ToyDrone_train.zip": "af3e4040ef7c67d7ee920608d0c38d82",
        "eval_data_BlowerDustCollector_test.zip": "ec90d56f189e84e6430fb2878c59cb84",
        "eval_data_Sander_test.zip": "05f81c9a80e91c7b3cea15f8e8559b44",
        "eval_data_SewingMachine_test.zip": "f0a1a96b48006c301e8cec25e9214046",
        "eval_data_ToothBrush_test.zip": "987395506fbb48c570d5d26babcab05e",
        "eval_data_ToyDrone_test.zip": "b36102371c188b630d201d443a00bab2",
    },
}  # 2023's ToyDrone and 2024's ToothBrush have zips of the same names


@dataclass(frozen=True)
class Release:
    """One Zenodo record of the challenge."""

    title: str
    record: int
    raw: str  # folder below --out that holds one folder per machine
    splits: tuple[str, ...]  # folders that each machine's zip brings
    machines: tuple[str, ...]
    pattern: str  # of the zip's name, {} for the machine
    year: int = NEWEST
    replaced: tuple[str, ...] = ()  # zips corrected since, now `..._r2.zip`; they still unpack as <machine>/
    licence: str = "not known to this kit"
    second_hand: bool = True  # record and names are of the organisers' download tables, never compared with Zenodo

    def zip_name(self, machine: str) -> str:
        name = self.pattern.format(machine)
        return name.replace(".zip", "_r2.zip") if name in self.replaced else name


def releases_of(year: int, records: tuple[int, int, int], dev: str, evaluated: str, **more: Any) -> dict[str, Release]:
    """`records` of the three releases, machines of the first and of the other two as words, `more` fields of each."""
    of_dev, of_eval = tuple(dev.split()), tuple(evaluated.split())
    rows = {
        "dev": ("development set", records[0], "dev_data/raw", ("train", "test"), of_dev, "dev_{}.zip"),
        "train": (
            "additional training set",
            records[1],
            "eval_data/raw",
            ("train",),
            of_eval,
            "eval_data_{}_train.zip",
        ),
        "eval": ("evaluation set", records[2], "eval_data/raw", ("test",), of_eval, "eval_data_{}_test.zip"),
    }
    return {name: Release(*row, year=year, **more) for name, row in rows.items()}


OLDER = "bearing fan gearbox slider ToyCar ToyTrain valve"  # development machines of 2023 to 2025
RELEASES = {
    2023: releases_of(
        2023,
        (7882613, 7830345, 7860847),
        OLDER,
        "bandsaw grinder shaker ToyDrone ToyNscale ToyTank Vacuum",
    ),
    2024: releases_of(
        2024,
        (10902294, 11259435, 11363076),
        OLDER,
        "3DPrinter AirCompressor BrushlessMotor HairDryer HoveringDrone RoboticArm Scanner ToothBrush ToyCircuit",
        replaced=("eval_data_3DPrinter_train.zip", "eval_data_RoboticArm_train.zip"),
    ),
    2025: releases_of(
        2025,
        (15097779, 15392814, 15519362),
        OLDER,
        "AutoTrash BandSealer CoffeeGrinder HomeCamera Polisher ScrewFeeder ToyPet ToyRCCar",
    ),
    2026: releases_of(
        2026,
        (19336329, 20151556, 20437238),
        "ToyCar ToyCarEmu bearingEmu fan gearboxEmu sliderEmu valveEmu",
        "BlowerDustCollector Sander SewingMachine ToothBrush ToyDrone",
        replaced=("dev_ToyCar.zip",),
        licence="CC BY-NC-SA 4.0: name the authors, no commercial use, share alike",
        second_hand=False,
    ),
}


def chosen_machines(release: Release, wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in release.machines:
            raise unknown_machine(f"{release.title} of {release.year}", name, release.machines)
    return list(dict.fromkeys(wanted or release.machines))
