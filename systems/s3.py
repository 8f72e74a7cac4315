"""S3, Combo: the mean of adasub's and cohgate's standardised scores, ten seeds each.

Kim 2026 (noise-aware reference denoising), sec. 3.3; published development Ω .6182 ± .0100 a seed, .6140 ensemble.
"""

from asd.calibration import GammaStandardised
from asd.system import Ensemble
from systems.adasub import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = Ensemble(members=("adasub", "cohgate"), calibration=GammaStandardised())
