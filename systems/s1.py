"""S1, champion: adasub's trained networks re-scored with domain means, target shrinkage and the 95th percentile.

Kim 2026 (noise-aware reference denoising), sec. 4.2; published development Ω .6431 ± .0057 a seed, .6544 ensemble.
The numbers of the re-scoring are in yaml/s1.yaml; no network is trained that adasub has trained.
"""

from systems.adasub import SYSTEM

__all__ = ["SYSTEM"]
