"""Front-ends: two channels in, power spectrograms out. (2, T) -> (C, K, F)

`fit` reads training-normal clips only and returns the fitted front-end, a function of one clip. `statistics` is the
part that decides what `fit` learns: front-ends with equal statistics share what they learnt.
"""

from asd.frontends.canceller import Canceller
from asd.frontends.channel import Difference, Far, Mean, Near
from asd.frontends.coherence import CohGate, CohSub
from asd.frontends.distillation import (
    AdaSubTeacher,
    AudioSepTeacher,
    ClapEmbedder,
    Distilled,
    LogMelEmbedder,
    NarrowBandLSTM,
    PercentileWeights,
)
from asd.frontends.pair import NearAndDifference, NearAndFar
from asd.frontends.subtraction import AdaSub, RefSub
from asd.frontends.suppression import DecisionDirectedWiener, LogSpectralAmplitude

__all__ = [
    "AdaSub",
    "AdaSubTeacher",
    "AudioSepTeacher",
    "Canceller",
    "ClapEmbedder",
    "CohGate",
    "CohSub",
    "DecisionDirectedWiener",
    "Difference",
    "Distilled",
    "Far",
    "LogMelEmbedder",
    "LogSpectralAmplitude",
    "Mean",
    "NarrowBandLSTM",
    "Near",
    "NearAndDifference",
    "NearAndFar",
    "PercentileWeights",
    "RefSub",
]
