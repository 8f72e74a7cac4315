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
