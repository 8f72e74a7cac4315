"""Negative result: adasub's trained networks scored with a Ledoit-Wolf covariance in place of the ridge.

Kim 2026 (noise-aware reference denoising), sec. 3.1, where it adds +0.0003 to Ω.
"""

from dataclasses import replace

from asd.detectors import Blend, LedoitWolf
from systems.adasub import QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(ADASUB, detector=replace(DETECTOR, scoring=Blend(covariance=LedoitWolf())))
