"""Statistics: AdaSub, the mean of each log-mel band over the clip, two nearest neighbours per domain.

Nothing trained; the distance is in units of what is typical of each domain.
"""

from asd.calibration import NormalStandardised
from asd.detectors.backends import NearestNeighbours
from asd.features import LogMelStatistics
from asd.frontends import AdaSub
from asd.system import System

SYSTEM = System(AdaSub(), LogMelStatistics(), NearestNeighbours(), NormalStandardised())
