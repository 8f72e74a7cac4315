"""Semi-denoising U-Net in front of the organisers' baseline, MSE: trained noise to noise, no clean recordings.

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report; its results are figures without numbers).
Departures: noise comes from the far channel of other clips; four original pairs stand beside ten noisy ones (7:3 to the
nearest pair); an image is log-mel bands repeated, not a resized linear log-spectrogram, since the baseline behind it
takes log-mels; and all machines train as long (the paper stops one early).
"""

from asd.calibration import GammaThreshold
from asd.detectors import AutoEncoder, MeanSquaredError, SemiDenoising
from asd.features import LogMelPair
from asd.frontends import NearAndFar
from asd.system import System

QUICK = (
    "detector.training.epochs=1",
    "detector.training.windows_per_epoch=16",
    "detector.network.width=16",
    "detector.rows=128",
    "detector.detector.training.epochs=2",
    "detector.detector.network.width=16",
)
DETECTOR = SemiDenoising(detector=AutoEncoder(scoring=MeanSquaredError()))
SYSTEM = System(
    frontend=NearAndFar(),
    features=LogMelPair(),
    detector=DETECTOR,
    calibration=GammaThreshold(),
    seeds=(13711,),
)
