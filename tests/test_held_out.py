"""Every threshold stands on clips that were left out: folds, autoencoders, and what seeds of a system share."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from asd.calibration import NormalStandardised
from asd.contracts import Workplace
from asd.detectors import AutoEncoder, Blend, ClipFolds, OrganisersNet, PerDimension
from asd.detectors.vectors import Vectors
from asd.epochs import Training
from asd.errors import BadInput
from asd.folds import held_out
from asd.system import FittedSystem, Member
from asd.system.fitted import domain_of

IS_TARGET = np.arange(24) >= 20
TARGET = np.zeros((1, 1))  # a clip that is held to the target domain
NUMBERS = Training(epochs=2, batch_size=16)
AE = AutoEncoder(
    scaling=PerDimension(),
    network=OrganisersNet(width=8, bottleneck=2),
    training=NUMBERS,
    validation=ClipFolds(),
    scoring=Blend(domain_mean=1.0, target_weight=0.5),
)


def features(seed=0, lengths=(9, 12, 8)):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(lengths[i % 3], 4)).astype(np.float32) for i in range(24)]


def fitted(clips, seed, tmp_path):
    (trained,) = AE.trainer.train(clips, IS_TARGET, Workplace((seed,), "cpu", tmp_path))
    return trained, AE.fit_scorer(trained, seed, clips, IS_TARGET)


def test_ten_seeds_hold_every_clip_out_once_in_both_domains():
    masks = np.array([held_out(IS_TARGET, 0.1, seed) for seed in range(10)])
    assert np.all(masks.sum(axis=0) == 1) and max(masks[:, IS_TARGET].sum(axis=1)) == 1
    np.testing.assert_array_equal(held_out(IS_TARGET, 0.1, 13), masks[3])


def test_a_lone_clip_of_a_domain_makes_no_fold_smaller_than_two():
    is_target = np.arange(20) >= 19
    sizes = [held_out(is_target, 0.1, seed).sum() for seed in range(9)]
    assert min(sizes) == 2 and sum(sizes) == 19


@pytest.mark.parametrize("n_source, n_target", [(1, 1), (3, 0), (5, 1), (1, 4)])
def test_few_clips_make_few_folds_and_a_domains_only_clip_is_never_left_out(n_source, n_target):
    is_target = np.arange(n_source + n_target) >= n_source
    masks = np.array([held_out(is_target, 0.1, seed) for seed in range(10)])
    for domain in (is_target, ~is_target):
        assert np.all(masks[:, domain].any(axis=0) == (domain.sum() > 1))
        assert not masks[:, domain].all(axis=1).any() or not domain.any()
    with pytest.raises(BadInput, match="one training clip"):
        held_out(np.zeros(1, bool), 0.1, 0)


def test_every_seed_has_as_many_rows_and_none_of_a_clip_left_out():
    vectors = Vectors(features(), 5)
    splits = [ClipFolds().split(vectors.clip, IS_TARGET, NUMBERS, seed) for seed in range(10)]
    assert len({(len(rows), len(validation)) for rows, validation in splits}) == 1
    for seed, (rows, validation) in enumerate(splits):
        mask = held_out(IS_TARGET, 0.1, seed)
        assert not mask[vectors.clip[rows]].any() and mask[vectors.clip[validation]].all() and len(validation)


def test_what_a_seed_learns_does_not_depend_on_the_clips_it_leaves_out(tmp_path):
    clips, others = features(), features(seed=1)
    mask = held_out(IS_TARGET, 0.1, 3)
    mixed = [others[i] if mask[i] else clips[i] for i in range(24)]
    (trained, scorer), (again, rescored) = fitted(clips, 3, tmp_path / "a"), fitted(mixed, 3, tmp_path / "b")
    assert all(np.array_equal(trained[k], again[k]) for k in trained if k != "history")
    assert all(np.array_equal(scorer.fitted[k], rescored.fitted[k]) for k in scorer.fitted)
    np.testing.assert_array_equal(np.isnan(scorer.train_scores), ~mask)
    expected = [scorer.score(clip) for clip, left_out in zip(clips, mask, strict=True) if left_out]
    np.testing.assert_array_equal(scorer.train_scores[mask], expected)


def test_without_a_share_there_is_nothing_to_judge_by():
    with pytest.raises(BadInput, match="validation_share 0: above 0 expected"):
        ClipFolds().judged(IS_TARGET, Training(validation_share=0.0), 0)


def system_of(columns, weights, is_target=(0, 0, 0, 1)):
    members = [Member(f"{name}-{i}", name, None, None, 1, None, np.array(c)) for i, (name, c) in enumerate(columns)]
    return FittedSystem(tuple(members), NormalStandardised(), weights, np.array(is_target, bool))


def test_seeds_of_a_system_share_a_scale_and_a_threshold_and_systems_are_averaged_where_known():
    nan = np.nan
    found = system_of([("a", [1, 3, nan, nan]), ("a", [nan, nan, 5, 7]), ("b", [0, 0, 0, 4])], (1, 1, 2))
    pooled = np.array([1, 3, 5, 7])
    a, b = (pooled - 4) / pooled.std(), (np.array([0, 0, 0, 4]) - 1) / 3**0.5
    np.testing.assert_allclose(found.member_train_scores[0], [*a[:2], nan, nan])
    np.testing.assert_allclose(found.train_scores, (a + b) / 2)
    assert found.calibrated[0] is found.calibrated[1] and found.thresholds[0] == found.thresholds[1]


def test_a_clip_that_one_system_has_seen_counts_by_the_other_alone():
    found = system_of([("a", [-1, 1, np.nan, np.nan]), ("b", [0, 0, 0, 4])], (1, 1))
    np.testing.assert_allclose(found.train_scores[2:], (np.array([0, 4]) - 1) / 3**0.5)


def test_too_few_left_out_scores_are_no_threshold():
    with pytest.raises(BadInput, match="1 training clips scored as unseen, at least two expected .*too few seeds"):
        _ = system_of([("a", [1, np.nan, np.nan, np.nan])], (1,)).calibrated


def test_target_scores_are_moved_to_the_sources_where_the_domain_is_decided():
    held_to = np.array([0.0, 0, 0, 1, 1])
    scorer = SimpleNamespace(decides_domain=True, domain=lambda feature: feature is TARGET, train_domains=held_to)
    columns = [[1.0, np.nan, 3.0, np.nan, 7.0], [np.nan, 2.0, np.nan, 8.0, np.nan]]
    members = tuple(Member(str(i), "a", None, None, 1, scorer, np.array(c)) for i, c in enumerate(columns))
    found = FittedSystem(members, NormalStandardised(), (1.0, 1.0), np.array([0, 0, 0, 1, 1], bool))
    assert found.offsets == (7.5 - 2, 7.5 - 2)  # over both seeds
    moved = np.array([1, 2, 3, 2.5, 1.5])
    np.testing.assert_allclose(found.train_scores, (moved - moved.mean()) / moved.std())
    assert domain_of(scorer, TARGET) == 1 and domain_of(scorer, None) == 0
    assert found.standardised(0, 9.0, 1.0) == pytest.approx((9 - 5.5 - moved.mean()) / moved.std())
    misheld = SimpleNamespace(decides_domain=True, train_domains=np.array([0.0, 0, 0, 0, 1]))
    other = FittedSystem(
        tuple(replace(m, scorer=misheld) for m in members), NormalStandardised(), (1.0, 1.0), found.is_target
    )
    assert other.offsets[0] == 7 - np.mean([1, 2, 3, 8])  # by what is decided, as for test clips
    plain = FittedSystem(
        tuple(replace(m, scorer=SimpleNamespace()) for m in members), NormalStandardised(), (1.0, 1.0), found.is_target
    )
    assert plain.offsets == (0.0, 0.0)
