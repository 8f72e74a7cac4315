"""aiSFX, a small pretrained embedding of sound effects, on the near microphone; two nearest neighbours per domain.

Ma and Lerch 2022 for the embedding, 512 dimensions of each 2.3 s, averaged over the clip; weights from package aisfx.
"""

from asd.calibration import NormalStandardised
from asd.detectors.backends import NearestNeighbours
from asd.encoders import Aisfx
from asd.frontends import Near
from asd.system import System

NEEDS = "aisfx"  # pip install --no-deps aisfx==0.1.2: its own requirements cannot be met
SYSTEM = System(Near(), Aisfx(), NearestNeighbours(), NormalStandardised())
