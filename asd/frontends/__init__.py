"""Front-ends: waves in, power spectrograms out. (2, T), or (1, T) where the far channel is not needed -> (C, K, F)

`fit` reads training-normal clips only and returns the fitted front-end, a function of one clip. `statistics` is the
part that decides what `fit` learns: front-ends with equal statistics share what they learnt.

Every fitted front-end here is `Audible`: `sound` gives the wave behind the power, as long as the clip. Of a mix that
is the mix of the waves; of a denoised near power the near signal, turned down to that power bin by bin.
"""

from asd.frontends.canceller import Canceller
from asd.frontends.channel import Difference, Far, Mean, Near
from asd.frontends.coherence import CohGate, CohSub
from asd.frontends.distillation import (
    AdaSubTeacher,
    AisfxEmbedder,
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
    "AisfxEmbedder",
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
