"""S0: the mean of three systems of statistics, stats_maha, stats_knn and modulation_knn, each standardised. No network.

No one of them is best everywhere; a plain mean was taken, without weights. Seconds for a whole data set.
"""

from asd.calibration import NormalStandardised
from asd.system import Ensemble

SYSTEM = Ensemble(members=("stats_maha", "stats_knn", "modulation_knn"), calibration=NormalStandardised())
