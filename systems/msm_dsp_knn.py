"""Far-conditioned masked spectrogram model and DSP descriptors, scored by a domain-conditional kNN density.

Jeong 2026 (far-conditioned masked spectrogram modelling with DSP feature fusion), of which the abstract is public; no
published figure. λ, the far-correlated share taken away, is chosen by `run.py -d msm_dsp_knn`, written to
results/dev/msm_dsp_knn/selected.json and only read by -e; `--set detector.attenuation=0.5` gives it instead.
"""

from asd.calibration import GammaStandardised
from asd.detectors import FarConditionedNeighbours
from asd.features import LogMelPair
from asd.frontends import NearAndFar
from asd.system import SelectedSystem

QUICK = ("detector.training.epochs=2", "detector.network.width=16")
SYSTEM = SelectedSystem(
    frontend=NearAndFar(),
    features=LogMelPair(),
    detector=FarConditionedNeighbours(),
    calibration=GammaStandardised(),
    seeds=(0,),  # *chosen*: the abstract mentions no ensemble; --seeds 3 averages three
    number="detector.attenuation",
    values=(0.5, 0.25, 0.75, 1.0, 0.0),  # λ; *chosen*: quarters; of equal ones the first, so 0 only where it is ahead
    off="far-conditioning is switched off, the paper's idea does not pay on this development set",
)
