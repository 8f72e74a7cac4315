"""Negative result: the improved autoencoder behind the MMSE log-spectral amplitude estimator.

Kim 2026 (noise-aware reference denoising), sec. 3.3, where it over-suppresses and is not adopted.
"""

from dataclasses import replace

from asd.frontends import LogSpectralAmplitude
from systems.ae import QUICK
from systems.ae import SYSTEM as AE

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(AE, frontend=LogSpectralAmplitude())
