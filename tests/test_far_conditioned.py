"""The far-conditioned masked model and its kNN density against slow literal forms and other libraries."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import scorer_of

import systems
from asd.contracts import Workplace
from asd.detectors import FarConditionedNeighbours
from asd.detectors.backends.bank import top_mean
from asd.detectors.backends.density import DomainDensity
from asd.detectors.convolution import Doubled
from asd.detectors.descriptors import ModulationExcess, NearModulation, PairModulation, RidgeResidual, ridge_residual
from asd.detectors.far_conditioned import balance, balanced, conditioned, embedded, nuisance
from asd.detectors.masked import MaskedModel, MaskedNet, Masking
from asd.detectors.windows import Windows
from asd.epochs import Training
from asd.errors import BadInput
from asd.features import LogMel
from asd.frontends import Near
from asd.signal import octave_powers, starts
from asd.signal import windows as windows_of

DEFAULT = FarConditionedNeighbours()
RNG = np.random.default_rng(0)


# ---- descriptors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [0, 2])
def test_ridge_residual_equals_scikit_learns(context):
    from sklearn.linear_model import Ridge

    near, far = RNG.normal(size=(2, 2, 20, 3))  # 2 windows, 20 frames, 3 bands
    near = near + 2 * far + 5
    ours = ridge_residual(near, far, context, ridge=0.3)
    for window in range(2):
        for band in range(3):
            wide = np.pad(far[window, :, band], context, mode="edge")
            x = np.stack([wide[t : t + 2 * context + 1] for t in range(20)])
            fitted = Ridge(alpha=0.3 * 20).fit(x, near[window, :, band])
            np.testing.assert_allclose(ours[window, :, band], near[window, :, band] - fitted.predict(x), atol=1e-10)


def test_what_the_far_microphone_explains_leaves_no_residual_and_levels_do_not_count():
    far = RNG.normal(0, 5, size=(1, 60, 4))
    near = 10 + 0.9 * np.roll(far, 1, axis=1)
    near[..., 3] += RNG.normal(0, 5, size=(1, 60))  # a fault that only the near microphone hears
    described = RidgeResidual()(near, far)
    assert (described[0, :3] < described[0, 3] - 1).all()
    np.testing.assert_allclose(RidgeResidual()(near + 7, far - 3), described, atol=1e-9)


def test_octave_powers_equal_a_literal_fourier_sum():
    windows = RNG.normal(size=(2, 12, 3))
    t = np.arange(12)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * t / 12)
    spectrum = np.zeros((2, 7, 3))
    for k in range(7):
        wave = np.exp(-2j * np.pi * k * t / 12)[:, None]
        for w in range(2):
            spectrum[w, k] = abs(((windows[w] - windows[w].mean(0)) * hann[:, None] * wave).sum(0)) ** 2
    octaves = [spectrum[:, 1:2], spectrum[:, 2:4], spectrum[:, 4:7]]
    np.testing.assert_allclose(octave_powers(windows), np.stack([o.mean(1) for o in octaves], axis=1), atol=1e-9)


def test_modulation_takes_near_and_far_windows_in_three_ways():
    near, far = RNG.normal(size=(2, 2, 12, 3)) * np.array([1, 4])[:, None, None, None]
    of_near, of_far = (np.log(octave_powers(x) + 1e-3).reshape(2, 9) for x in (near, far))
    np.testing.assert_allclose(PairModulation()(near, far), np.concatenate([of_near, of_far], axis=1), atol=1e-12)
    np.testing.assert_allclose(ModulationExcess()(near, far), of_near - of_far, atol=1e-12)
    np.testing.assert_allclose(NearModulation()(near, far), of_near, atol=1e-12)


# ---- windows and masked model ----------------------------------------------------------------------------------------


def test_windows_end_with_the_clip_and_a_short_clip_is_repeated():
    clips = [np.arange(n, dtype=np.float32)[:, None] + 100 * i for i, n in enumerate((11, 3))]
    windows = Windows(clips, 5, 4)
    literal = [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [6, 7, 8, 9, 10], [100, 101, 102, 100, 101]]
    np.testing.assert_array_equal(windows[torch.arange(4)][..., 0], literal)
    np.testing.assert_array_equal(np.concatenate([windows_of(c, 5, 4) for c in clips])[..., 0], literal)
    assert windows.clip.tolist() == [0, 0, 0, 1]


def test_sixty_percent_of_every_windows_blocks_are_masked_and_the_rows_decide_which():
    masked = Masking().draw(np.arange(6), 80, 128)
    blocks = masked[:, ::8, ::16]
    assert masked.shape == (6, 80, 128) and (blocks.sum(axis=(1, 2)) == 48).all()
    np.testing.assert_array_equal(masked, blocks.repeat(8, axis=1).repeat(16, axis=2))
    np.testing.assert_array_equal(Masking().draw(np.arange(6), 80, 128), masked)
    assert not np.array_equal(Masking().draw(np.arange(1, 7), 80, 128), masked)
    assert len({m.tobytes() for m in masked}) == 6


def model(seeds=(1,)):
    return MaskedNet(width=16, embedding=5).build(20, 32, seeds).eval()


def test_loss_is_the_mean_squared_error_over_what_is_masked():
    net = model()
    net.scale.mean[:], net.scale.std[:] = 3.0, 2.0
    x, masked = torch.randn(1, 4, 20, 32), torch.rand(1, 4, 20, 32) < 0.6
    scaled = (x - 3) / 2
    filled = net.fill(torch.where(masked, torch.zeros(()), scaled))
    torch.testing.assert_close(net(x, masked), (scaled - filled)[masked].square().mean()[None])
    assert net.embed(scaled).shape == (1, 4, 5)


def test_each_pixel_is_doubled_both_ways():
    maps = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(Doubled()(maps), maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))


def test_masked_models_in_one_stack_are_the_same_as_alone():
    together, x = model((5, 6)), torch.randn(1, 3, 20, 32)
    for i, seed in enumerate((5, 6)):
        torch.testing.assert_close(together.fill(x.expand(2, -1, -1, -1))[i], model((seed,)).fill(x)[0])


# ---- far-conditioning and balance ------------------------------------------------------------------------------------


def pairs(n=400):
    """Embeddings (n, 6): axes 0 and 1 hear what the far microphone hears, the others only the machine."""
    shared = RNG.normal(size=(n, 2)) * [5, 3]
    near, far = RNG.normal(size=(2, n, 6))
    near[:, :2] += shared
    far[:, 3:5] += shared
    return near, far


def test_subspace_equals_a_literal_singular_value_decomposition():
    near, far = pairs()
    cross = np.zeros((6, 6))
    for a, b in zip(near - near.mean(0), far - far.mean(0), strict=True):
        cross += np.outer(a, b) / len(near)
    values, vectors = np.linalg.eigh(cross @ cross.T)  # left singular vectors, smallest first
    literal = vectors[:, np.argsort(-values)[:2]]
    ours = nuisance(near, far, 2)
    np.testing.assert_allclose(ours @ ours.T, literal @ literal.T, atol=1e-8)  # signs are free
    assert (np.square(ours[:2]).sum(axis=0) > 0.95).all()


def test_attenuation_takes_the_shared_part_away_and_leaves_the_rest():
    near, far = pairs()
    u = nuisance(near, far, 2)
    described = {"msm": near, "far": far, "ridge": near, "modulation": near}
    for attenuation in (0.0, 0.4, 1.0):
        z = conditioned(described, u, attenuation)["msm"]
        literal = [row - attenuation * sum((u[:, i] @ row) * u[:, i] for i in range(2)) for row in near]
        np.testing.assert_allclose(z, literal, atol=1e-12)
    np.testing.assert_allclose(z @ u, 0, atol=1e-12)


def test_each_block_has_the_same_variance_in_all_and_weight_zero_drops_one():
    blocks = {
        "msm": RNG.normal(3, 2, (500, 6)),
        "ridge": RNG.normal(0, 9, (500, 3)),
        "modulation": RNG.normal(size=(500, 4)),
    }
    fitted = balance(blocks)
    bank = balanced(blocks, fitted, (1, 1, 1))
    for part in np.split(bank, [6, 9], axis=1):
        assert np.square(part).sum(axis=1).mean() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_array_equal(balanced(blocks, fitted, (1, 0, 1)), np.delete(bank, [6, 7, 8], axis=1))


def test_a_band_that_hardly_moved_in_training_does_not_outvote_the_others():
    blocks = {name: RNG.normal(0, 0.3, (500, 5)) for name in ("msm", "ridge", "modulation")}
    blocks["ridge"][:, 0] = np.log(1e-3)
    moved = {name: np.tile(block.mean(axis=0), (5, 1)) for name, block in blocks.items()}
    moved["ridge"] += 0.3 * np.eye(5)  # each band in turn, by the spread of those that move
    distances = np.linalg.norm(balanced(moved, balance(blocks), (1, 1, 1)), axis=1)
    assert distances[0] == pytest.approx(10 * np.median(distances[1:]), rel=0.2)
    silent = {name: np.zeros((9, 2)) for name in blocks}
    assert (balanced(silent, balance(silent), (1, 1, 1)) == 0).all()


# ---- density ---------------------------------------------------------------------------------------------------------


def bank(counts=(3, 4, 2, 5, 3, 4, 3)):
    """Windows (n, 4) of seven clips of which the last three are of the target domain."""
    clip = np.repeat(np.arange(len(counts)), counts)
    return RNG.normal(size=(len(clip), 4)) + (clip >= 4)[:, None], clip, np.arange(len(counts)) >= 4


def literal_distance(points, query, k):
    return np.mean(sorted(np.sqrt(((p - query) ** 2).sum()) for p in points)[:k])


def literal_ratio(points, clip, is_target, query, own, k, w):
    """One query, window by window and domain by domain."""
    logs = []
    for domain in (False, True):
        inside = [i for i in range(len(points)) if is_target[clip[i]] == domain]
        typical = [
            np.log(literal_distance([points[j] for j in inside if clip[j] != clip[i]], points[i], k)) for i in inside
        ]
        others = [points[i] for i in inside if clip[i] != own]
        logs.append(np.log(literal_distance(others, query, k)) - np.mean(typical))
    return np.exp(min(logs[0], (1 - w) * logs[1] + w * logs[0]))


@pytest.mark.parametrize(("k", "w"), [(1, 0.0), (3, 0.25), (5, 1.0)])
def test_density_equals_a_literal_loop(k, w):
    points, clip, is_target = bank()
    neighbours = DomainDensity(k, w).fit(points, clip, is_target)
    queries = RNG.normal(size=(6, 4))
    literal = [literal_ratio(points, clip, is_target, q, None, k, w) for q in queries]
    np.testing.assert_allclose(neighbours.ratios(queries), literal, rtol=1e-9)
    literal = [literal_ratio(points, clip, is_target, q, c, k, w) for q, c in zip(points, clip, strict=True)]
    np.testing.assert_allclose(neighbours.own_ratios(points, clip), literal, rtol=1e-9)


def test_left_out_ratios_equal_refits_without_the_clip():
    points, clip, is_target = bank()
    density = DomainDensity(3, 0.25)
    everything = density.fit(points, clip, is_target)
    left_out = everything.own_ratios(points, clip)
    for i in range(len(is_target)):
        rest = clip != i
        refit = density.restore(points[rest], clip[rest], is_target, everything.typical)
        np.testing.assert_allclose(left_out[~rest], refit.ratios(points[~rest]), rtol=1e-9)
    assert (everything.ratios(points) < left_out).all()  # with its own windows a clip looks more normal


def test_a_domain_of_one_clip_is_refused():
    points, clip, _ = bank()
    with pytest.raises(BadInput, match="1 target training clips"):
        DomainDensity().fit(points, clip, np.arange(7) == 6)


def test_the_top_tenth_of_few_windows_is_the_highest():
    assert top_mean(np.array([3.0, 9.0, 5.0]), 0.1) == 9
    assert len(starts(313, DEFAULT.window, DEFAULT.hop)) == 16  # a clip of 10 s
    assert top_mean(np.arange(16.0), 0.1) == 14.5  # two of sixteen
    assert top_mean(np.arange(20.0), 0.1) == 18.5


# ---- the whole detector ----------------------------------------------------------------------------------------------

SMALL = FarConditionedNeighbours(
    attenuation=0.5,
    window=20,
    hop=8,
    network=MaskedNet(width=16, embedding=6),
    training=Training(epochs=3, batch_size=8),
    nuisance_rank=2,
    density=DomainDensity(neighbours=3),
)


def fitted(folder, recipe=SMALL, features=None):
    rng = np.random.default_rng(5)
    clips = [rng.normal(size=(30 + 4 * (i % 2), 64)).astype(np.float32) for i in range(8)]
    return scorer_of(recipe, features or clips, np.arange(8) >= 5, folder), clips


def test_training_scores_equal_refits_of_the_density_without_each_clip(tmp_path):
    scorer, clips = fitted(tmp_path)
    described = [SMALL.describe(scorer.model, clip) for clip in clips]
    banks = [
        balanced(conditioned(d, scorer.fitted["subspace"], SMALL.attenuation), scorer.fitted, SMALL.block_weights)
        for d in described
    ]
    for i in range(len(clips)):
        rest = [j for j in range(len(clips)) if j != i]
        clip = np.repeat(rest, [len(banks[j]) for j in rest])
        bank_of_rest = np.concatenate([banks[j] for j in rest])
        refit = SMALL.density.restore(bank_of_rest, clip, np.arange(8) >= 5, scorer.fitted["typical"])
        assert scorer.train_scores[i] == pytest.approx(top_mean(refit.ratios(banks[i]), 0.1), rel=1e-5)


def lopsided(n, seed):
    """Clips whose halves cannot be taken for each other: the far one is louder, moves more and differently."""
    rng = np.random.default_rng(seed)
    far = [rng.normal(20, 6, size=(30 + 4 * (i % 2), 32)) for i in range(n)]
    near = [0.3 * np.cumsum(rng.normal(size=f.shape), axis=0) + 0.1 * f - 15 for f in far]
    return [np.concatenate(halves, axis=1).astype(np.float32) for halves in zip(near, far, strict=True)]


def literal_description(net, clip):
    near, far = windows_of(clip[:, :32], 20, 8), windows_of(clip[:, 32:], 20, 8)
    found = {"msm": embedded(net, net.scale, near), "far": embedded(net, net.far_scale, far)}
    return {**found, "ridge": RidgeResidual()(near, far), "modulation": ModulationExcess()(near, far)}


def test_a_score_is_the_chain_of_its_parts_taken_one_by_one(tmp_path):
    clips = lopsided(8, 1)
    scorer, _ = fitted(tmp_path, features=clips)
    described = [literal_description(scorer.model, clip) for clip in clips]
    training = {name: np.concatenate([d[name] for d in described]) for name in described[0]}
    u = nuisance(training["msm"], training["far"], 2)
    blocks = conditioned(training, u, 0.5)
    balance_of = balance(blocks)
    clip = np.repeat(np.arange(8), [len(d["msm"]) for d in described])
    neighbours = DomainDensity(neighbours=3).fit(balanced(blocks, balance_of, (1, 1, 1)), clip, np.arange(8) >= 5)
    for unseen in lopsided(4, 2):
        queries = balanced(conditioned(literal_description(scorer.model, unseen), u, 0.5), balance_of, (1, 1, 1))
        assert scorer.score(unseen) == pytest.approx(top_mean(neighbours.ratios(queries), 0.1), rel=1e-4)


def test_the_masked_model_learns_from_the_near_half_alone(tmp_path, monkeypatch):
    seen, forward = [], MaskedModel.forward

    def listening(self, windows, masked):
        seen.append(windows)
        return forward(self, windows, masked)

    monkeypatch.setattr(MaskedModel, "forward", listening)
    clips = lopsided(8, 1)
    scorer, _ = fitted(tmp_path, features=clips)
    near = np.concatenate([clip[:, :32] for clip in clips])
    assert {w.tobytes() for batch in seen for w in batch.flatten(0, 1).numpy()} <= {
        w.tobytes() for clip in clips for w in windows_of(clip[:, :32], 20, 8)
    }
    np.testing.assert_allclose(scorer.model.scale.mean.ravel(), near.mean(axis=0, dtype=np.float64), rtol=1e-5)
    far = np.concatenate([clip[:, 32:] for clip in clips]).astype(np.float64)
    np.testing.assert_allclose(scorer.model.far_scale.mean.ravel(), far.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scorer.model.far_scale.std.ravel(), far.std(axis=0, ddof=1), rtol=1e-5)
    assert len(seen) > 3


def test_one_masked_model_serves_every_attenuation_and_block_weight(tmp_path):
    scorer, clips = fitted(tmp_path / "plain")
    scores = {scorer.score(clips[0])}
    for i, departure in enumerate(({"attenuation": 0.0}, {"attenuation": 1.0}, {"block_weights": (0.0, 1.0, 0.0)})):
        other = replace(SMALL, **departure)
        assert other.trainer == SMALL.trainer
        scores.add(fitted(tmp_path / str(i), other)[0].score(clips[0]))
    assert len(scores) == 4


def test_a_scorer_restored_from_its_arrays_scores_to_the_same_bits(tmp_path):
    _, clips = fitted(tmp_path / "a")
    is_target = np.arange(8) >= 5
    (trained,) = SMALL.trainer.train(clips, is_target, Workplace((3,), "cpu", tmp_path / "b"))
    scorer = SMALL.fit_scorer(trained, 3, clips, is_target)
    again = SMALL.restore(trained, scorer.arrays())
    assert [again.score(clip) for clip in clips] == [scorer.score(clip) for clip in clips]


class Killed(BaseException):
    pass


def test_a_killed_training_resumes_to_the_same_scores(tmp_path, monkeypatch):
    monkeypatch.setattr("asd.checkpoint.CHECKPOINT_SHARE", 1e9)  # a checkpoint after every epoch
    undisturbed, clips = fitted(tmp_path / "a")
    draws, draw = [], Masking.draw

    def dies(self, rows, *size):
        draws.append(rows)
        if len(draws) == 6:
            raise Killed
        return draw(self, rows, *size)

    monkeypatch.setattr(Masking, "draw", dies)
    with pytest.raises(Killed):
        fitted(tmp_path / "b")
    assert list((tmp_path / "b").rglob("checkpoint.pt"))
    resumed, _ = fitted(tmp_path / "b")
    assert [resumed.score(c) for c in clips] == [undisturbed.score(c) for c in clips]


@pytest.mark.parametrize(
    ("departure", "told"),
    [
        ({"attenuation": 1.5}, "attenuation 1.5: from 0 to 1 expected"),
        ({"block_weights": (1.0,)}, "one weight for each"),
        ({"nuisance_rank": 9}, "nuisance_rank 9: from 1 to 6 expected"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(departure, told):
    with pytest.raises(BadInput, match=told):
        replace(SMALL, **departure)


def test_without_its_far_parts_the_far_half_changes_no_score(tmp_path):
    system = systems.load("msm_near_knn")
    assert system.detector.trainer == DEFAULT.trainer and system.detector.density == DEFAULT.density
    near_only = replace(
        SMALL, attenuation=0.0, block_weights=system.detector.block_weights, modulation=system.detector.modulation
    )
    clips = lopsided(8, 1)
    twice = [np.concatenate([clip[:, :32]] * 2, axis=1) for clip in clips]
    scores = [fitted(tmp_path / str(i), near_only, c)[0].score(c[0]) for i, c in enumerate((clips, twice))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)


def test_the_near_microphone_stands_in_for_both_of_a_machine_with_one_channel():
    wave = RNG.normal(size=(1, 8000)).astype(np.float32)
    system = systems.load("msm_near_knn")
    near, far = np.split(system.features(system.frontend(wave)), 2, axis=1)
    np.testing.assert_array_equal(near, LogMel()(Near()(wave)))
    np.testing.assert_array_equal(far, near)
