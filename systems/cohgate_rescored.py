"""cohgate's trained networks with s1's scoring, for s3_rescored.

Kim 2026 (noise-aware reference denoising), secs. 3.3 and 4.2.
"""

from dataclasses import replace

from systems.ae import DETECTOR
from systems.cohgate import QUICK
from systems.cohgate import SYSTEM as COHGATE
from systems.s1 import RESCORING

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(COHGATE, detector=replace(DETECTOR, scoring=RESCORING))
