"""One step of s1: adasub's trained networks re-scored with domain means alone.

Kim 2026 (noise-aware reference denoising), sec. 4.2, which gives the three steps together only (s1).
"""

from dataclasses import replace

from asd.detectors import Blend
from systems.adasub import QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(ADASUB, detector=replace(DETECTOR, scoring=Blend(domain_mean=1.0)))
