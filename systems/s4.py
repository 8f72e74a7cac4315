"""S4: the ten single seeds of adasub and refsub with the highest development Ω, averaged.

Kim 2026 (noise-aware reference denoising), Table 3; published development Ω .6534. `run.py -d s4` chooses them and
writes results/dev/s4/selected.json; `run.py -e s4` reads that file and never chooses. *Chosen*: candidates are the
systems as they are before the champion's re-scoring; `--set members=s1,s2` takes the re-scored ones.
"""

from asd.calibration import GammaStandardised
from asd.system import SelectedEnsemble
from systems.adasub import QUICK as ADASUB_QUICK

QUICK = (*ADASUB_QUICK, "size=3")
SYSTEM = SelectedEnsemble(members=("adasub", "refsub"), calibration=GammaStandardised())
