"""The bench: mixtures (C, T) with their clean machine sound, a reference clip (T,), and the store of what is done.

<out>/<machine>_<key>/            table.md, <method>.json, timing.json and figures: to be read, never read back
<out>/<machine>_<key>/store/      what is not done again; store/<method>/ holds all of one method
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from asd.clips import RATE
from asd.contracts import Arrays, Record
from asd.frontends import Distilled
from asd.frontends.distillation.teachers import Teacher
from asd.programs.separation_benchmark.options import Options
from asd.separation.mixtures import Mixture, Scene, rms
from asd.sound_files import write_sound
from asd.store import Store, key_of, write_json


@dataclass(frozen=True)
class Bench:
    """Everything the methods have in common."""

    options: Options
    scene: Scene
    record: Record  # of all that decides a figure, but for the method

    @property
    def folder(self) -> Path:
        return self.options.out / f"{self.options.machine.name}_{key_of(self.record)[:8]}"

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    @cached_property
    def train(self) -> list[Mixture]:
        """One less than `--train`, which counts the reference clip too."""
        return self.scene.train(self.options.train - 1, self.options.seed)

    @cached_property
    def peers_train(self) -> list[Mixture]:
        return self.scene.peers(self.options.peers_train, self.options.seed)

    @cached_property
    def test(self) -> list[Mixture]:
        return self.scene.test(self.options.test, self.options.seed)

    @cached_property
    def examples(self) -> tuple[int, int]:
        """Test mixtures of figure 4, a normal and an anomalous one: those whose noise is the most uneven over time.

        Chosen by the mixtures alone, before any method was measured.
        """
        by_unevenness = np.argsort([-unevenness(m) for m in self.test], kind="stable")
        is_anomaly = np.array([self.test[i].is_anomaly for i in by_unevenness])
        return int(by_unevenness[~is_anomaly][0]), int(by_unevenness[is_anomaly][0])

    @cached_property
    def reference(self) -> np.ndarray:
        """(T,) with a peak of 0.5: the same samples for every method, students read them from a file."""
        found = self.scene.reference().astype(np.float32)
        return 0.5 * found / np.abs(found).max()

    def reference_file(self) -> Path:
        path = self.store.path("reference", self.record).with_suffix(".wav")
        if not path.exists():
            write_sound(path, self.reference, RATE, "FLOAT")
        return path

    def distilled(self, teacher: Teacher) -> Distilled:
        """The front-end with the reference clip and the numbers of the options."""
        return self.options.distilled(teacher, str(self.reference_file()))

    def once(self, name: str, record: Record, compute: Callable[[], Arrays]) -> Arrays:
        """From the store under `name`, or computed now; its columns are written as <name>.json too."""

        def written() -> Arrays:
            found = compute()
            shown = {field: array.tolist() for field, array in found.items() if array.ndim < 2}
            write_json(self.folder / f"{name}.json", shown)
            return found

        return self.store.once(name, record, written)


def unevenness(mixture: Mixture) -> float:
    """How unlike the two halves' noise is, dB."""
    halves = np.array_split(mixture.wave[0] - mixture.clean, 2)
    return float(abs(np.subtract(*(20 * np.log10(rms(half) + 1e-9) for half in halves))))
