"""A small trained embedding of sound effects (aiSFX) behind the near microphone; a density tells what is unusual.

Ma and Lerch, "Representation learning for the automatic indexing of sound effects libraries" (2022). Its weights (CC BY
4.0) come with the package: pip install --no-deps aisfx==0.1.2
"""

from asd.calibration import NormalStandardised
from asd.encoders import Aisfx
from asd.frontends import Near
from asd.system import System
from systems.gmm import Mixture

NEEDS = "aisfx"
SYSTEM = System(Near(), Aisfx(), Mixture(components=1, min_frames=1), NormalStandardised())
