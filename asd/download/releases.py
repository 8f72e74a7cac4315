"""What Zenodo holds of DCASE 2026 Task 2: three releases, their machines, the names of their zips, known MD5s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asd.errors import unknown_machine

ZENODO = "https://zenodo.org"
LICENCE = "CC BY-NC-SA 4.0: name the authors, no commercial use, share alike"

DEV = ("ToyCar", "ToyCarEmu", "bearingEmu", "fan", "gearboxEmu", "sliderEmu", "valveEmu")
EVAL = ("BlowerDustCollector", "Sander", "SewingMachine", "ToothBrush", "ToyDrone")
KNOWN_MD5 = {
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
}


@dataclass(frozen=True)
class Release:
    """One Zenodo record of the challenge."""

    title: str
    record: int
    raw: str  # folder below --out that holds one folder per machine
    splits: tuple[str, ...]  # folders that each machine's zip brings
    machines: tuple[str, ...]
    pattern: str  # of the zip's name, {} for the machine

    def zip_name(self, machine: str) -> str:
        name = self.pattern.format(machine)
        return REPLACED.get(name, name)


RELEASES = {
    "dev": Release("development set", 19336329, "dev_data/raw", ("train", "test"), DEV, "dev_{}.zip"),
    "train": Release("additional training set", 20151556, "eval_data/raw", ("train",), EVAL, "eval_data_{}_train.zip"),
    "eval": Release("evaluation set", 20437238, "eval_data/raw", ("test",), EVAL, "eval_data_{}_test.zip"),
}
REPLACED = {"dev_ToyCar.zip": "dev_ToyCar_r2.zip"}  # a corrected zip, which still unpacks as ToyCar/


def chosen_machines(release: Release, wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in release.machines:
            raise unknown_machine(release.title, name, release.machines)
    return list(dict.fromkeys(wanted or release.machines))
