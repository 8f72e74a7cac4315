"""The organisers' baseline, MAHALA: the same trained autoencoder, selective Mahalanobis score.

DCASE 2026 Challenge Task 2 baseline (v5.1.1); published development Ω 0.5766. It shares baseline_mse's training.
"""

from asd.calibration import GammaThreshold
from asd.detectors import AutoEncoder, SelectiveMahalanobis
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System

QUICK = ("detector.training.epochs=2", "detector.network.width=16")  # baseline_mse's: they share a training
SYSTEM = System(
    frontend=Near(),
    features=LogMel(),
    detector=AutoEncoder(scoring=SelectiveMahalanobis()),
    calibration=GammaThreshold(),
    seeds=(13711,),
)
