"""Two-microphone autoencoder, MSE: near and difference channel share one latent, squared residuals weighed by α.

Luzón-Álvarez et al. 2025 (two-microphone autoencoder); published on MIMII (their Table 1), not on DCASE 2026 data. The
reference is the near microphone, or the first of any pair; the seed is the baseline's, so that the two compare.
"""

from asd.calibration import GammaStandardised
from asd.detectors import ClipFolds, MeanSquaredError, TwoMicrophoneAutoEncoder
from asd.features import LogMelPair
from asd.frontends import NearAndDifference
from asd.system import System

QUICK = ("detector.training.epochs=2", "detector.network.width=16")
DETECTOR = TwoMicrophoneAutoEncoder(validation=ClipFolds(), scoring=MeanSquaredError())
SYSTEM = System(
    frontend=NearAndDifference(),
    features=LogMelPair(),
    detector=DETECTOR,
    calibration=GammaStandardised(),
    seeds=(13711,),
)
