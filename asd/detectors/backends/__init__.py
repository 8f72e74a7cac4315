"""Back-ends: clips as rows (n, D) in (statistics, windows, embeddings), one score per clip out. Nothing is trained.

bank           rows of many clips and their neighbours    nearest       per domain, in units of its typical distance
density        msm_dsp_knn's joined density               local_density over the density of where the neighbour lies
mahalanobis    shrunk covariance and target mean          subspace      residual to principal components
sub_bands      a bank per band, averaged                  combined      two of them, standardised and joined
scaling        of rows, before neighbours are sought
"""

from asd.detectors.backends.combined import Combined
from asd.detectors.backends.local_density import LocalDensity
from asd.detectors.backends.mahalanobis import Mahalanobis
from asd.detectors.backends.nearest import NearestNeighbours
from asd.detectors.backends.scaling import AsTheyAre, UnitDeviation
from asd.detectors.backends.sub_bands import SubBands
from asd.detectors.backends.subspace import SubspaceResidual

__all__ = [
    "AsTheyAre",
    "Combined",
    "LocalDensity",
    "Mahalanobis",
    "NearestNeighbours",
    "SubBands",
    "SubspaceResidual",
    "UnitDeviation",
]
