"""S3 with re-scored members, s1 and cohgate_rescored.

Kim 2026 (noise-aware reference denoising) does not say whether the submitted s3 and s4 were made of re-scored members:
bearing's .613 to .616 in Table 3 against adasub's .599 in Table 4 suggests it, but Table 4 agrees with no other figure.
"""

from asd.calibration import GammaStandardised
from asd.system import Ensemble
from systems.adasub import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = Ensemble(members=("s1", "cohgate_rescored"), calibration=GammaStandardised())
