"""Detectors: training-normal features in, one scorer a seed out; a scorer gives ONE clip's anomaly score.

Clips are (F, D) features; a scorer's score is a float, higher is more anomalous. What a scorer is not handed it
cannot use: no label, no test domain, no other clip.
"""

from asd.detectors.autoencoder import AutoEncoder
from asd.detectors.blend import Blend, LedoitWolf, Ridge
from asd.detectors.bottleneck import BottleneckNeighbours
from asd.detectors.denoised import Cropped, FarChannel, OtherClips, ResidualUNet, SemiDenoising, Supplemental
from asd.detectors.domains import DiscriminatedDomain, NearerDomain
from asd.detectors.far_conditioned import FarConditionedNeighbours
from asd.detectors.flow import AdditiveFlow, FlowDetector
from asd.detectors.networks import OrganisersNet, PerDimension, ResidualNet, Unscaled
from asd.detectors.objectives import AbsoluteError, HiddenFrame, SquaredError
from asd.detectors.scoring import MeanSquaredError, PooledMahalanobis, SelectiveMahalanobis
from asd.detectors.two_microphones import TwoMicrophoneAutoEncoder
from asd.detectors.validation import ClipFolds, RandomVectors

__all__ = [
    "AbsoluteError",
    "AdditiveFlow",
    "AutoEncoder",
    "Blend",
    "BottleneckNeighbours",
    "ClipFolds",
    "Cropped",
    "DiscriminatedDomain",
    "FarChannel",
    "FarConditionedNeighbours",
    "FlowDetector",
    "HiddenFrame",
    "LedoitWolf",
    "MeanSquaredError",
    "NearerDomain",
    "OrganisersNet",
    "OtherClips",
    "PerDimension",
    "PooledMahalanobis",
    "RandomVectors",
    "ResidualNet",
    "ResidualUNet",
    "Ridge",
    "SelectiveMahalanobis",
    "SemiDenoising",
    "SquaredError",
    "Supplemental",
    "TwoMicrophoneAutoEncoder",
    "Unscaled",
]
