"""The challenge winners' noise-aware encoder, which hears near and far; two nearest neighbours per domain.

Fujimura et al. 2026. Their package nassl (AGPL) and a checkpoint are the user's: `--set features.checkpoint=...`.
"""

from asd.calibration import NormalStandardised
from asd.detectors.backends import NearestNeighbours
from asd.encoders import Nassl
from asd.frontends import NearAndFar
from asd.system import System

NEEDS = "features.checkpoint"
SYSTEM = System(NearAndFar(), Nassl(), NearestNeighbours(), NormalStandardised())
