"""A method's figures: SI-SNR improvement on the test mixtures, and the ROC-AUC of an autoencoder behind it.

A record is the store's Arrays, numbers as () arrays: `parameters` and the separator's notes; where more than its time
is of interest also `improvement` (N,) with its `mean`, `std` and means of `normal` and `anomaly`, `auc` (S,), and
`oracle`, the mean improvement of the best source where one had to be chosen. In dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from asd.contracts import TRAIL, Arrays, Scorer, Workplace
from asd.features import LogMel
from asd.frontends import Near
from asd.frontends.distillation.distilled import restored_gain
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.keys import features_key
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.separators import Separator, improvement


def measured(bench: Bench, name: str) -> Arrays:
    """Everything about one method, computed once."""
    record = bench.once(name, bench.key, partial(_record, bench, name))
    for suffix in TRAIL:
        bench.trail(name).with_suffix(suffix).unlink(missing_ok=True)
    return record


def _record(bench: Bench, name: str) -> Arrays:
    separator = METHODS[name].open(bench, bench.trail(name))
    record = {"parameters": np.array(separator.n_parameters), **separator.notes}
    return record if "timing_only" in record else {**record, **quality(bench, separator)}


def quality(bench: Bench, separator: Separator) -> Arrays:
    found = [separator.found(m.wave) for m in bench.test]
    cleaned = [
        restored_gain(separator.choose(sources), m.wave[0]) for sources, m in zip(found, bench.test, strict=True)
    ]
    gains = np.array([improvement(wave, m) for wave, m in zip(cleaned, bench.test, strict=True)])
    is_anomaly = np.array([m.is_anomaly for m in bench.test])
    record = {**summary(gains, is_anomaly), "auc": areas(bench, separator, cleaned, is_anomaly)}
    if separator.sources:
        best = [max(improvement(s, m) for s in sources) for sources, m in zip(found, bench.test, strict=True)]
        record["oracle"] = np.array(np.mean(best))
    return record


def summary(gains: np.ndarray, is_anomaly: np.ndarray) -> Arrays:
    return {
        "improvement": gains,
        "mean": gains.mean(),
        "std": gains.std(),
        "normal": gains[~is_anomaly].mean(),
        "anomaly": gains[is_anomaly].mean(),
    }


def areas(bench: Bench, separator: Separator, cleaned: Sequence[np.ndarray], is_anomaly: np.ndarray) -> np.ndarray:
    """ROC-AUC (S,) of the dense autoencoder, squared error, trained on the method's training mixtures."""
    from sklearn.metrics import roc_auc_score  # slow to import

    if not bench.options.ae_seeds:
        return np.zeros(0)
    train = [feature(restored_gain(separator.separate(m.wave), m.wave[0])) for m in bench.train]
    test = [feature(wave) for wave in cleaned]
    return np.array(
        [roc_auc_score(is_anomaly, [scorer.score(f) for f in test]) for scorer in fitted_scorers(bench, train)]
    )


def fitted_scorers(bench: Bench, features: Sequence[np.ndarray]) -> Sequence[Scorer]:
    """An autoencoder per seed; its weights are stored under the content of the features."""
    seeds = tuple(range(bench.options.ae_seeds))
    workplace = Workplace(bench.store, features_key(features), seeds, "cpu")
    return bench.options.detector.fit(features, np.zeros(len(features), bool), workplace)


def feature(wave: np.ndarray) -> np.ndarray:
    """(T,) -> (F, M)"""
    return LogMel()(Near()(np.stack([wave, wave])))
