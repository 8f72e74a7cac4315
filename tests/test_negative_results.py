"""What the noise-aware report tried and dropped: bottleneck neighbours, a flow, other training objectives."""

import numpy as np
import pytest
import torch
from test_held_out import AE, IS_TARGET, NUMBERS, features

from asd.contracts import Workplace
from asd.detectors import (
    AbsoluteError,
    AdditiveFlow,
    AutoEncoder,
    Blend,
    BottleneckNeighbours,
    ClipFolds,
    FlowDetector,
    HiddenFrame,
    OrganisersNet,
    ResidualNet,
    TwoMicrophoneAutoEncoder,
)
from asd.detectors.backends import NearestNeighbours
from asd.errors import BadInput
from asd.folds import held_out


def fitted(detector, clips, seed, tmp_path):
    (trained,) = detector.trainer.train(clips, IS_TARGET, Workplace((seed,), "cpu", tmp_path))
    return trained, detector.fit_scorer(trained, seed, clips, IS_TARGET)


FLOW = FlowDetector(network=AdditiveFlow(width=8), training=NUMBERS, validation=ClipFolds(), scoring=Blend(alpha=1.0))


def test_the_flow_is_a_density():
    """It integrates to one over a plane, whatever the weights: the layers keep volume, the scaling is counted."""
    flow = AdditiveFlow(width=16).flow(2, (3,))
    with torch.no_grad():
        for p in flow.parameters():
            p.add_(0.2)
    grid = torch.linspace(-20, 20, 800)
    x = torch.cartesian_prod(grid, grid)[None]  # (1, n, 2)
    with torch.no_grad():
        log_p = (flow.log_scale - flow(x).square() / 2).sum(-1) - np.log(2 * np.pi)
    assert float(log_p.exp().sum() * (grid[1] - grid[0]) ** 2) == pytest.approx(1, abs=1e-3)


def test_the_flows_score_is_the_percentile_of_the_squared_norm(tmp_path):
    clips = features()
    trained, scorer = fitted(FLOW, clips, 0, tmp_path)
    z = FLOW.trainer.restored(trained)(torch.from_numpy(np.concatenate([clips[0][:5].reshape(1, 1, -1)])))
    assert scorer.score(clips[0][:5]) == pytest.approx(float(z.square().sum().detach()), rel=1e-5)
    again = FLOW.restore(trained, scorer.arrays())
    assert again.score(clips[1]) == scorer.score(clips[1]) and trained["history"].shape == (2, 3)


def test_bottleneck_neighbours_share_the_autoencoders_training_and_leave_its_fold_out(tmp_path):
    detector, clips = BottleneckNeighbours(AE, NearestNeighbours(neighbours=1)), features()
    assert detector.trainer == AE.trainer
    trained, scorer = fitted(detector, clips, 3, tmp_path)
    mask = held_out(IS_TARGET, 0.1, 3)
    np.testing.assert_array_equal(np.isnan(scorer.train_scores), ~mask)
    assert scorer.train_scores[mask].tolist() == [scorer.score(c) for c, m in zip(clips, mask, strict=True) if m]
    again = detector.restore(trained, scorer.arrays())
    assert again.score(clips[0]) == scorer.score(clips[0])
    with pytest.raises(BadInput, match="autoencoder.network AdditiveFlow: one with a bottleneck"):
        BottleneckNeighbours(FLOW)
    with pytest.raises(BadInput, match="autoencoder.validation RandomVectors: ClipFolds"):
        BottleneckNeighbours(AutoEncoder())
    with pytest.raises(BadInput, match="autoencoder TwoMicrophoneAutoEncoder: one of one channel"):
        BottleneckNeighbours(TwoMicrophoneAutoEncoder(validation=ClipFolds()))


@pytest.mark.parametrize("net", [OrganisersNet(width=8, bottleneck=3), ResidualNet(width=8, blocks=2, bottleneck=3)])
def test_the_encoder_ends_at_the_bottleneck(net):
    network = net.build(12, (0,)).eval()
    x = torch.randn(1, 4, 12)
    encoder = net.encoder(network)
    assert encoder(x).shape == (1, 4, 3)
    torch.testing.assert_close(network[len(encoder) :](encoder(x)), network(x))


@pytest.mark.parametrize("detector", [FlowDetector, TwoMicrophoneAutoEncoder])
def test_an_objective_that_would_not_be_minimised_is_refused(detector):
    with pytest.raises(BadInput, match="objective AbsoluteError: SquaredError"):
        detector(objective=AbsoluteError())


def test_objectives_by_hand():
    built = AE.trainer.build(20, (0,)).eval()
    x = torch.randn(1, 3, 20)
    torch.testing.assert_close(AbsoluteError().loss(built, x, 5), built(x).abs().mean().reshape(1))
    hidden = x.clone()
    hidden[..., 8:12] = 0  # the middle one of five frames of four bands
    expected = (x - built.network(hidden)).square().mean().reshape(1)
    torch.testing.assert_close(HiddenFrame().loss(built, x, 5), expected)
