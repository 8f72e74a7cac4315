"""Front-ends against loops written straight from the formulas, and what every front-end must keep."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from scipy.integrate import quad
from scipy.signal import fftconvolve

from asd import frontends, signal
from asd.contracts import Audible
from asd.errors import BadInput
from asd.fingerprint import code, numbers
from asd.frontends import coherence, subtraction, suppression
from asd.frontends.transfer import NoiseTransfer, floor_ratio

SMALL = {"n_fft": 64, "hop_length": 32}
TRANSFER = NoiseTransfer(**SMALL)
REFERENCED = ("RefSub", "AdaSub", "CohSub", "DecisionDirectedWiener", "LogSpectralAmplitude")
# A distilled student, which trains, has its own tests; other exports are parts of one.
FRONT_ENDS = [n for n in frontends.__all__ if hasattr(getattr(frontends, n), "fit") and n != "Distilled"]
FIXED = tuple(sorted(set(FRONT_ENDS) - set(REFERENCED)))
BOTH = ("NearAndDifference", "NearAndFar")  # two output channels
NO_LOUDER = ("RefSub", "AdaSub", "CohGate", "CohSub", "DecisionDirectedWiener", "LogSpectralAmplitude")
MIXES = {  # of the waves
    "Near": lambda n, f: [n],
    "Far": lambda n, f: [f],
    "Mean": lambda n, f: [(n + f) / 2],
    "Difference": lambda n, f: [n - f],
    "NearAndFar": lambda n, f: [n, f],
    "NearAndDifference": lambda n, f: [n, n - f],
}


def fingerprint(part):
    return str(numbers(part)), code(part)


def part(name, stft=None):
    """The front-end of that name at its defaults, or with the numbers `stft` for its STFT."""
    kind = getattr(frontends, name)
    if stft is None:
        return kind()
    return kind(transfer=NoiseTransfer(**stft)) if name in REFERENCED else kind(**stft)


def noises(n_samples, seed=0, shared=0.7):
    """(2, T) float32 read-only: two noises that share a part, and a tone with a slow beat in the near one."""
    rng = np.random.default_rng(seed)
    own, common = rng.normal(0, 0.1, (2, n_samples)), rng.normal(0, 0.1, n_samples)
    tone = 0.9 * np.sin(np.arange(n_samples) * 0.7) * np.sin(np.arange(n_samples) * 0.004) ** 2
    wave = (1 - shared) * own + shared * common + tone * np.array([[1.0], [0.01]])
    return read_only(wave)


def read_only(wave):
    wave = np.asarray(wave, np.float32)
    wave.flags.writeable = False
    return wave


def clicks():
    wave = np.zeros((2, 4096))
    wave[:, 2000] = 0.9, 0.3
    return wave


EDGES = {
    "noise": noises(16_000),
    "short": noises(2048),
    "both silent": np.zeros((2, 4096)),
    "far silent": noises(4096) * [[1.0], [0.0]],
    "near silent": noises(4096) * [[0.0], [1.0]],
    "click": clicks(),
    "click near": clicks() * [[1.0], [0.0]],
    "half silent": noises(8192) * (np.arange(8192) < 4096),
    "constant": np.full((2, 4096), 0.999),
    "full scale": np.sign(noises(4096)),
    "faint": noises(4096) * 1e-4,
}


@pytest.fixture(scope="module")
def wave():
    return noises(640)


@pytest.fixture(scope="module")
def train():
    return [noises(n, seed) for seed, n in ((1, 640), (2, 800), (3, 640))]


@pytest.fixture(scope="module")
def spectra(wave):
    return signal.stft(wave, 64, 32).astype(np.complex128)  # (2, 33, 21)


def powers(spectra):
    return abs(spectra[0]) ** 2, abs(spectra[1]) ** 2


# The formulas, literally: one bin and one frame at a time, in double precision


def literal_refsub(spectra, transfer, k, t):
    near, far = (power[k, t] for power in powers(spectra))
    return max(near - 1.5 * transfer[k] * far, 0.10 * near)


def literal_adasub(spectra, transfer, k, t):
    near, far = (power[k, t] for power in powers(spectra))
    g = 10 * math.log10(near / (transfer[k] * far))
    return max(near - min(max(3 - 0.1 * g, 1), 4) * transfer[k] * far, 0.10 * near)


def literal_coherence(spectra, k, t):
    near, far = spectra[0, k], spectra[1, k]
    n_start = 10  # 1 / (1 - 0.9)
    cross = sum(near[:n_start] * far[:n_start].conj()) / n_start
    auto_near, auto_far = sum(abs(near[:n_start]) ** 2) / n_start, sum(abs(far[:n_start]) ** 2) / n_start
    for i in range(t + 1):
        cross = 0.9 * cross + 0.1 * near[i] * far[i].conjugate()
        auto_near = 0.9 * auto_near + 0.1 * abs(near[i]) ** 2
        auto_far = 0.9 * auto_far + 0.1 * abs(far[i]) ** 2
    return abs(cross) ** 2 / (auto_near * auto_far)


def literal_cohgate(spectra, transfer, k, t):
    return min(max(1 - literal_coherence(spectra, k, t), 0.10), 1) ** 2 * abs(spectra[0, k, t]) ** 2


def literal_cohsub(spectra, transfer, k, t):
    near, far = (power[k, t] for power in powers(spectra))
    return max(near - 4 * literal_coherence(spectra, k, t) * transfer[k] * far, 0.10 * near)


def literal_suppression(gain, spectra, transfer, k, t):
    near, far = (power[k] for power in powers(spectra))
    before = 1.0
    for i in range(t + 1):
        gamma = near[i] / (transfer[k] * far[i])
        xi = 0.98 * before + 0.02 * max(gamma - 1, 0)
        amplitude = gain(xi, gamma) * math.sqrt(near[i])
        before = amplitude**2 / (transfer[k] * far[i])
    return min(max(amplitude**2, 0.10 * near[t]), near[t])


def literal_wiener_gain(xi, gamma):
    return xi / (1 + xi)


def literal_log_spectral_gain(xi, gamma):
    v = xi / (1 + xi) * gamma
    e1 = quad(lambda u: math.exp(-v * math.exp(u)), 0, math.log(60 / v + 2))[
        0
    ]  # int_v^inf exp(-s) / s ds, s = v exp(u)
    return xi / (1 + xi) * math.exp(e1 / 2)


def literal_canceller(spectra, transfer, k, t):
    near, far = spectra[0, k], spectra[1, k]
    numerator = sum(n * f.conjugate() for n, f in zip(near, far, strict=True))
    denominator = sum(abs(f) ** 2 for f in far) + 1e-12
    return abs(near[t] - numerator / denominator * far[t]) ** 2


LITERAL = {
    "RefSub": literal_refsub,
    "AdaSub": literal_adasub,
    "CohGate": literal_cohgate,
    "CohSub": literal_cohsub,
    "DecisionDirectedWiener": lambda *a: literal_suppression(literal_wiener_gain, *a),
    "LogSpectralAmplitude": lambda *a: literal_suppression(literal_log_spectral_gain, *a),
    "Canceller": literal_canceller,
}


@pytest.mark.parametrize("name", LITERAL)
def test_equals_its_formula_written_as_a_loop(name, wave, train, spectra):
    fitted = part(name, SMALL).fit(train)
    ours = fitted(wave)
    transfer = TRANSFER.fit(train).astype(float)
    bins, frames = range(1, 33, 3), (0, 1, 7, 12, 20)  # the tone is in bin 7
    literal = [[LITERAL[name](spectra, transfer, k, t) for t in frames] for k in bins]
    assert ours.shape == (1, 33, 21) and ours.dtype == np.float32
    np.testing.assert_allclose(ours[0][np.ix_(bins, frames)], literal, rtol=2e-4)


@pytest.mark.parametrize("name", MIXES)
def test_channels_and_their_mixes_are_those_of_the_waves(name, wave):
    expected = signal.power(signal.stft(np.stack(MIXES[name](*wave)), 64, 32))
    np.testing.assert_allclose(part(name, SMALL).fit([])(wave), expected, rtol=1e-4, atol=1e-7)


# The sound behind the power


def literal_istft(spectra, n_samples):
    """(K, F) -> (T,) in double precision, n_fft 64 and hop 32, T a multiple of it."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    total, squares = np.zeros(n_samples + 64), np.zeros(n_samples + 64)
    for t in range(spectra.shape[1]):
        total[32 * t : 32 * t + 64] += window * np.fft.irfft(spectra[:, t])
        squares[32 * t : 32 * t + 64] += window**2
    return total[32:-32] / squares[32:-32]


