"""Negative result: neighbours of adasub's mean bottleneck embeddings; no network is trained that adasub has trained.

Kim 2026 (noise-aware reference denoising), sec. 4.2, where fused with the champion it shows no robust signal
(`-d s3 --set members=s1,bottleneck_knn`).
"""

from dataclasses import replace

from asd.calibration import NormalStandardised
from asd.detectors import BottleneckNeighbours
from systems.adasub import QUICK as ADASUB_QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "SYSTEM"]

QUICK = tuple(number.replace("detector.", "detector.autoencoder.") for number in ADASUB_QUICK)
SYSTEM = replace(ADASUB, detector=BottleneckNeighbours(DETECTOR), calibration=NormalStandardised())
