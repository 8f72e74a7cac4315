"""Negative result: a small normalizing flow behind adasub's front-end, in place of the autoencoder.

Kim 2026 (noise-aware reference denoising), sec. 4.2, where fused with the champion it shows no robust signal
(`-d s3 --set members=s1,flow`).
"""

from dataclasses import replace

from asd.detectors import Blend, ClipFolds, FlowDetector
from systems.adasub import QUICK
from systems.adasub import SYSTEM as ADASUB
from systems.ae import DETECTOR

__all__ = ["QUICK", "SYSTEM"]

FLOW = FlowDetector(training=DETECTOR.training, validation=ClipFolds(), scoring=Blend(alpha=1.0))
SYSTEM = replace(ADASUB, detector=FLOW)
