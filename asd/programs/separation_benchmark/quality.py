"""A method's figures: SI-SNR improvement on the test mixtures, and the ROC-AUC of an autoencoder behind it.

Figures are the store's Arrays, numbers as () arrays: `parameters` and the separator's notes; where more than its time
is of interest also `improvement` (N,) with its `mean`, `std` and means of `normal` and `anomaly`, `noise` (N,) and
`is_anomaly` (N,) of the mixtures, `oracle`, the mean improvement of the best source where one had to be chosen, all in
dB, with the number of mixtures that were `unseparated`; `auc` (S,) with `scores` (S, N); and for figures `sound`
(N, M), the mean log-mel of each clip, `example_mel` (2, F, M) and `example_scores` (2, F') of the two examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from asd.contracts import Arrays, Feature, Workplace
from asd.detectors.autoencoder import AutoEncoderScorer, residual
from asd.features import LogMel
from asd.fingerprint import code, digest, numbers
from asd.frontends import Near
from asd.frontends.distillation.distilled import restored_gain
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.separators import Separator, improvement
from asd.training import environment

CHANNEL, FEATURES = Near(), LogMel()  # what the autoencoder sees: the baseline's


def measured(bench: Bench, name: str) -> Arrays:
    """Everything about one method, computed once."""
    record = {**bench.record, "method": name}
    with bench.store.scratch(name, record) as scratch:
        return bench.once(name, record, partial(_figures, bench, name, scratch))


def clean_sound(bench: Bench) -> Arrays:
    """`sound` and `example_mel` of the test mixtures' clean machine, computed once."""
    return bench.once("clean", bench.record, lambda: heard(bench, [feature(m.clean) for m in bench.test]))


def _figures(bench: Bench, name: str, scratch: Path) -> Arrays:
    separator = METHODS[name].prepared(bench, scratch)
    figures = {"parameters": np.array(separator.n_parameters), **separator.notes}
    return figures if "timing_only" in figures else {**figures, **quality(bench, separator)}


def quality(bench: Bench, separator: Separator) -> Arrays:
    found = [separator.found(m.wave) for m in bench.test]
    cleaned = [
        restored_gain(separator.choose(sources), m.wave[0]) for sources, m in zip(found, bench.test, strict=True)
    ]
    gains = np.array([improvement(wave, m) for wave, m in zip(cleaned, bench.test, strict=True)])
    is_anomaly = np.array([m.is_anomaly for m in bench.test])
    features = [feature(wave) for wave in cleaned]
    figures = {**summary(gains, is_anomaly), **heard(bench, features), **detection(bench, separator, features)}
    figures |= {"noise": np.array([m.noise for m in bench.test]), "is_anomaly": is_anomaly}
    if separator.sources:
        best = [max(improvement(s, m) for s in sources) for sources, m in zip(found, bench.test, strict=True)]
        figures["oracle"] = np.array(np.mean(best))
        figures["unseparated"] = np.array(sum(len(sources) < 2 for sources in found))
    return figures


def summary(gains: np.ndarray, is_anomaly: np.ndarray) -> Arrays:
    return {
        "improvement": gains,
        "mean": gains.mean(),
        "std": gains.std(),
        "normal": gains[~is_anomaly].mean(),
        "anomaly": gains[is_anomaly].mean(),
    }


def heard(bench: Bench, features: Sequence[Feature]) -> Arrays:
    """What figures show of clips' log-mels (F, M)."""
    return {
        "sound": np.stack([f.mean(axis=0) for f in features]),
        "example_mel": np.stack([features[i] for i in bench.examples]),
    }


def detection(bench: Bench, separator: Separator, features: Sequence[Feature]) -> Arrays:
    """The dense autoencoder's squared errors, trained on the method's training mixtures, (F, M) of test clips in."""
    from sklearn.metrics import roc_auc_score  # slow to import

    if not bench.options.ae_seeds:
        return {"auc": np.zeros(0)}
    train = [feature(restored_gain(separator.separate(m.wave), m.wave[0])) for m in bench.train]
    scorers = list(fitted_scorers(bench, train))
    scores = np.array([[scorer.score(f) for f in features] for scorer in scorers])  # (S, N)
    is_anomaly = [m.is_anomaly for m in bench.test]
    examples = [np.mean([frame_scores(s, features[i]) for s in scorers], axis=0) for i in bench.examples]
    area = np.array([roc_auc_score(is_anomaly, of_seed) for of_seed in scores])
    return {"auc": area, "scores": scores, "example_scores": np.stack(examples)}


def frame_scores(scorer: AutoEncoderScorer, feature: Feature) -> np.ndarray:
    """(F, M) -> (F',): the squared error of each vector."""
    return np.square(residual(scorer.network, feature, scorer.recipe.context)).mean(axis=(1, 2))


def fitted_scorers(bench: Bench, features: Sequence[Feature]) -> Iterator[AutoEncoderScorer]:
    """An autoencoder per seed."""
    for seed in range(bench.options.ae_seeds):
        trained = trained_weights(bench, features, seed)
        yield bench.options.detector.fit_scorer(trained, seed, features, domains(features))


def trained_weights(bench: Bench, features: Sequence[Feature], seed: int) -> Arrays:
    """Of one autoencoder, from the store or trained now."""
    trainer = bench.options.detector.trainer
    record = {
        "features": digest(*(feature.tobytes() for feature in features)),
        "detector": numbers(trainer),
        "detector code": code(trainer),
        "seed": seed,
        **environment("cpu"),
    }
    with bench.store.scratch("weights", record) as scratch:
        place = Workplace((seed,), "cpu", scratch)
        return bench.store.once("weights", record, lambda: trainer.train(features, domains(features), place)[0])


def domains(features: Sequence[Feature]) -> np.ndarray:
    """(N,) is_target: all clips are of the source domain."""
    return np.zeros(len(features), bool)


def feature(wave: np.ndarray) -> np.ndarray:
    """(T,) -> (F, M)"""
    return FEATURES(CHANNEL(np.stack([wave, wave])))
