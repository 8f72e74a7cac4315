"""Semi-denoising: the pairs it learns from, the U-Net, and the detector behind it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import scorer_of

from asd.contracts import Workplace
from asd.detectors import AutoEncoder, FarChannel, OrganisersNet, SelectiveMahalanobis, SemiDenoising, Supplemental
from asd.detectors.denoised import Cropped, OtherClips, ResidualUNet, Resized, denoised
from asd.detectors.denoised.detector import Denoiser, changed
from asd.detectors.denoised.images import interpolation, resized
from asd.detectors.denoised.pairs import NoisyPairs, Patches, with_noise
from asd.epochs import Training
from asd.errors import BadInput
from asd.fingerprint import code, numbers

M = 8
SMALL = SemiDenoising(
    images=Cropped(rows=2 * M, columns=16),
    noise=FarChannel(),
    pairs=NoisyPairs(pairs=7),
    network=ResidualUNet(width=8),
    training=Training(epochs=3, batch_size=8),
    detector=AutoEncoder(network=OrganisersNet(width=8, bottleneck=2), training=Training(epochs=2, batch_size=32)),
)


def patches_of(features, recorded=(), images=SMALL.images, noise=SMALL.noise, numbers=NoisyPairs()):  # noqa: B008
    return Patches(features, recorded, images, noise, numbers, "cpu")


def fingerprint(part):
    return str(numbers(part)), code(part)


def clips(lengths=(20, 16, 12, 25), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(-20, 5, size=(n, 2 * M)).astype(np.float32) for n in lengths]


def test_noise_adds_in_power_at_the_ratio_asked_for():
    near, noise = torch.randn(2, 3, 16, M).mul(5)
    snr = torch.tensor([0.0, 7.0, float("inf")])
    noisy = with_noise(near, noise, snr)
    added = 10 ** (noisy / 10) - 10 ** (near / 10)
    for i in range(2):
        ratio = (10 ** (near[i] / 10)).mean() / added[i].mean()
        assert 10 * float(torch.log10(ratio)) == pytest.approx(float(snr[i]), abs=1e-2)
        shape = added[i] / 10 ** (noise[i] / 10)  # the noise's own spectrum and course, only its level is changed
        torch.testing.assert_close(shape, shape.mean().expand_as(shape), rtol=1e-2, atol=1e-4)
    assert torch.equal(noisy[2], near[2])


@pytest.mark.parametrize(("noisy", "originals"), [(7, 3), (10, 4), (1, 0), (14, 6)])
def test_noisy_and_original_pairs_are_seven_to_three(noisy, originals):
    patches = patches_of(clips(), numbers=NoisyPairs(pairs=noisy))
    assert len(patches) == 4 * (noisy + originals)


def test_ten_noisy_pairs_a_clip_and_four_of_the_clip_itself():
    features = clips()
    patches = patches_of(features)
    one, other = patches[torch.arange(len(patches))[None]]
    assert len(patches) == 56 and one.shape == other.shape == (1, 56, 16, M)
    alike = [torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True)]
    assert alike == ([True] * 4 + [False] * 10) * 4
    for row in range(56):
        near = torch.from_numpy(np.resize(features[row // 14], (max(16, len(features[row // 14])), 2 * M))[:, :M])
        crops = near.unfold(0, 16, 1).transpose(1, 2)  # all patches of the clip
        if alike[row]:
            assert any(torch.equal(crop, one[0, row]) for crop in crops)
        else:  # noise only adds
            assert any((one[0, row] >= crop - 1e-3).all() and (other[0, row] >= crop - 1e-3).all() for crop in crops)


def test_a_clips_own_far_channel_is_never_its_noise():
    features = [np.full((16, 2 * M), -100.0, np.float32) for _ in range(3)]
    features[1][:, M:] = 40.0  # the only loud far channel: scaled to the SNR, its spectrum is flat in time as all are
    features[1][::2, M:] = -100.0  # so it is marked by its course
    one, other = patches_of(features)[torch.arange(14, 28)[None]]
    for side in (one, other):
        assert torch.allclose(side[0, :, ::2], side[0, :, 1::2])  # clip 1 gets the steady noise of the others


def test_the_two_noises_of_a_pair_are_of_two_other_clips():
    features = [np.full((20, 2 * M), -100.0, np.float32) for _ in range(5)]
    for i, feature in enumerate(features):
        feature[:, M + i] = 40.0  # clip i's noise is in band i
    patches = patches_of(features)
    one, other = (side[0].mean(dim=1).argmax(dim=-1) for side in patches[torch.arange(len(patches))[None]])
    noisy = torch.arange(len(patches)) % 14 >= 4
    drawn = {(a, b) for a, b in zip(one[noisy].tolist(), other[noisy].tolist(), strict=True)}
    assert len(drawn) > 10 and all(a != b for a, b in drawn)
    clip = torch.arange(len(patches)) // 14
    assert (one != clip)[noisy].all() and (other != clip)[noisy].all()


def test_one_clip_is_refused():
    with pytest.raises(BadInput, match="one training clip"):
        patches_of(clips()[:1])


def denoiser(seeds=(1,), images=SMALL.images):
    built = Denoiser(ResidualUNet(width=8), images, M, seeds).eval()
    built.scale.mean[:], built.scale.std[:] = -20.0, 5.0
    return built


def test_loss_is_the_squared_error_against_the_other_sides_image():
    net, (one, other) = denoiser(), torch.randn(2, 1, 3, 16, M).mul(5).sub(20)
    with torch.no_grad():
        image, wanted = (resized((side + 20) / 5, 16, 2 * M) for side in (one, other))
        literal = (net.unet(image) - wanted).square().mean()
        torch.testing.assert_close(net.loss(one, other), literal[None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("images", [SMALL.images, Resized(rows=20, columns=12)])
def test_an_untouched_correction_leaves_the_clip_as_it_is_at_any_length(images):
    net = denoiser(images=images)
    net.unet.last.weight.data.zero_(), net.unet.last.bias.data.zero_()
    for feature in clips((5, 16, 37)):
        np.testing.assert_array_equal(denoised(net, feature), feature[:, :M])
    net.unet.last.bias.data.fill_(0.5)  # a standard deviation of 5 dB
    np.testing.assert_allclose(changed(net, feature), 2.5, rtol=1e-5)


def test_denoisers_in_one_stack_are_the_same_as_alone():
    together, x = denoiser((5, 6)), torch.randn(1, 3, 16, M)
    for i, seed in enumerate((5, 6)):
        torch.testing.assert_close(together(x.expand(2, -1, -1, -1))[i], denoiser((seed,))(x)[0], rtol=1e-4, atol=1e-4)


# ---- where noise comes from, and what an image is -------------------------------------------------------------------


def test_other_clips_are_the_noise_where_there_is_one_channel():
    features = [np.full((20, M), -100.0, np.float32) for _ in range(5)]
    for i, feature in enumerate(features):
        feature[:, i] = 0.0  # clip i is in band i
    rows = torch.arange(5 * 14)[None]
    one, other = (side[0].mean(dim=1) for side in patches_of(features, noise=OtherClips())[rows])  # (n, M)
    for row in range(5 * 14):
        heard = [set(np.flatnonzero(side[row] > -90).tolist()) - {row // 14} for side in (one, other)]
        assert (
            heard == [set(), set()] if row % 14 < 4 else (len(heard[0]) == len(heard[1]) == 1 and heard[0] != heard[1])
        )


@pytest.mark.parametrize("images", [SMALL.images, Resized(rows=2 * M, columns=16)])
def test_supplemental_noise_is_all_that_is_added(images):
    features = [np.full((20, M), -100.0, np.float32) for _ in range(3)]
    recorded = [np.full((n, M), -100.0, np.float32) for n in (9, 40)]  # shorter and longer than a patch
    recorded[0][:, 1], recorded[1][:, 2] = 0.0, 0.0
    patches = patches_of(features, recorded, images, Supplemental())
    one, other = (side[0].mean(dim=1).argmax(dim=-1) for side in patches[torch.arange(len(patches))[None]])
    noisy = torch.arange(len(patches)) % 14 >= 4
    assert set(one[noisy].tolist()) == {1, 2} and (one + other == 3)[noisy].all()  # two different clips a pair


@pytest.mark.parametrize(("n_from", "n_to"), [(128, 256), (256, 128), (313, 256), (7, 7), (5, 1)])
def test_interpolation_is_that_of_torch(n_from, n_to):
    x = torch.randn(3, n_from)
    literal = torch.nn.functional.interpolate(x[None], n_to, mode="linear", align_corners=False)[0]
    torch.testing.assert_close(x @ interpolation(n_from, n_to).T, literal, rtol=1e-4, atol=1e-5)


def test_a_whole_clip_trains_as_the_image_that_it_is_scored_as():
    images, features = Resized(rows=2 * M, columns=16), clips((20, 11, 16))
    patches = patches_of(features, images=images, numbers=NoisyPairs(pairs=7))  # 3 originals a clip
    net = denoiser(images=images)
    for i, feature in enumerate(features):
        trained_on, _ = patches[torch.tensor([[10 * i]])]
        heard = torch.from_numpy(feature[:, :M].copy())[None, None]
        images_of = [images.drawn(net.scale(x)) for x in (trained_on, heard)]
        torch.testing.assert_close(*images_of, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [1, 4])
def test_depth_and_width_are_numbers(depth):
    net = ResidualUNet(width=16, depth=depth).build((0,))
    assert net(torch.randn(1, 2, 13, 21)).shape == (1, 2, 13, 21)
    assert len(net.downs) == len(net.ups) == depth
    assert net.downs[-1].short.weight.shape[1] == 16 and net.last.weight.shape[2] == max(1, 16 >> depth)
    with pytest.raises(BadInput, match="depth"):
        ResidualUNet(depth=0)


def test_one_channel_trains_and_scores(tmp_path):
    recipe = replace(SMALL, noise=OtherClips(), images=Resized(rows=2 * M, columns=16))
    assert recipe.channels == 1 and SMALL.channels == 2
    features = [feature[:, :M] for feature in clips((20, 16, 24, 25, 18, 30))]
    scorer = scorer_of(recipe, features, np.arange(6) >= 4, tmp_path)
    assert np.isfinite([scorer.score(feature) for feature in features]).all()


def fitted(folder, recipe=SMALL):
    features = clips((20, 16, 24, 25, 18, 30))
    return scorer_of(recipe, features, np.arange(6) >= 4, folder), features


def test_the_detector_behind_is_the_plain_one_on_denoised_features(tmp_path):
    scorer, features = fitted(tmp_path / "a")
    cleaned = [denoised(scorer.denoiser, f) for f in features]
    plain = scorer_of(SMALL.detector, cleaned, np.arange(6) >= 4, tmp_path / "b")
    assert [scorer.score(f) for f in features] == [plain.score(c) for c in cleaned]
    np.testing.assert_array_equal(scorer.train_scores, plain.train_scores)
    assert scorer.history.shape == (5, 3) and scorer.n_parameters > plain.n_parameters


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", [9, 22])  # in the second and in the last epoch of the U-Net
def test_a_killed_training_resumes_to_the_same_scores(tmp_path, monkeypatch, step):
    monkeypatch.setattr("asd.checkpoint.CHECKPOINT_SHARE", 1e9)  # a checkpoint after every epoch
    undisturbed, features = fitted(tmp_path / "a")
    steps, pairs = [], Patches.__getitem__

    def dies(self, rows):
        steps.append(rows)
        if len(steps) == step:
            raise Killed
        return pairs(self, rows)

    monkeypatch.setattr(Patches, "__getitem__", dies)
    with pytest.raises(Killed):
        fitted(tmp_path / "b")
    resumed, _ = fitted(tmp_path / "b")
    assert len(steps) < step + 3 * 8  # it did not begin anew
    assert [resumed.score(f) for f in features] == [undisturbed.score(f) for f in features]


def test_a_rescoring_trains_nothing():
    mahala = replace(SMALL, detector=replace(SMALL.detector, scoring=SelectiveMahalanobis()))
    assert mahala.trainer == SMALL.trainer and fingerprint(mahala.trainer) == fingerprint(SMALL.trainer)
    assert fingerprint(replace(SMALL, images=Resized()).trainer) != fingerprint(SMALL.trainer)
    longer = replace(SMALL, detector=replace(SMALL.detector, training=Training(epochs=3, batch_size=32)))
    assert fingerprint(longer.trainer) != fingerprint(SMALL.trainer)


def test_a_scorer_restored_from_its_arrays_scores_to_the_same_bits(tmp_path):
    features, is_target = clips((20, 16, 24, 25, 18, 30)), np.arange(6) >= 4
    (trained,) = SMALL.trainer.train(features, is_target, Workplace((3,), "cpu", tmp_path))
    scorer = SMALL.fit_scorer(trained, 3, features, is_target)
    again = SMALL.restore(trained, scorer.arrays())
    assert [again.score(f) for f in features] == [scorer.score(f) for f in features]
