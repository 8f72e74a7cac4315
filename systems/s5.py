"""S5, beyond the paper: s1 with a linear discriminant that decides the domain of a clip, in place of the minimum.

Scores of clips that it holds to the target domain are moved by how much higher target clips left out score, so that one
threshold serves both domains. No network is trained that adasub has trained. S1 stays the paper's.
"""

from dataclasses import replace

from asd.calibration import NormalStandardised
from asd.detectors import DiscriminatedDomain
from systems.adasub import QUICK
from systems.ae import DETECTOR
from systems.s1 import RESCORING
from systems.s1 import SYSTEM as S1

__all__ = ["QUICK", "SYSTEM"]

SYSTEM = replace(
    S1,
    detector=replace(DETECTOR, scoring=RESCORING, domains=DiscriminatedDomain()),
    calibration=NormalStandardised(),  # moved scores may be below 0, where a gamma has no density
)
