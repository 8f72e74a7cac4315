"""The distilled student of ssd, then the improved autoencoder with s1's scoring, ten seeds.

Shoda et al. ("Spectral-to-spatial distillation") for the front-end, Kim 2026 (noise-aware reference denoising) for
what follows.
"""

from dataclasses import replace

from asd.frontends import Distilled
from systems.s1 import SYSTEM as S1
from systems.ssd import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(S1, frontend=Distilled())
