"""S2: refsub's trained networks re-scored as the champion's.

Kim 2026 (noise-aware reference denoising), Table 3; published development Ω .6308.
"""

from dataclasses import replace

from systems.ae import DETECTOR
from systems.refsub import QUICK
from systems.refsub import SYSTEM as REFSUB
from systems.s1 import RESCORING

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(REFSUB, detector=replace(DETECTOR, scoring=RESCORING))
