"""Negative result: adasub trained on absolute in place of squared errors.

Kim 2026 (noise-aware reference denoising), sec. 4.2: changes of the training objective are harmful; it does not
name them.
"""

from dataclasses import replace

from asd.detectors import AbsoluteError
from systems.adasub import QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(ADASUB, detector=replace(DETECTOR, objective=AbsoluteError()))
