"""Teachers: spectral filters whose output a student learns. A clip (C, T) in, its near channel with less noise out.

`open` gets the machine's training-normal waves and a reference clip once and returns the function of one clip.
AudioSepTeacher, the paper's, is in `audiosep`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from asd.contracts import Wave
from asd.frontends.subtraction import AdaSub

Separate = Callable[[Wave], np.ndarray]  # (C, T) -> (T,) float32


@runtime_checkable
class Teacher(Protocol):
    """A class variable `learns`, False, says that `open` takes nothing from the training clips: a target then outlasts
    their replacement.
    """

    def files(self) -> tuple[Path, ...]:
        """What it reads besides waves."""

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        """Training-normal waves (C, T), reference (T,)."""


@dataclass(frozen=True)
class AdaSubTeacher:
    """The sound of the front-end AdaSub: needs two channels, nothing pretrained."""

    subtraction: AdaSub = AdaSub()

    def files(self) -> tuple[Path, ...]:
        return ()

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        fitted = self.subtraction.fit(wave[:2] for wave in waves)
        return lambda wave: fitted.sound(wave[:2])[0]
