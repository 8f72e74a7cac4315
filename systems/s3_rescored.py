"""S3 with re-scored members, s1 and cohgate_rescored.

Kim 2026 (noise-aware reference denoising), Tables 3 and 4: bearing's .613 to .616 of the submitted systems against
adasub's .599 suggests that the submitted s3 and s4 were made of re-scored members; the report does not say.
"""

from asd.calibration import GammaStandardised
from asd.system import Ensemble
from systems.adasub import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = Ensemble(members=("s1", "cohgate_rescored"), calibration=GammaStandardised())
