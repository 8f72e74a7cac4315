"""Statistics: how each near log-mel band fluctuates, octave by octave of its rate, two nearest neighbours per domain.

Nothing trained. Octaves of unlike spread count alike: each dimension is in standard deviations of the training clips.
"""

from asd.calibration import NormalStandardised
from asd.detectors.backends import NearestNeighbours, UnitDeviation
from asd.features import OctaveModulation
from asd.frontends import Near
from asd.system import System

DETECTOR = NearestNeighbours(scaling=UnitDeviation())
SYSTEM = System(Near(), OctaveModulation(), DETECTOR, NormalStandardised())
