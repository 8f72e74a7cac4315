import librosa
import numpy as np
import pytest

from asd import signal
from asd.features import LogMel
from asd.frontends import Near


@pytest.fixture
def wave() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (2, 33_333)).astype(np.float32)


def test_stft_equals_librosa(wave):
    ours = signal.stft(wave, 1024, 512)
    for channel in range(2):
        theirs = librosa.stft(wave[channel], n_fft=1024, hop_length=512, center=True, pad_mode="constant")
        np.testing.assert_allclose(ours[channel], theirs, atol=2e-5)


@pytest.mark.parametrize("n_fft, hop_length", [(1024, 512), (512, 256), (1024, 256), (64, 20)])
@pytest.mark.parametrize("n_samples", [1, 620, 16_000, 15_873, 16_384, 160_000])
def test_the_inverse_stft_brings_the_wave_back(n_fft, hop_length, n_samples):
    wave = np.random.default_rng(n_samples).normal(0, 0.3, (2, n_samples)).astype(np.float32)
    back = signal.istft(signal.stft(wave, n_fft, hop_length), n_fft, hop_length, n_samples)
    assert back.shape == wave.shape and back.dtype == np.float32
    np.testing.assert_allclose(back, wave, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_fft, hop_length", [(1024, 512), (512, 256)])
@pytest.mark.parametrize("tail", [0.01, 0.4, 0.5, 0.6, 1])
def test_samples_that_only_the_last_frame_holds_come_back_and_fade_out_where_its_window_is_low(n_fft, hop_length, tail):
    start, n = 20 * hop_length, round(tail * (hop_length - 1))
    wave = np.random.default_rng(0).normal(0, 0.3, (1, start + n)).astype(np.float32)
    back = signal.istft(signal.stft(wave, n_fft, hop_length), n_fft, hop_length, start + n)
    window = np.cos(np.pi * np.arange(n) / n_fft) ** 2  # from the frame's middle on
    shares = np.concatenate([np.ones(start), np.minimum(4 * window**2, 1)])  # 1 in the first half of a hop
    np.testing.assert_allclose(back, shares * wave, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_samples", [16_384, 16_500])
def test_the_inverse_of_changed_spectra_equals_librosa(n_samples):
    rng = np.random.default_rng(0)
    spectra = signal.stft(rng.normal(0, 0.1, (2, n_samples)), 1024, 512).astype(np.complex64)
    spectra *= rng.uniform(0, 1, spectra.shape).astype(np.float32)  # no longer the STFT of any wave
    ours = signal.istft(spectra, 1024, 512, n_samples)
    theirs = librosa.istft(spectra, n_fft=1024, hop_length=512, center=True, length=n_samples)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_the_inverse_of_hops_that_leave_gaps_does_not_blow_up(wave):
    for hop_length in (48, 64):
        back = signal.istft(signal.stft(wave, 64, hop_length), 64, hop_length, wave.shape[1])
        assert back.shape == wave.shape and (np.abs(back) <= np.abs(wave) + 1e-6).all()


def test_spectra_are_turned_down_to_a_power_and_never_up():
    spectra = np.array([3 + 4j, -2j, 0, 1], np.complex64)
    found = signal.with_power(spectra, np.array([1, 8, 5, 0], np.float32))
    np.testing.assert_allclose(found, [0.6 + 0.8j, -2j, 0, 0], atol=1e-6)
    assert found.dtype == np.complex64


@pytest.mark.parametrize("n_samples", [2048, 16_000, 160_000, 96_001])
def test_log_mel_equals_librosa_within_a_ten_thousandth_of_a_decibel(n_samples):
    wave = np.random.default_rng(n_samples).normal(0, 0.05, (2, n_samples)).astype(np.float32)
    ours = LogMel()(Near().fit([])(wave))
    mel = librosa.feature.melspectrogram(
        y=wave[0], sr=16_000, n_fft=1024, hop_length=512, n_mels=128, power=2.0, pad_mode="constant"
    )
    theirs = 10 * np.log10(np.maximum(mel, np.finfo(np.float64).eps))
    assert ours.shape == (signal.n_frames(n_samples, 512), 128) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.T, atol=1e-4)


def test_digital_silence_has_the_organisers_floor():
    features = LogMel()(Near()(np.zeros((2, 4096), np.float32)))
    np.testing.assert_allclose(features, 10 * np.log10(np.finfo(np.float64).eps), rtol=1e-6)


def test_shared_stft_is_computed_once_for_a_read_only_wave_and_anew_for_a_writable_one(wave, monkeypatch):
    calls = []
    plain = signal.stft
    monkeypatch.setattr(signal, "stft", lambda *a: calls.append(1) or plain(*a))
    signal.shared_stft(wave, 1024, 512)
    wave *= 2
    np.testing.assert_allclose(signal.shared_stft(wave, 1024, 512), plain(wave, 1024, 512))
    assert len(calls) == 2
    wave.flags.writeable = False
    first = signal.shared_stft(wave, 1024, 512)
    assert signal.shared_stft(wave, 1024, 512) is first and len(calls) == 3
    signal.shared_stft(wave, 512, 256)
    assert len(calls) == 4