def test_every_fitted_front_end_is_audible_and_what_is_not_fitted_is_not(train):
    assert set(FRONT_ENDS) == {*MIXES, *NO_LOUDER, "Canceller"}  # each has a test of its own below
    assert all(isinstance(part(name, SMALL).fit(train), Audible) for name in FRONT_ENDS)
    assert not any(isinstance(part(name), Audible) for name in REFERENCED)


@pytest.mark.parametrize("name", MIXES)
def test_the_sound_of_a_mix_is_the_mix_of_the_waves_to_the_bit(name, wave):
    sound = part(name, SMALL).fit([]).sound(wave)
    assert sound.dtype == np.float32 and np.array_equal(sound, np.stack(MIXES[name](*wave)))


@pytest.mark.parametrize("name", NO_LOUDER)
def test_denoised_sound_is_the_near_spectrum_turned_down_to_the_formulas_power(name, wave, train, spectra):
    transfer = TRANSFER.fit(train).astype(float)
    cleaned = np.zeros((33, 21), complex)
    for k, t in np.ndindex(33, 21):
        gain = math.sqrt(LITERAL[name](spectra, transfer, k, t) / abs(spectra[0, k, t]) ** 2)
        cleaned[k, t] = min(gain, 1) * spectra[0, k, t]
    sound = part(name, SMALL).fit(train).sound(wave)
    np.testing.assert_allclose(sound, literal_istft(cleaned, 640)[None], rtol=0, atol=1e-4 * np.abs(wave).max())


