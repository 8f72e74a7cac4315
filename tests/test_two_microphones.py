"""The two-microphone autoencoder against its formulas written out."""

import numpy as np
import pytest
import torch
from torch import nn

from asd import signal
from asd.detectors import (
    MeanSquaredError,
    OrganisersNet,
    PooledMahalanobis,
    SelectiveMahalanobis,
    TwoMicrophoneAutoEncoder,
)
from asd.detectors.scoring import Residuals
from asd.detectors.two_microphones import half
from asd.detectors.vectors import Vectors
from asd.errors import BadInput
from asd.features import LogMelPair
from asd.fingerprint import code, numbers
from asd.frontends import Near, NearAndDifference

M, CONTEXT = 4, 5
RNG = np.random.default_rng(0)


def fingerprint(part):
    return str(numbers(part)), code(part)


def recipe(alpha=2.0, **parts):
    return TwoMicrophoneAutoEncoder(alpha=alpha, network=OrganisersNet(width=16, bottleneck=3), **parts)


def network(seeds=(1,)):
    built = recipe().trainer.build(2 * M * CONTEXT, seeds)
    for buffer in built.state_dict().values():
        if buffer.ndim == 2:
            buffer.uniform_(0.5, 1.5)  # defaults of batch norm would hide a wrong wiring
    return built.eval()


def literal_dense(weights, x):
    """One Sequential of the stacked layers, by hand: linear, batch norm in evaluation state, ReLU."""
    for layer in weights:
        if isinstance(layer, nn.ReLU):
            x = x.clamp_min(0)
        elif hasattr(layer, "running_mean"):
            x = (x - layer.running_mean[0]) / (layer.running_var[0] + 1e-3).sqrt() * layer.weight[0] + layer.bias[0]
        else:
            x = x @ layer.weight[0] + layer.bias[0]
    return x


@torch.no_grad()
def literal_residuals(built, reference, difference):
    """x - Dec(Enc_ref(x), Enc_dif(x')) of each channel, (B, CONTEXT * M) each."""
    of_reference, of_difference = built.network.encoders
    z = torch.cat([literal_dense(of_reference, reference), literal_dense(of_difference, difference)], dim=1)
    decoded = [literal_dense(decoder, z) for decoder in built.network.decoders]
    return reference - decoded[0], difference - decoded[1]


def features():
    return [RNG.normal(size=(n, 2 * M)).astype(np.float32) for n in (12, 9)]


@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_loss_is_the_papers_formula(alpha):
    built, frames = network(), features()
    stacks = [np.stack([f[t : t + CONTEXT] for t in range(len(f) - CONTEXT + 1)]) for f in frames]  # (n, CONTEXT, 2 M)
    windows = torch.from_numpy(np.concatenate(stacks))
    reference, difference = windows[..., :M].flatten(1), windows[..., M:].flatten(1)
    e, e_difference = literal_residuals(built, reference, difference)
    expected = (e**2).mean() + alpha * (e_difference**2).mean()
    found = recipe(alpha).trainer.loss(Vectors(frames, CONTEXT), built, torch.arange(len(windows))[None])
    torch.testing.assert_close(found, expected[None], rtol=1e-4, atol=1e-6)


def test_each_channel_reaches_the_other_only_through_the_latent():
    built, x = network(), torch.randn(1, 3, 2 * M * CONTEXT)
    with torch.no_grad():
        built.network.decoders[0][0].weight[0, 3:] = 0  # the reference decoder no longer hears the difference latent
        changed = x.clone().unflatten(-1, (CONTEXT, 2, M))
        changed[..., 1, :] += 1
        before, after = (
            built(x).unflatten(-1, (CONTEXT, 2, M)),
            built(changed.flatten(2)).unflatten(-1, (CONTEXT, 2, M)),
        )
    torch.testing.assert_close(before[..., 0, :], after[..., 0, :])
    assert not torch.allclose(before[..., 1, :], after[..., 1, :])


def test_seeds_in_one_stack_are_the_same_networks_as_alone():
    x = torch.randn(1, 7, 2 * M * CONTEXT)
    together = recipe().trainer.build(2 * M * CONTEXT, (5, 6)).eval()(x.expand(2, -1, -1))
    for i, seed in enumerate((5, 6)):
        torch.testing.assert_close(together[i], recipe().trainer.build(2 * M * CONTEXT, (seed,)).eval()(x)[0])


@pytest.mark.parametrize("scoring", [MeanSquaredError(), PooledMahalanobis(), SelectiveMahalanobis()])
def test_score_is_the_reference_score_plus_alpha_times_the_difference_score(scoring):
    clips = [RNG.normal(size=(9, CONTEXT, 2 * M)) for _ in range(6)]
    is_target = np.arange(6) % 2 == 0

    def residuals_of(clips):
        def batches():
            yield np.concatenate(clips), np.repeat(is_target, 9)

        return Residuals(lambda: iter(clips), is_target, batches)

    ours = recipe(alpha=0.5, scoring=scoring)
    fitted = ours.fit_scoring(residuals_of(clips))
    alone = [scoring.fit(residuals_of([half(c, name) for c in clips])) for name in ("reference", "difference")]
    for clip in clips:
        halves = zip(alone, (clip[..., :M], clip[..., M:]), strict=True)
        reference, difference = (scoring.distances(arrays, half) for arrays, half in halves)
        literal = min(a + 0.5 * b for a, b in zip(reference, difference, strict=True))
        assert min(ours.distances(fitted, clip)) == pytest.approx(literal, rel=1e-12)


def test_a_clip_is_of_one_domain_in_both_channels():
    precisions = {"source": 1.0, "target": 2.0}, {"source": 4.0, "target": 1.0}  # of reference and difference
    fitted = {
        f"{c} precision_{d}": p * np.eye(M)
        for c, of in zip(("reference", "difference"), precisions, strict=True)
        for d, p in of.items()
    }
    clip = np.ones((9, CONTEXT, 2 * M))
    assert recipe(alpha=0.5, scoring=SelectiveMahalanobis()).score(fitted, None, clip) == M * min(
        1 + 0.5 * 4, 2 + 0.5 * 1
    )


def test_alpha_belongs_to_the_training_and_the_scoring_does_not():
    keys = {fingerprint(recipe(alpha, scoring=s).trainer) for alpha in (0.1, 2.0) for s in (MeanSquaredError(),) * 2}
    assert len(keys) == 2
    assert recipe(scoring=SelectiveMahalanobis()).trainer == recipe().trainer
    with pytest.raises(BadInput, match="alpha -1"):
        recipe(-1.0)


def test_features_are_the_log_mels_of_the_near_wave_and_of_the_difference_of_the_waves():
    wave = RNG.normal(size=(2, 8000)).astype(np.float32)
    found = LogMelPair(n_mels=64)(NearAndDifference()(wave))
    for channel, one in enumerate((wave[:1], wave[:1] - wave[1:])):
        expected = signal.log_mel(signal.power(signal.stft(one, 1024, 512))[0], 64)
        np.testing.assert_allclose(found[:, 64 * channel : 64 * (channel + 1)], expected, atol=1e-3)


def test_a_front_end_of_one_channel_is_refused():
    with pytest.raises(BadInput, match="1 channel from the front-end, 2 expected"):
        LogMelPair()(Near()(RNG.normal(size=(2, 8000)).astype(np.float32)))
