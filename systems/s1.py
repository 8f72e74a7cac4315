"""S1, champion: adasub's trained networks re-scored with domain means, target shrinkage and the 95th percentile.

Kim 2026 (noise-aware reference denoising), sec. 4.2; published development Ω .6431 ± .0057 per seed, .6544 ensemble.
No network is trained that adasub has trained.
"""

from dataclasses import replace

from asd.detectors import Blend
from systems.adasub import QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "RESCORING", "SYSTEM"]

RESCORING = Blend(
    domain_mean=1.0,  # DM: each domain's own mean residual in both terms
    target_weight=0.5,  # shrinkage: half the target's own covariance, half the shared one (chosen: the middle)
    percentile=95.0,  # P95 over frames
)
SYSTEM = replace(ADASUB, detector=replace(DETECTOR, scoring=RESCORING))