def test_the_cancellers_sound_is_near_minus_the_filtered_far(wave, spectra):
    near, far = spectra
    fits = [np.linalg.lstsq(far[k, :, None], near[k], rcond=None)[0][0] for k in range(33)]  # H of each bin
    expected = wave[0] - literal_istft(np.array(fits)[:, None] * far, 640)
    np.testing.assert_allclose(part("Canceller", SMALL).sound(wave), expected[None], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("n_samples", [16_000, 8692, 8191])
def test_sound_has_the_power_that_the_features_see(name, n_samples):
    fitted, wave = part(name).fit([noises(8192, 5)]), noises(n_samples, 3)
    heard = signal.power(signal.stft(fitted.sound(wave), 1024, 512))[..., 2:-2]
    power, near = fitted(wave)[..., 2:-2], frontends.Near()(wave)[..., 2:-2]
    if name in MIXES:
        np.testing.assert_allclose(heard, power, rtol=1e-3, atol=1e-5 * power.max())
    else:  # the STFT of any wave is smoother than the power: overlapping frames must agree
        assert 0.85 * power.sum() < heard.sum() < 1.05 * power.sum() and heard.sum() < near.sum()
        assert np.corrcoef(np.log(heard.ravel() + 1e-9), np.log(power.ravel() + 1e-9))[0, 1] > 0.9


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("edge", ["short tail", *EDGES])
def test_sound_is_as_long_as_the_clip_finite_and_not_louder_whatever_the_clip(name, edge):
    fitted, wave = part(name).fit([noises(8192, 5)]), read_only({"short tail": noises(8191), **EDGES}[edge])
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        sound = fitted.sound(wave)
    assert sound.shape == (1 + (name in BOTH), wave.shape[1]) and sound.dtype == np.float32
    assert np.isfinite(sound).all()
    if name not in MIXES:
        assert (sound**2).sum() <= 1.001 * (wave[0] ** 2).sum()
        assert np.abs(sound[:, -1024:]).max() <= 2 * np.abs(wave).max()  # nothing blows up at the end


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_silence_stays_silence(name):
    fitted = part(name).fit([noises(8192, 5)])
    assert not fitted.sound(read_only(EDGES["both silent"])).any()
    if name not in MIXES:  # a silent near channel is not filled with the far one
        assert not fitted.sound(read_only(EDGES["near silent"])).any()


# The noise transfer


def test_noise_transfer_equals_eq_2_written_as_a_loop(train):
    def floor(channel, k):
        total = 0.0
        for clip in train:
            ordered = sorted(abs(x) ** 2 for x in signal.stft(clip, 64, 32)[channel, k].tolist())
            rank = 0.20 * (len(ordered) - 1)
            low = int(rank)
            total += ordered[low] + (rank - low) * (ordered[low + 1] - ordered[low])
        return total / len(train)

    literal = [floor(0, k) / floor(1, k) for k in range(33)]
    np.testing.assert_allclose(TRANSFER.fit(iter(train)), literal, rtol=1e-5)


def test_noise_transfer_of_a_known_coupling_is_its_power():
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    np.testing.assert_allclose(NoiseTransfer().fit([read_only([0.5 * noise, noise])]), 0.25, rtol=1e-3)
    own = np.random.default_rng(1).normal(0, 0.1, (20, 2, 16_000)) * np.array([[1.5], [1.0]])
    learnt = NoiseTransfer().fit(read_only(clip) for clip in own)
    assert abs(np.median(learnt) / 2.25 - 1) < 0.05 and np.all(abs(learnt / 2.25 - 1) < 0.8)


def bursts(seed, machine=1.0):
    """(2, T) one noise in both channels and, in every fourth 100 ms, a machine 20 dB louder that leaks at -9.5 dB."""
    rng = np.random.default_rng(seed)
    on = np.arange(32_000) // 1600 % 4 == 0
    noise, source = rng.normal(0, 0.01, 32_000), machine * on * rng.normal(0, 0.1, 32_000)
    return read_only(noise + np.outer([1.0, 1 / 3], source)), on


def test_noise_transfer_is_free_of_a_machine_that_pauses():
    loud, quiet = ([bursts(seed, machine)[0] for seed in range(12)] for machine in (1.0, 0.0))
    part = NoiseTransfer(n_fft=256, hop_length=128)
    ratio = part.fit(loud) / part.fit(quiet)
    assert abs(np.median(ratio) - 1) < 0.1
    full = replace(part, percentile=90.0)  # not the floor: the machine is in it
    assert np.median(full.fit(loud) / full.fit(quiet)) > 5


@pytest.mark.parametrize("name", ["RefSub", "AdaSub"])
def test_machine_sound_that_leaks_into_the_far_channel_survives(name):
    fitted = part(name, {"n_fft": 256, "hop_length": 128}).fit([bursts(seed)[0] for seed in range(12)])
    clip, on = bursts(99)
    near = signal.power(signal.stft(clip[:1], 256, 128))[0]
    frames = [on[max(0, 128 * t - 128) : 128 * t + 128] for t in range(near.shape[1])]
    loud, quiet = np.array([f.all() for f in frames]), np.array([not f.any() for f in frames])
    assert loud.sum() > 40 and quiet.sum() > 120
    assert fitted(clip)[0][:, loud].sum() > 0.6 * near[:, loud].sum()
    assert fitted(clip)[0][:, quiet].sum() < 0.2 * near[:, quiet].sum()
    naive = fitted.recipe.restore(
        {"transfer": np.full(129, 9.0, np.float32)}
    )  # ratio of full spectra: the machine's own
    assert naive(clip)[0][:, loud].sum() < 0.3 * near[:, loud].sum()


@pytest.mark.parametrize(
    "waves, message",
    [
        ([], "no training-normal clips"),
        ([np.zeros((2, 4096), np.float32)], "floor is 0 in 513 of 513 frequency bins.*digitally silent"),
        ([np.ones((2, 4096), np.float32) * [[1.0], [0.0]]], "is channel 1 digitally silent"),
    ],
)
@pytest.mark.parametrize("name", REFERENCED)
def test_training_clips_without_a_far_floor_are_refused(name, waves, message):
    with pytest.raises(BadInput, match=message):
        part(name).fit(waves)


def test_a_far_floor_silent_in_a_single_bin_is_refused():
    far = np.array([1.0, 1e-25, 2.0])  # below any recording, though a division would go through
    with pytest.raises(BadInput, match="floor is 0 in 1 of 3 frequency bins"):
        floor_ratio(np.ones(3), far)
    np.testing.assert_array_equal(floor_ratio(np.ones(3), np.maximum(far, 1e-8)), np.float32([1, 1e8, 0.5]))


def test_a_silent_near_channel_has_no_noise_to_remove(train, wave):
    silent = [read_only(clip * [[0.0], [1.0]]) for clip in train]
    assert not TRANSFER.fit(silent).any()
    np.testing.assert_array_equal(part("AdaSub", SMALL).fit(silent)(wave), part("Near", SMALL)(wave))


# The formulas' limits


def test_adaptive_factor_at_known_ratios_and_at_powers_of_zero():
    near, noise = np.array([1, 10, 1e3, 1e-3, 1, 0], np.float32), np.array([1, 1, 1, 1, 0, 1], np.float32)
    snr = subtraction.local_snr(near, noise)
    np.testing.assert_allclose(snr[:4], [0, 10, 30, -30], atol=1e-4)
    np.testing.assert_allclose(subtraction.adaptive_factor(snr, 3.0, 0.1, 1.0, 4.0), [3, 2, 1, 4, 1, 4], atol=1e-5)


def test_coherence_is_one_for_a_filtered_copy_and_small_for_strangers():
    rng = np.random.default_rng(0)
    near = rng.normal(size=(257, 200)) + 1j * rng.normal(size=(257, 200))
    copy, stranger = near * (2 - 1j), rng.normal(size=(257, 200)) + 1j * rng.normal(size=(257, 200))
    np.testing.assert_allclose(coherence.coherence(np.stack([near, copy]), 0.9), 1, atol=1e-6)
    strange = coherence.coherence(np.stack([near, stranger]), 0.9)
    assert abs(strange[:, 50:].mean() - 1 / 19) < 0.01  # (1 + 0.9) / (1 - 0.9) = 19 frames are averaged
    assert strange[:, 0].mean() < 0.2  # started from the first frame alone it would be 1


def test_gains_of_wiener_and_log_spectral_amplitude_at_known_ratios():
    xi, gamma = np.array([0.0, 1.0, 1e6]), np.array([1.0, 2.0, 1e6])
    np.testing.assert_allclose(suppression.wiener_gain(xi, gamma), [0, 0.5, 1], atol=1e-5)
    ours = suppression.log_spectral_gain(xi, gamma)
    np.testing.assert_allclose(ours, [0, 0.5 * math.exp(0.219384 / 2), 1], atol=1e-4)  # E1(1) = 0.219384


def test_canceller_removes_a_filtered_far_channel_and_leaves_a_machine_only_near():
    rng = np.random.default_rng(0)
    far, machine = rng.normal(0, 0.1, 16_000), 0.1 * np.sin(0.5 * np.arange(16_000))
    noise = 3 * far + np.roll(far, 2)
    removed = frontends.Canceller()(read_only([noise, far]))
    assert removed.sum() < 1e-3 * frontends.Near()(read_only([noise, far])).sum()
    kept = frontends.Canceller()(read_only([noise + machine, far])).sum()
    assert abs(kept / frontends.Near()(read_only([machine, far])).sum() - 1) < 0.1


# What every front-end must keep


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("edge", EDGES)
def test_power_is_finite_and_not_negative_whatever_the_clip(name, edge):
    fitted = part(name).fit([noises(8192, 5)])
    wave = read_only(EDGES[edge])
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        power = fitted(wave)
    assert power.shape == (1 + (name in BOTH), 513, signal.n_frames(wave.shape[1], 512)) and power.dtype == np.float32
    assert np.isfinite(power).all() and (power >= 0).all()
    if name in NO_LOUDER:
        near = frontends.Near()(wave)
        least = fitted.floor**fitted.exponent if name == "CohGate" else fitted.recipe.floor
        assert (power <= near * 1.00001).all() and (power >= least * near * 0.99999).all()


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_clips_power_depends_on_no_other_clip(name):
    fitted = part(name).fit(noises(8192, seed) for seed in (5, 6))
    clips = [noises(6000, seed) for seed in range(4)]
    forwards = [fitted(clip).tobytes() for clip in clips]
    backwards = [fitted(clip.copy()).tobytes() for clip in reversed(clips)]
    assert forwards == backwards[::-1] and len(set(forwards)) == 4


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_fainter_clip_gives_the_same_power_fainter(name, train, wave):
    fitted = part(name, SMALL).fit(train)
    np.testing.assert_allclose(fitted(read_only(wave * 2**-10)), fitted(wave) * 2**-20, rtol=1e-4)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_front_end_restored_from_its_arrays_is_the_same(name, train, wave):
    recipe = part(name, SMALL)
    fitted = recipe.fit(train)
    arrays = {key: array.copy() for key, array in fitted.arrays().items()}
    assert recipe.restore(arrays)(wave).tobytes() == fitted(wave).tobytes()
    assert set(arrays) == ({"transfer"} if name in REFERENCED else set())


def test_all_front_ends_of_a_clip_share_one_stft(monkeypatch):
    fitted = [part(name).fit([noises(8192, 5)]) for name in FRONT_ENDS]
    calls, plain = [], signal.stft
    monkeypatch.setattr(signal, "stft", lambda *a: calls.append(1) or plain(*a))
    clip = noises(6000)
    together = [f(clip).tobytes() for f in fitted]
    assert len(calls) == 1
    assert [f(noises(6000)).tobytes() for f in reversed(fitted)] == together[::-1]  # none has written into it


def test_front_ends_with_equal_noise_transfer_share_what_they_learn(train, wave):
    learnt = {name: part(name, SMALL).fit(train).arrays()["transfer"].tobytes() for name in REFERENCED}
    assert len(set(learnt.values())) == 1
    assert {fingerprint(part(name, SMALL).statistics) for name in REFERENCED} == {fingerprint(TRANSFER)}
    assert len({fingerprint(part(name, SMALL)) for name in REFERENCED}) == len(REFERENCED)
    other = replace(TRANSFER, percentile=50.0)
    assert frontends.AdaSub(transfer=other).statistics == other
    assert not np.allclose(other.fit(train), TRANSFER.fit(train), rtol=1e-2)


@pytest.mark.parametrize("name", FIXED)
def test_front_ends_that_learn_nothing_are_their_own_statistics(name):
    assert part(name).statistics == part(name) and part(name).fit([]) == part(name)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: NoiseTransfer(percentile=101), "percentile 101: percent expected"),
        (lambda: NoiseTransfer(n_fft=1023), "n_fft 1023.*even n_fft"),
        (lambda: frontends.Near(hop_length=0), "hop_length 0.*hop_length <= n_fft expected"),
        (lambda: frontends.Far(n_fft=256), "hop_length 512.*hop_length <= n_fft expected"),
        (lambda: frontends.RefSub(floor=0), "floor 0: a share of the near power"),
        (lambda: frontends.RefSub(over_subtraction=-1.5), "over_subtraction -1.5: a factor"),
        (lambda: frontends.AdaSub(floor=1.1), "floor 1.1: a share"),
        (lambda: frontends.AdaSub(least=5), "most 4.0: no less than the least factor, 5"),
        (lambda: frontends.AdaSub(at_0_db=math.nan), "at_0_db nan: a factor"),
        (lambda: frontends.CohGate(smoothing=1), "smoothing 1: above 0 and below 1"),
        (lambda: frontends.CohGate(floor=math.nan), "floor nan: a share"),
        (lambda: frontends.CohGate(exponent=0), "exponent 0: 1 .* or 2"),
        (lambda: frontends.CohSub(smoothing=0.0), "smoothing 0.0: above 0 and below 1"),
        (lambda: frontends.CohSub(over_subtraction=math.inf), "over_subtraction inf: a factor"),
        (lambda: frontends.CohSub(floor=-0.1), "floor -0.1: a share"),
        (lambda: frontends.DecisionDirectedWiener(memory=1), "memory 1: a share"),
        (lambda: frontends.LogSpectralAmplitude(floor=0.0), "floor 0.0: a share"),
        (lambda: frontends.Canceller(ridge=0), "ridge 0: above 0 expected"),
        (lambda: frontends.Canceller(n_fft=0), "n_fft 0.*even n_fft"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(BadInput, match=message):
        make()


# Real recordings


@pytest.fixture(scope="module")
def real(shared):
    folder = shared / "data" / "real"
    if not (folder / "rirs.npz").exists():
        pytest.skip(f"REAL RECORDINGS ABSENT: {folder} is not there, so no front-end was tried on any")
    return folder


def heard(source, place, rirs):
    """(T,) -> (2, T), as the near and the far microphone of the workshop hear it."""
    return np.stack([fftconvolve(source, response)[: len(source)] for response in rirs[f"workshop__{place}"]])


def fan_in_noise(real, number, kind, snr_db=-10.0):
    """Mixture (2, T) and what the near microphone hears of the machine alone (2, T), three seconds."""
    rirs = np.load(real / "rirs.npz")
    source = soundfile.read(real / "sources" / "fan" / f"normal_{number:02d}.flac", frames=48_000)[0][:, 0]
    noise = np.resize(soundfile.read(real / "noise" / f"{kind}.flac", frames=48_000)[0], 48_000)
    machine, noise = heard(source, "machine", rirs), heard(noise, f"noise_{number % 4}", rirs)
    noise *= np.sqrt(np.mean(machine[0] ** 2) / np.mean(noise[0] ** 2)) * 10 ** (-snr_db / 20)
    return read_only(machine + noise), read_only(machine)


def log_spectral_distance(power, clean):
    """dB, root mean square over the mel bands and frames."""
    return float(np.sqrt(np.mean((signal.log_mel(power[0], 64) - signal.log_mel(clean[0], 64)) ** 2)))


def test_subtraction_brings_real_recordings_nearer_to_the_clean_machine(real):
    kinds = ("aircon_0", "dishwasher_0", "street_0", "rain_0")
    fitted = {name: part(name).fit([fan_in_noise(real, i, kinds[i % 4])[0] for i in range(6)]) for name in NO_LOUDER}
    for number, kind in ((14, "aircon_1"), (15, "street_1"), (17, "rain_1")):
        mix, machine = fan_in_noise(real, number, kind)
        clean = frontends.Near()(machine)
        distance = {name: log_spectral_distance(f(mix), clean) for name, f in fitted.items()}
        before = log_spectral_distance(frontends.Near()(mix), clean)
        assert distance["AdaSub"] < 0.8 * before and distance["RefSub"] < 0.8 * before, (kind, before, distance)
        assert all(after < before for after in distance.values()), (kind, before, distance)
