"""Spectral-to-spatial distillation: a spatial student denoises, the organisers' dense autoencoder detects.

Shoda et al., "Spectral-to-spatial distillation: denoising framework for real-time anomalous sound detection". The
teacher is AdaSub unless yaml names the paper's: `frontend.teacher: {part: AudioSepTeacher, checkpoint: ...}`.
"""

from dataclasses import replace

from asd.frontends import Distilled
from systems.baseline_mse import SYSTEM as BASELINE

SYSTEM = replace(BASELINE, frontend=Distilled())
