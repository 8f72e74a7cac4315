"""The improved autoencoder behind reference subtraction with an adaptive factor.

Kim 2026 (noise-aware reference denoising), sec. 3.2; published development Ω .6370 ± .0062 a seed, .6470 ensemble.
"""

from dataclasses import replace

from asd.frontends import AdaSub
from systems.ae import QUICK
from systems.ae import SYSTEM as AE

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(AE, frontend=AdaSub())
