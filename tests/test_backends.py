"""Back-ends against slow literal versions; left-out scores against refits; false alarms where noise is matched."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from asd.clips import DOMAINS
from asd.detectors.backends import (
    Combined,
    LocalDensity,
    Mahalanobis,
    NearestNeighbours,
    SubBands,
    SubspaceResidual,
    UnitDeviation,
)
from asd.errors import BadInput
from asd.folds import FOLDS, folds, left_out_scores

IS_TARGET = np.arange(24) >= 18
SMALL = [
    NearestNeighbours(),
    NearestNeighbours(metric="cosine", scaling=UnitDeviation(), mixup=0.9, mixup_neighbours=3),
    LocalDensity(),
    Mahalanobis(),
    SubspaceResidual(),
    SubBands(bands=3),
    Combined(),
]


def clips(n=24, rows=1, seed=0, n_target=6):
    """(rows, 6) each; target clips lie elsewhere and vary more."""
    rng = np.random.default_rng(seed)
    spread = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    found = [rng.normal(size=(rows, 6)) * spread for _ in range(n)]
    return [(1.5 * x + 2 if i >= n - n_target else x).astype(np.float32) for i, x in enumerate(found)]


def literal_ratio(x, rows, clip, k, metric):
    """Mean distance to the k nearest rows over the median of the rows' own distances, other clips' rows only."""
    own = []
    for i, row in enumerate(rows):
        others = [cdist(row[None], rows[j][None], metric)[0, 0] for j in range(len(rows)) if clip[j] != clip[i]]
        own.append(np.mean(sorted(others)[:k]))
    return np.mean(sorted(cdist(x[None], rows, metric)[0])[:k]) / np.median(own)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_nearest_neighbours_equal_the_literal_ratio(rows, metric):
    features = clips(rows=rows)
    scorer = NearestNeighbours(metric=metric).fit(features, IS_TARGET)
    clip = np.repeat(np.arange(24), rows)
    every = np.concatenate(features)
    for x in clips(4, rows, seed=1):
        each = [
            min(literal_ratio(row, every[IS_TARGET[clip] == d], clip[IS_TARGET[clip] == d], 2, metric) for d in (0, 1))
            for row in x
        ]
        assert scorer.score(x) == pytest.approx(np.mean(each), rel=1e-4)


def test_mixtures_of_target_and_near_source_rows_join_the_target_bank():
    features = clips()
    scorer = NearestNeighbours(mixup=0.75, mixup_neighbours=2).fit(features, IS_TARGET)
    source, target = np.concatenate(features[:18]), np.concatenate(features[18:])
    expected = [
        0.75 * row + 0.25 * source[i] for row in target for i in np.argsort(np.linalg.norm(source - row, axis=1))[:2]
    ]
    np.testing.assert_allclose(scorer.banks[1].rows, np.concatenate([target, expected]), rtol=1e-6)
    plain = NearestNeighbours().fit(features, IS_TARGET)
    np.testing.assert_array_equal(
        scorer.typical, plain.typical
    )  # mixtures do not make the domain look denser than it is


def test_a_domain_of_one_clip_is_measured_in_the_units_of_the_other_and_one_of_none_is_left_out():
    features = clips(19)
    scorer = NearestNeighbours().fit(features, np.arange(19) == 18)
    assert scorer.typical[0] == scorer.typical[1] and scorer.score(features[18]) < 0.01
    assert len(NearestNeighbours().fit(features[:18], np.zeros(18, bool)).banks) == 1


def test_local_density_equals_the_literal_quotient():
    features = clips()
    rows = np.concatenate(features)
    distances = cdist(rows, rows)
    radii = [np.mean(sorted(np.delete(distances[i], i))[:4]) for i in range(24)]
    scorer = LocalDensity(neighbours=4).fit(features, IS_TARGET)
    for x in clips(4, seed=1):
        assert scorer.score(x) == pytest.approx(min(cdist(x, rows)[0] / radii), rel=1e-5)


def test_mahalanobis_equals_the_literal_distance_with_a_shrunk_target_mean():
    features = clips(rows=2)
    rows, in_target = np.concatenate(features).astype(float), np.repeat(IS_TARGET, 2)
    source, target = rows[~in_target].mean(0), rows[in_target].mean(0)
    centred = np.where(in_target[:, None], rows - target, rows - source)
    precision = np.linalg.inv(LedoitWolf(assume_centered=True).fit(centred).covariance_)
    means = [source, 0.5 * source + 0.5 * target]
    scorer = Mahalanobis(target_weight=0.5).fit(features, IS_TARGET)
    for x in clips(4, 2, seed=1):
        each = [
            min(np.sqrt((row - m) @ precision @ (row - m)) / u for m, u in zip(means, scorer.units, strict=True))
            for row in x.astype(float)
        ]
        assert scorer.score(x) == pytest.approx(np.mean(each), rel=1e-6)


def test_mahalanobis_units_are_the_median_distances_of_left_out_clips():
    features = clips(rows=1)
    fold, rows = folds(IS_TARGET, FOLDS), np.concatenate(clips(rows=1)).astype(float)
    found = np.empty(24)
    for i in range(24):
        rest = [j for j in range(24) if fold[j] != fold[i]]
        scorer = Mahalanobis().fit([features[j] for j in rest], IS_TARGET[rest])
        away = rows[i] - scorer.means[int(IS_TARGET[i])]
        found[i] = np.sqrt(away @ scorer.precision @ away)
    units = Mahalanobis().fit(features, IS_TARGET).units
    np.testing.assert_allclose(units, [np.median(found[~IS_TARGET]), np.median(found[IS_TARGET])], rtol=1e-9)


def test_the_subspace_residual_is_what_the_leading_directions_leave():
    features = clips()
    rows = np.concatenate(features).astype(float)
    _, s, vt = np.linalg.svd(rows - rows.mean(0))
    rank = int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.9, side="right")) + 1
    for x in clips(3, seed=1):
        away = x[0].astype(float) - rows.mean(0)
        expected = np.sqrt(away @ away - np.sum((vt[:rank] @ away) ** 2))
        assert SubspaceResidual(0.9).fit(features, IS_TARGET).score(x) == pytest.approx(expected, rel=1e-6)


def test_sub_bands_are_averaged_each_with_its_own_neighbours():
    features, nearest = clips(), NearestNeighbours()
    scorer = SubBands(bands=3).fit(features, IS_TARGET)
    bands = [nearest.fit([f[:, i : i + 2] for f in features], IS_TARGET) for i in (0, 2, 4)]
    for x in clips(3, seed=1):
        expected = np.mean([band.score(x[:, i : i + 2]) for band, i in zip(bands, (0, 2, 4), strict=True)])
        assert scorer.score(x) == pytest.approx(expected)
    with pytest.raises(BadInput, match="bands 7: at most 6"):
        SubBands(bands=7).fit(features, IS_TARGET)


@pytest.mark.parametrize(("join", "function"), [("mean", np.mean), ("minimum", min), ("maximum", max)])
def test_several_back_ends_are_standardised_by_left_out_scores_and_joined(join, function):
    features = clips()
    parts = (NearestNeighbours(), Mahalanobis())
    unseen = [left_out_scores(part, features, IS_TARGET) for part in parts]
    scorer = Combined(*parts, join=join).fit(features, IS_TARGET)
    for x in clips(3, seed=1):
        each = [(p.fit(features, IS_TARGET).score(x) - u.mean()) / u.std() for p, u in zip(parts, unseen, strict=True)]
        assert scorer.score(x) == pytest.approx(function(each))


@pytest.mark.parametrize("backend", SMALL, ids=lambda b: type(b).__name__)
def test_left_out_training_scores_are_those_of_refits(backend):
    features = clips()
    found = left_out_scores(backend, features, IS_TARGET)
    fold = folds(IS_TARGET, getattr(backend, "folds", FOLDS))
    for i in (0, 7, 17, 18, 23):
        rest = np.flatnonzero(fold != fold[i])
        assert found[i] == backend.fit([features[j] for j in rest], IS_TARGET[rest]).score(features[i])


def test_folds_share_both_domains_and_leave_one_target_clip_out_at_a_time():
    is_target = np.arange(1000) >= 990
    fold = folds(is_target, FOLDS)
    assert np.bincount(fold).tolist() == [100] * 10 and sorted(fold[is_target]) == list(range(10))
    assert len(set(folds(np.arange(30) >= 24, 100))) == 30  # leave-one-out


@pytest.mark.parametrize("backend", SMALL, ids=lambda b: type(b).__name__)
def test_what_is_far_from_all_normal_clips_scores_highest_and_scores_are_finite(backend):
    features = clips()
    scorer = backend.fit(features, IS_TARGET)
    normal = [scorer.score(x) for x in clips(20, seed=2)]
    far = [scorer.score(x * 0.1 + np.array([-30, 0, 9, -9, 0, 9], np.float32)) for x in clips(20, seed=3)]
    assert np.isfinite([*normal, *far]).all() and np.median(far) > np.median(normal)


DOMAIN_WISE = [NearestNeighbours(folds=10), SubBands(bands=3, folds=10), Mahalanobis()]


@pytest.mark.parametrize("backend", DOMAIN_WISE, ids=lambda b: type(b).__name__)
def test_false_alarms_are_near_the_nominal_tenth_in_both_domains(backend):
    """Where test clips are drawn as the training clips are, the threshold holds; mean of six sets."""
    rates = {domain: [] for domain in DOMAINS}
    for seed in range(6):
        n, n_target = 110, 10
        features, is_target = clips(n, seed=seed, n_target=n_target), np.arange(n) >= n - n_target
        threshold = np.quantile(left_out_scores(backend, features, is_target), 0.9)
        scorer = backend.fit(features, is_target)
        unseen = clips(100, seed=1000 + seed, n_target=50)
        alarms = np.array([scorer.score(x) > threshold for x in unseen])
        rates["source"].append(alarms[:50].mean())
        rates["target"].append(alarms[50:].mean())
    assert all(0.04 <= np.mean(of_domain) <= 0.25 for of_domain in rates.values()), rates


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: NearestNeighbours(neighbours=0), "neighbours 0: at least 1"),
        (lambda: NearestNeighbours(metric="manhattan"), "metric manhattan: euclidean or cosine"),
        (lambda: NearestNeighbours(mixup=1.0), "mixup 1.0: from 0"),
        (lambda: SubspaceResidual(variance=1.0), "variance 1.0: above 0 and below 1"),
        (lambda: Combined(join="median"), "join median: mean or minimum or maximum"),
        (lambda: Mahalanobis(target_weight=2), "target_weight 2: from 0 to 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(BadInput, match=message):
        wrong()


def test_copies_of_one_recording_have_no_covariance():
    with pytest.raises(BadInput, match="all training clips alike"):
        Mahalanobis().fit([np.ones((1, 3), np.float32)] * 4, np.arange(4) > 2)
