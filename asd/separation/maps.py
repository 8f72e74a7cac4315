"""Maps of features to two dimensions: clean (N, D) and others (M, D) each in, (N, 2) and (M, 2) each out.

Every dimension is first brought to mean 0 and deviation 1 over the clean ones.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import numpy as np

from asd.errors import BadInput

Map = Callable[[np.ndarray, Sequence[np.ndarray]], list[np.ndarray]]


def standardised(clean: np.ndarray, others: Sequence[np.ndarray]) -> list[np.ndarray]:
    mean, spread = clean.mean(axis=0), clean.std(axis=0) + 1e-6
    return [(x - mean) / spread for x in (clean, *others)]


def pca(clean: np.ndarray, others: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Fitted to the clean ones, as Shoda et al. fit theirs; others are placed by it."""
    from sklearn.decomposition import PCA  # slow to import

    x = standardised(clean, others)
    fitted = PCA(2, random_state=0).fit(x[0])
    return [fitted.transform(part) for part in x]


def tsne(clean: np.ndarray, others: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Of all together: it places nothing afterwards."""
    from sklearn.manifold import TSNE  # slow to import

    x = standardised(clean, others)
    every = np.concatenate(x)
    placed = TSNE(2, perplexity=min(30.0, (len(every) - 1) / 3), init="pca", random_state=0).fit_transform(every)
    return np.split(placed, np.cumsum([len(part) for part in x])[:-1])


def umap(clean: np.ndarray, others: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The paper's, fitted to the clean ones. Raises BadInput without umap-learn, which is in no extra."""
    try:
        library = importlib.import_module("umap")
    except ImportError as error:
        raise BadInput(f"umap: not importable ({error}); pip install umap-learn, or --map pca or tsne") from error
    x = standardised(clean, others)
    fitted = library.UMAP(random_state=0, n_neighbors=min(15, len(clean) - 1)).fit(x[0])
    return [fitted.embedding_, *(fitted.transform(part) for part in x[1:])]


MAPS: dict[str, Map] = {"pca": pca, "tsne": tsne, "umap": umap}
