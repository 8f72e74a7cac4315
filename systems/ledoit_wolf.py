"""Negative result: adasub's trained networks scored with a Ledoit-Wolf covariance.

Kim 2026 (noise-aware reference denoising), sec. 3.1, where it adds +0.0003 to Ω.
"""

from systems.adasub import SYSTEM

__all__ = ["SYSTEM"]
