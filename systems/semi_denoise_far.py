"""Semi-denoising U-Net whose noise is the far channel of other clips, in front of the organisers' baseline, MSE.

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report) for two channels: the report had no far microphone.
"""

from dataclasses import replace

from asd.detectors import FarChannel
from asd.features import LogMelPair
from asd.frontends import NearAndFar
from systems.semi_denoise import DETECTOR, QUICK
from systems.semi_denoise import SYSTEM as ONE_CHANNEL

__all__ = ["QUICK", "SYSTEM"]

DETECTOR = replace(DETECTOR, noise=FarChannel())
SYSTEM = replace(ONE_CHANNEL, frontend=NearAndFar(), features=LogMelPair(), detector=DETECTOR)
