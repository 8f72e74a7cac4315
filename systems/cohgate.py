"""The improved autoencoder behind a gate on the near-far coherence.

Kim 2026 (noise-aware reference denoising), eq. (4); published development Ω .6035 ± .0044 a seed.
"""

from dataclasses import replace

from asd.frontends import CohGate
from systems.ae import QUICK
from systems.ae import SYSTEM as AE

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(AE, frontend=CohGate())
