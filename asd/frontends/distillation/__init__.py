"""Spectral-to-spatial distillation: teachers, embedders, the student and the front-end that brings them together."""

from asd.frontends.distillation.aisfx import AisfxEmbedder
from asd.frontends.distillation.audiosep import AudioSepTeacher
from asd.frontends.distillation.clap import ClapEmbedder
from asd.frontends.distillation.distilled import Distilled
from asd.frontends.distillation.embedders import LogMelEmbedder, PercentileWeights
from asd.frontends.distillation.student import NarrowBandLSTM
from asd.frontends.distillation.teachers import AdaSubTeacher

__all__ = [
    "AdaSubTeacher",
    "AisfxEmbedder",
    "AudioSepTeacher",
    "ClapEmbedder",
    "Distilled",
    "LogMelEmbedder",
    "NarrowBandLSTM",
    "PercentileWeights",
]
