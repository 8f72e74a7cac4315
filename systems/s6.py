"""S6: the statistics of s0 and the networks of adasub, each system standardised by clips left out, then averaged alike.

Best, or within the interval of the best, on every set tried; see systems/README.md. S0 alone needs no training.
"""

from asd.calibration import NormalStandardised
from asd.system import Ensemble
from systems.adasub import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = Ensemble(members=("stats_maha", "stats_knn", "modulation_knn", "adasub"), calibration=NormalStandardised())
