"""The baseline's fast forms against slow literal ones."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from asd.clips import DOMAINS
from asd.detectors import (
    AutoEncoder,
    Blend,
    DiscriminatedDomain,
    LedoitWolf,
    MeanSquaredError,
    OrganisersNet,
    PerDimension,
    PooledMahalanobis,
    ResidualNet,
    SelectiveMahalanobis,
    SquaredError,
)
from asd.detectors.networks import n_parameters
from asd.detectors.scoring import Residuals, batch_covariances
from asd.detectors.vectors import Vectors, stack
from asd.errors import BadInput
from asd.fingerprint import code, numbers
from asd.macs import macs


def fingerprint(part):
    return str(numbers(part)), code(part)


def literal_network(seed):
    """The organisers' layers, written out with PyTorch's own modules, holding the weights of our stacked ones."""
    ours = OrganisersNet().build(640, (seed,))
    for buffer in ours.state_dict().values():
        if buffer.ndim == 2:
            buffer.uniform_(0.5, 1.5)  # defaults of batch norm would hide a wrong wiring
    sizes, layers = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128], []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, momentum=0.01, eps=1e-3), nn.ReLU()]
    theirs = nn.Sequential(*layers, nn.Linear(128, 640))
    state = ours.state_dict()
    theirs.load_state_dict(
        {k: v[0].T if v.ndim == 3 and v.shape[1] > 1 else v.reshape(-1) for k, v in state.items()}, strict=False
    )
    return ours, theirs


@pytest.mark.parametrize("state", ["train", "eval"])
def test_network_equals_the_literal_one(state):
    ours, theirs = literal_network(3)
    x = torch.randn(256, 640)
    getattr(ours, state)(), getattr(theirs, state)()
    torch.testing.assert_close(ours(x[None])[0], theirs(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours[1].running_var[0], theirs[1].running_var)  # momentum


def test_network_has_the_organisers_size():
    network = OrganisersNet().build(640, (0,)).eval()
    assert n_parameters(network) == 267_928
    assert macs(lambda: network(torch.zeros(1, 1, 640))) == 264_192


def test_seeds_in_one_stack_are_the_same_networks_as_alone():
    together = OrganisersNet().build(640, (5, 6, 7)).eval()
    x = torch.randn(32, 640)
    for i, seed in enumerate((5, 6, 7)):
        alone = OrganisersNet().build(640, (seed,)).eval()
        torch.testing.assert_close(together(x.expand(3, 32, 640))[i], alone(x[None])[0])


def clips(lengths=(9, 14, 5), n_mels=6, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, n_mels)).astype(np.float32) for n in lengths]


def test_vectors_equal_stacking_each_clip_by_hand():
    features = clips()
    vectors = Vectors(features, 5)
    literal = [np.concatenate([f[t + p] for p in range(5)]) for f in features for t in range(len(f) - 4)]
    np.testing.assert_array_equal(vectors[torch.arange(len(vectors))], literal)
    np.testing.assert_array_equal(np.concatenate([stack(f, 5) for f in features]), literal)
    assert vectors.clip.tolist() == [0] * 5 + [1] * 10 + [2]


def test_loss_is_the_mean_squared_error_of_each_seed():
    vectors = Vectors(clips(), 5)
    network = AutoEncoder(network=OrganisersNet(width=4, bottleneck=2)).trainer.build(30, (0, 1)).eval()
    rows = torch.tensor([[0, 3, 4], [9, 2, 1]])
    x = vectors[rows]
    literal = [((network.network(x)[s] - x[s]) ** 2).mean() for s in range(2)]
    torch.testing.assert_close(SquaredError().loss(network, vectors[rows], 5), torch.stack(literal))


def residuals(n_batches=7, seed=1):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(12, 12))
    out = [(rng.normal(size=(20, 5, 12)) @ mixing + 3, rng.random(20) < 0.3) for _ in range(n_batches)]
    return [(e.astype(np.float32), t) for e, t in out]


def test_covariances_equal_the_organisers_batch_by_batch_sums():
    batches = residuals()
    for domain, ours in enumerate(batch_covariances(batches, DOMAINS)):
        total, count = np.zeros((12, 12)), 0
        for e, is_target in batches:
            rows = np.concatenate([e[i] for i in range(len(e)) if is_target[i] == bool(domain)])
            mean = sum(rows) / len(rows)
            for row in rows:
                total += np.outer(row - mean, row - mean)
            count += np.sum(is_target == bool(domain))
        np.testing.assert_allclose(ours, total / (count - 1), rtol=1e-5)


def test_selective_mahalanobis_equals_the_literal_n_by_n_mean():
    batches = residuals()
    scoring = SelectiveMahalanobis()
    fitted = scoring.fit(Residuals(lambda: [], np.zeros(0, bool), lambda: iter(batches)))
    for clip in np.random.default_rng(5).normal(0.3, 2, size=(4, 11, 5, 12)).astype(np.float32):
        rows = clip.reshape(-1, 12).astype(np.float64)  # (5F, D)
        literal = [np.mean(rows @ fitted[f"precision_{d}"].astype(np.float64) @ rows.T) for d in ("source", "target")]
        assert min(scoring.distances(fitted, clip)) == pytest.approx(min(literal), rel=1e-5)
        assert len(set(literal)) == 2


def test_the_pooled_score_equals_a_literal_one_and_needs_no_target_clip():
    batches = residuals()
    rows = np.concatenate([e.reshape(-1, 12) - e.reshape(-1, 12).mean(axis=0) for e, _ in batches]).astype(np.float64)
    precision = np.linalg.inv(rows.T @ rows / (sum(len(e) for e, _ in batches) - 1))
    clip = np.random.default_rng(5).normal(0.3, 2, size=(11, 5, 12)).astype(np.float32)
    of_clip = clip.reshape(-1, 12).astype(np.float64)
    scoring = PooledMahalanobis()
    for is_target in (None, np.zeros(20, bool)):
        told = [(e, t if is_target is None else is_target) for e, t in batches]
        fitted = scoring.fit(Residuals(lambda: [], np.zeros(0, bool), lambda told=told: iter(told)))
        assert min(scoring.distances(fitted, clip)) == pytest.approx(np.mean(of_clip @ precision @ of_clip.T), rel=1e-4)


def test_mean_squared_error_equals_a_literal_loop():
    clip = np.random.default_rng(2).normal(size=(4, 5, 3)).astype(np.float32)
    literal = sum(float(v) ** 2 for v in clip.ravel()) / clip.size
    assert MeanSquaredError().distances({}, clip)[0] == pytest.approx(literal, rel=1e-9)


def test_selective_mahalanobis_needs_both_domains_and_a_regular_covariance():
    e = np.random.default_rng(0).normal(size=(20, 5, 12)).astype(np.float32)
    for batch, message in [
        ((e, np.zeros(20, bool)), "0 target vectors"),
        ((e * 0, np.arange(20) % 2 == 0), "singular"),
    ]:
        with pytest.raises(BadInput, match=message):
            SelectiveMahalanobis().fit(Residuals(lambda: [], np.zeros(0, bool), lambda batch=batch: iter([batch])))


def test_scorings_do_not_enter_the_name_of_a_training_but_networks_do():
    mse, mahala = AutoEncoder(), AutoEncoder(scoring=SelectiveMahalanobis())
    assert mse.trainer == mahala.trainer and fingerprint(mse.trainer) == fingerprint(mahala.trainer)
    assert fingerprint(mse.trainer) != fingerprint(AutoEncoder(network=OrganisersNet(width=127)).trainer)


def test_standardised_vectors_have_mean_zero_and_deviation_one_in_every_dimension():
    detector, vectors = AutoEncoder(scaling=PerDimension(), network=OrganisersNet(width=4)), Vectors(clips(), 5)
    built = detector.trainer.build(30, (0, 1))
    detector.scaling.learn(built.scale, vectors, [np.arange(len(vectors))] * 2)
    scaled = built.scale(vectors[torch.arange(len(vectors))].expand(2, -1, -1))
    torch.testing.assert_close(scaled.mean(1), torch.zeros(2, 30), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(1, correction=0), torch.ones(2, 30), atol=1e-4, rtol=0)


def test_residual_network_has_its_layers_and_mirror():
    network = ResidualNet().build(640, (0,)).eval()
    norms = 2 * 512
    projections = 640 * 512 + 512 + norms + 16 * 512 + 512 + norms
    blocks = 8 * (512 * 512 + 512 + norms)
    assert n_parameters(network) == projections + blocks + 512 * 16 + 16 + 512 * 640 + 640
    block, x = network[1], torch.randn(1, 9, 512)
    linear, norm = block.layer[0], block.layer[1]
    y = x[0] @ linear.weight[0] + linear.bias[0]
    y = (y - norm.running_mean[0]) / torch.sqrt(norm.running_var[0] + 1e-5)
    torch.testing.assert_close(block(x)[0], x[0] + torch.nn.functional.gelu(y), rtol=1e-4, atol=1e-5)


def blend_clips(n=12, size=(15, 2, 3)):
    rng = np.random.default_rng(4)
    is_target = np.arange(n) % 4 == 3
    return [rng.normal(2.0 * t, 1 + t, size).astype(np.float32) for t in is_target], is_target


def literal_blend(residual, training, is_target, alpha, q, dm, weight, ridge=1e-3):
    """Eq. (1) frame by frame, with an explicit inverse, for each domain; the smaller counts."""
    everything = np.concatenate([c.reshape(len(c), -1) for c in training]).astype(np.float64)
    scores = []
    for domain in (False, True):
        own = np.concatenate([c.reshape(len(c), -1) for c, t in zip(training, is_target, strict=True) if t == domain])
        mean = everything.mean(0) if not dm else own.mean(0)

        def ridged(rows):
            covariance = np.cov(rows.T, bias=True)
            return covariance + ridge * np.mean(np.diag(covariance)) * np.eye(len(covariance))

        sigma = ridged(everything)
        if domain:
            sigma = (1 - weight) * sigma + weight * ridged(own)
        distances, energies = [], []
        for e in residual.reshape(len(residual), -1).astype(np.float64):
            distances.append((e - mean) @ np.linalg.inv(sigma) @ (e - mean))
            energies.append(np.sum((e - (own.mean(0) if dm else 0)) ** 2))
        scores.append((1 - alpha) * np.percentile(distances, q) + alpha * np.percentile(energies, q))
    return min(scores)


@pytest.mark.parametrize(
    ("dm", "weight", "q"), [(0.0, 0.0, 90.0), (1.0, 0.0, 90.0), (0.0, 0.3, 95.0), (1.0, 0.3, 95.0)]
)
def test_blend_equals_equation_1_written_out(dm, weight, q):
    training, is_target = blend_clips()
    scoring = Blend(percentile=q, domain_mean=dm, target_weight=weight)
    fitted = scoring.fit(Residuals(lambda: training, is_target, lambda: iter([])))
    for residual in training[:4]:
        literal = literal_blend(residual, training, is_target, 0.2, q, dm, weight)
        assert min(scoring.distances(fitted, residual)) == pytest.approx(literal, rel=1e-4)


def test_blend_without_target_clips_is_that_of_the_source():
    training, is_target = blend_clips()
    only = Blend(domain_mean=1.0, target_weight=0.3)
    fitted = only.fit(Residuals(lambda: training, is_target & False, lambda: iter([])))
    np.testing.assert_array_equal(fitted["means"][0], fitted["means"][1])


def test_ledoit_wolf_equals_scikit_learns_estimator():
    from sklearn.covariance import LedoitWolf as Theirs

    training, _ = blend_clips()
    rows = np.concatenate([c.reshape(len(c), -1) for c in training]).astype(np.float64)
    ours = LedoitWolf().regularise(np.cov(rows.T, bias=True), rows, rows.mean(0))
    np.testing.assert_allclose(ours, Theirs().fit(rows).covariance_, rtol=1e-9)


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"percentile": 101}, {"domain_mean": -1}, {"target_weight": 2}])
def test_blend_refuses_shares_outside_their_range(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(BadInput, match=f"{name} {value}: from 0 to 1"):
        Blend(**wrong)


def test_the_discriminant_decides_by_the_training_clips_domains_and_not_by_level():
    rng = np.random.default_rng(6)
    is_target = np.arange(40) >= 34
    shape = np.array([3.0, -1, 0, 0, 0, 0])  # of the target's spectrum
    clips = [(rng.normal(size=(7, 6)) + shape * t + rng.normal() * 50).astype(np.float32) for t in is_target]
    part = DiscriminatedDomain()
    fitted, distances = part.fit(clips, is_target), np.array([1.0, 5.0])
    unseen = rng.normal(size=(7, 6))
    assert part.chosen(fitted, unseen - 200, distances) == 0 and part.chosen(fitted, unseen + shape, distances) == 1
    assert part.chosen(fitted, unseen + shape, distances[:1]) == 0
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=(0.5, 0.5))
    rows = np.array([c.mean(0) - c.mean() for c in clips])
    expected = theirs.fit(rows, is_target).decision_function(rows)
    np.testing.assert_allclose(rows @ fitted["discriminant"][:-1] + fitted["discriminant"][-1], expected, atol=1e-4)
    with pytest.raises(BadInput, match="training clips of one domain: both expected"):
        part.fit(clips, is_target & False)
