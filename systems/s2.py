"""S2: refsub's trained networks re-scored as the champion's.

Kim 2026 (noise-aware reference denoising), Table 3; published development Ω .6308. The numbers are in yaml/s2.yaml.
"""

from systems.refsub import SYSTEM

__all__ = ["SYSTEM"]
