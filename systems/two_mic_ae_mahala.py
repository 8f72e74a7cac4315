"""Two-microphone autoencoder, MAHALA: the same trained autoencoder, a selective Mahalanobis score of each channel.

Luzón-Álvarez et al. 2025 (two-microphone autoencoder), eqs. (7) to (9). It shares two_mic_ae_mse's training at equal α.
"""

from dataclasses import replace

from asd.detectors import SelectiveMahalanobis
from systems.two_mic_ae_mse import DETECTOR, QUICK
from systems.two_mic_ae_mse import SYSTEM as MSE

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(MSE, detector=replace(DETECTOR, scoring=SelectiveMahalanobis()))
