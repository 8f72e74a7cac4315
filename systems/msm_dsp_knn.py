"""Far-conditioned masked spectrogram model and DSP descriptors, scored by a domain-conditional kNN density.

Jeong 2026 (far-conditioned masked spectrogram modelling with DSP feature fusion), of which the abstract is public; no
published figure. λ is in yaml/msm_dsp_knn.yaml, written there by tools/choose_lambda.py from a development run.
"""

from asd.calibration import GammaStandardised
from asd.detectors import FarConditionedNeighbours
from asd.features import LogMelPair
from asd.frontends import NearAndFar
from asd.system import System

SYSTEM = System(
    frontend=NearAndFar(),
    features=LogMelPair(),
    detector=FarConditionedNeighbours(),
    calibration=GammaStandardised(),
    seeds=(0,),  # *chosen*: the abstract mentions no ensemble; --seeds 3 averages three
)
