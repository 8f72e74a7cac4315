"""Example of an own detector in one file: a Gaussian mixture of near log-mel frames.

It trains no network, so it needs no more than `min_frames`, `fit` and `score`; asd/README.md walks through it.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.mixture import GaussianMixture

from asd.calibration import NormalStandardised
from asd.errors import check_least
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System


@dataclass(frozen=True)
class Mixture:
    components: int = 8  # Gaussians with diagonal covariances
    min_frames: int = 5  # the shortest clip it can score; fewer frames say little

    def __post_init__(self):
        check_least(self, 1, "components", "min_frames")

    def fit(self, features, is_target):
        mixture = GaussianMixture(self.components, covariance_type="diag", reg_covar=1e-3, random_state=0)
        return FittedMixture(mixture.fit(np.concatenate(list(features))))  # (sum F, M)


@dataclass(frozen=True)
class FittedMixture:
    mixture: GaussianMixture

    def score(self, feature):
        return float(-self.mixture.score(feature))  # mean negative log-likelihood of the clip's frames


SYSTEM = System(Near(), LogMel(), Mixture(), NormalStandardised())
