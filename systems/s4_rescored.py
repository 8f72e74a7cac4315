"""S4 chosen among the seeds of the re-scored s1 and s2; see s3_rescored for why.

Kim 2026 (noise-aware reference denoising), Tables 3 and 4.
"""

from asd.calibration import GammaStandardised
from asd.system import SelectedEnsemble
from systems.s4 import QUICK

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = SelectedEnsemble(members=("s1", "s2"), calibration=GammaStandardised())
