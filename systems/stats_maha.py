"""Statistics: AdaSub, the mean of each log-mel band over the clip, Mahalanobis distance with a shrunk covariance.

No network, nothing trained; seconds for a whole data set. To be tried before any network.
"""

from asd.calibration import NormalStandardised
from asd.detectors.backends import Mahalanobis
from asd.features import LogMelStatistics
from asd.frontends import AdaSub
from asd.system import System

SYSTEM = System(AdaSub(), LogMelStatistics(), Mahalanobis(), NormalStandardised())
