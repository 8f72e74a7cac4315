"""Masked spectrogram model and near modulation without any far part: for machines of one channel, and as an ablation.

What is left of Jeong 2026 (far-conditioned masked spectrogram modelling) where there is no far microphone: λ = 0, no
ridge residual, the modulation of the near window. It shares nothing with msm_dsp_knn's training but its numbers.
"""

from dataclasses import replace

from asd.detectors import FarConditionedNeighbours
from asd.detectors.descriptors import NearModulation
from asd.features import LogMelTwice
from asd.frontends import Near
from systems.msm_dsp_knn import QUICK
from systems.msm_dsp_knn import SYSTEM as MSM

__all__ = ["QUICK", "SYSTEM"]

DETECTOR = FarConditionedNeighbours(attenuation=0.0, block_weights=(1.0, 0.0, 1.0), modulation=NearModulation())
SYSTEM = replace(MSM.plain, frontend=Near(), features=LogMelTwice(), detector=DETECTOR)
