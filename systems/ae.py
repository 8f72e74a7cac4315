"""Improved autoencoder on the near channel alone: 512-wide residual network, blended Mahalanobis score, ten seeds.

Kim 2026 (noise-aware reference denoising), sec. 3.1; published development Ω .6029 ± .0083 a seed, .5970 ensemble.
"""

from asd.calibration import GammaStandardised
from asd.detectors import AutoEncoder, Blend, ClipFolds, PerDimension, ResidualNet
from asd.epochs import Training
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System

QUICK = ("detector.training.epochs=2", "detector.network.width=16")
DETECTOR = AutoEncoder(
    scaling=PerDimension(),
    network=ResidualNet(),
    training=Training(weight_decay=1e-4),
    validation=ClipFolds(),
    scoring=Blend(),
)
SYSTEM = System(
    frontend=Near(),
    features=LogMel(),
    detector=DETECTOR,
    calibration=GammaStandardised(),
)
