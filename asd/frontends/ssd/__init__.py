"""Spectral-to-spatial distillation: teachers, embedders, the student and the front-end that brings them together."""

from asd.frontends.ssd.audiosep import AudioSepTeacher
from asd.frontends.ssd.clap import ClapEmbedder
from asd.frontends.ssd.distillation import Distilled
from asd.frontends.ssd.embedders import LogMelEmbedder, PercentileWeights
from asd.frontends.ssd.student import NarrowBandLSTM
from asd.frontends.ssd.teachers import AdaSubTeacher

__all__ = [
    "AdaSubTeacher",
    "AudioSepTeacher",
    "ClapEmbedder",
    "Distilled",
    "LogMelEmbedder",
    "NarrowBandLSTM",
    "PercentileWeights",
]
