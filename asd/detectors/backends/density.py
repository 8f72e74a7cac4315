"""Domain-conditional kNN density of msm_dsp_knn: training windows (n, D) of two domains in, an anomaly ratio out.

A window's distance to a domain, r_d(x), is the mean distance to its k nearest training windows of that domain; divided
by the domain's own typical distance it is a density ratio: -log p_d(x) = m log r_d(x) + constant, m the intrinsic
dimension, so that `u_d = log(r_d(x) / typical_d)` is the density in units that both domains share. Of Jeong 2026 are
the domain-conditional kNN density, the one estimator for all blocks and the target-domain shrinkage; their form is
*chosen*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd.clips import DOMAINS
from asd.detectors.backends.bank import Bank
from asd.errors import BadInput, check


@dataclass(frozen=True)
class DomainDensity:
    """The nearer domain counts, `min(u_source, u_target')`: a test clip's domain is unknown.

    Shrinkage: ten target clips make a poor density, so `u_target' = (1 - w) u_target + w u_source`.
    """

    neighbours: int = 5  # k; *chosen*: few enough for ten target clips, more than one so that no single window decides
    target_shrinkage: float = 0.25  # w; *chosen*: pulls the target density in, without undoing its domain

    def __post_init__(self) -> None:
        check("neighbours", self.neighbours, self.neighbours >= 1, "at least 1")
        check("target_shrinkage", self.target_shrinkage, 0 <= self.target_shrinkage <= 1, "from 0 to 1")

    def fit(self, bank: np.ndarray, clip: np.ndarray, is_target: np.ndarray) -> Neighbours:
        """bank (n, D), each row's clip (n,), is_target (N,) by clip. Raises BadInput where a domain has one clip."""
        domains = self._banks(bank, clip, is_target)
        for name, domain in zip(DOMAINS, domains, strict=True):
            if len(domain.clips) < 2:
                raise BadInput(
                    f"{len(domain.clips)} {name} training clips; leaving a clip out needs two of each domain at least"
                )
        typical = [np.exp(np.log(domain.own_distances()).mean()) for domain in domains]
        return Neighbours(self, domains[0], domains[1], np.array(typical))

    def restore(self, bank: np.ndarray, clip: np.ndarray, is_target: np.ndarray, typical: np.ndarray) -> Neighbours:
        """The same where the domains' typical distances (2,) are known."""
        source, target = self._banks(bank, clip, is_target)
        return Neighbours(self, source, target, typical)

    def _banks(self, bank: np.ndarray, clip: np.ndarray, is_target: np.ndarray) -> list[Bank]:
        chosen = [np.flatnonzero(is_target[clip] == (domain == "target")) for domain in DOMAINS]
        return [Bank(bank[rows], clip[rows], self.neighbours) for rows in chosen]


@dataclass(frozen=True)
class Neighbours:
    """Both domains' windows, and how their densities are joined."""

    recipe: DomainDensity
    source: Bank
    target: Bank
    typical: np.ndarray  # (2,) of source and target: geometric mean of the windows' own distances

    def ratios(self, queries: np.ndarray) -> np.ndarray:
        """(q, D) -> (q,) distance over typical distance, about 1 for a normal window, higher is more anomalous."""
        return self._joined(self.source.distances(queries), self.target.distances(queries))

    def own_ratios(self, bank: np.ndarray, clip: np.ndarray) -> np.ndarray:
        """(n,) of the training windows, each without its own clip among the neighbours."""
        distances = []
        for domain in (self.source, self.target):
            found = domain.distances(bank)
            found[np.isin(clip, domain.clips)] = domain.own_distances()
            distances.append(found)
        return self._joined(*distances)

    def _joined(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        u, v = (np.log(r / typical) for r, typical in zip((source, target), self.typical, strict=True))
        w = self.recipe.target_shrinkage
        return np.exp(np.minimum(u, (1 - w) * v + w * u))
