"""Semi-denoising U-Net in front of the organisers' baseline, MSE: trained noise to noise, no clean recordings.

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report; its results are figures without numbers). One
channel is enough, as in its data. Departures: the noise of the pairs is other clips (the report does not name its own);
four original pairs stand beside ten noisy ones (7:3 to the nearest pair); an image is a resized log-mel, not a resized
linear log-spectrogram, since the baseline behind it takes log-mels; all machines train for 100 epochs (the report's
slider for 65: `--machines slider --set detector.training.epochs=65`).
"""

from asd.calibration import GammaStandardised
from asd.detectors import AutoEncoder, ClipFolds, MeanSquaredError, SemiDenoising
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System

QUICK = (
    "detector.training.epochs=1",
    "detector.training.windows_per_epoch=16",
    "detector.network.width=16",
    "detector.images.rows=64",
    "detector.images.columns=64",
    "detector.detector.training.epochs=2",
    "detector.detector.network.width=16",
)
DETECTOR = SemiDenoising(detector=AutoEncoder(validation=ClipFolds(), scoring=MeanSquaredError()))
SYSTEM = System(
    frontend=Near(),
    features=LogMel(),
    detector=DETECTOR,
    calibration=GammaStandardised(),
    seeds=(13711,),
)
