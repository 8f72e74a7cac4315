"""Semi-denoising U-Net in front of the organisers' baseline, MAHALA: the same trainings, selective Mahalanobis score.

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report). It shares semi_denoise's trainings.
"""

from dataclasses import replace

from asd.detectors import SelectiveMahalanobis
from systems.semi_denoise import DETECTOR, QUICK
from systems.semi_denoise import SYSTEM as MSE

__all__ = ["QUICK", "SYSTEM"]

BEHIND = replace(DETECTOR.detector, scoring=SelectiveMahalanobis())
SYSTEM = replace(MSE, detector=replace(DETECTOR, detector=BEHIND))
