"""The organisers' baseline, MSE: dense autoencoder on near log-mels, mean squared residual.

DCASE 2026 Challenge Task 2 baseline (v5.1.1); published development Ω 0.5666. The threshold is fitted to clip
scores, not to mini-batch losses as theirs is.
"""

from asd.calibration import GammaThreshold
from asd.detectors import AutoEncoder, MeanSquaredError
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System

QUICK = ("detector.training.epochs=2", "detector.network.width=16")
SYSTEM = System(
    frontend=Near(),
    features=LogMel(),
    detector=AutoEncoder(scoring=MeanSquaredError()),
    calibration=GammaThreshold(),
    seeds=(13711,),
)
