"""Spectral-to-spatial distillation: a spatial student denoises, the organisers' dense autoencoder detects.

Shoda et al., "Spectral-to-spatial distillation: denoising framework for real-time anomalous sound detection". The
teacher is AdaSub unless another is given: `--set frontend.teacher=AudioSepTeacher` and its checkpoint.
"""

from dataclasses import replace

from asd.calibration import GammaStandardised
from asd.detectors import AutoEncoder, ClipFolds, MeanSquaredError
from asd.frontends import Distilled
from systems.baseline_mse import QUICK as BASELINE_QUICK
from systems.baseline_mse import SYSTEM as BASELINE

QUICK = (
    *BASELINE_QUICK,
    "frontend.training.epochs=1",
    "frontend.training.windows_per_epoch=16",
    "frontend.student.units=8",
    "frontend.segment=0.5",
)
DETECTOR = AutoEncoder(validation=ClipFolds(), scoring=MeanSquaredError())
SYSTEM = replace(BASELINE, frontend=Distilled(), detector=DETECTOR, calibration=GammaStandardised())
