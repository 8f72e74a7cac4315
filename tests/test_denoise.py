"""tools/denoise.py: a data folder without its noise, in the same layout; and the baseline on what it wrote."""

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile
from conftest import RATE, tone_in_noise, tool, write_clip

import run
import systems
from asd import data, signal
from asd.errors import BadInput
from asd.features import LogMel, LogMelPair
from asd.frontends import AdaSub, Near, NearAndFar
from asd.programs import denoising
from asd.programs.denoising import by_detector, by_frontend
from asd.programs.session import truth_of

QUICK = [f"--set={text}" for text in systems.quick("semi_denoise")]


@pytest.fixture
def small(data_folder, tmp_path):
    """A fan with few clips, a table and a supplemental clip."""
    raw = data_folder / "dev_data" / "raw" / "fan"
    folder = tmp_path / "data" / "dev_data" / "raw" / "fan"
    for split, step in (("train", 3), ("test", 2)):
        for path in sorted((raw / split).iterdir())[::step]:
            (folder / split).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / split)
    write_clip(folder / "supplemental" / "section_00_noise_supplemental_normal_0000.wav", np.ones((1, RATE)) / 9)
    (folder / "supplemental" / "._junk.wav").write_bytes(b"junk")
    (folder / "attributes_00.csv").write_text("file_name\n")
    return tmp_path / "data"


def denoised(system, small, tmp_path, *more):
    line = [system, str(small), str(tmp_path / "out"), "--results", str(tmp_path / "results"), "--workers", "1", *more]
    return tool("denoise").main(line)


def files(root):
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and not p.name.startswith(".")}


def test_the_reports_experiment_the_unchanged_baseline_on_denoised_audio(small, tmp_path, capsys):
    assert denoised("semi_denoise", small, tmp_path, *QUICK) == 0
    assert files(tmp_path / "out") == {*files(small), "dev_data/raw/fan/denoised.json"}
    of = small / "dev_data" / "raw" / "fan"
    to = tmp_path / "out" / "dev_data" / "raw" / "fan"
    for path in [*(of / "train").iterdir(), *(of / "test").iterdir()]:
        (before, rate), (after, _) = (soundfile.read(f / path.parent.name / path.name) for f in (of, to))
        assert rate == RATE and after.shape == before.shape
        np.testing.assert_array_equal(after[:, 1], before[:, 1])  # far
        assert not np.array_equal(after[:, 0], before[:, 0])
    told = json.loads((to / "denoised.json").read_text())
    assert told["system"] == "semi_denoise" and told["numbers"]["detector"]["training"]["epochs"] == 1
    line = ["-d", "baseline_mse", "--data", str(tmp_path / "out"), "--results", str(tmp_path / "after"), "--quick"]
    assert run.main([*line, "--workers", "1"]) == 0
    assert "Ω = " in capsys.readouterr().out


def test_a_front_end_writes_its_own_sound(small, tmp_path):
    assert denoised("s1", small, tmp_path) == 0
    machine = data.survey(small / "dev_data" / "raw" / "fan", ("train", "test")).machine()
    fitted = AdaSub().fit(data.read_wave(clip) for clip in machine.train)
    clip = machine.test[0]
    found, _ = soundfile.read(tmp_path / "out" / clip.path.relative_to(small), dtype="float32")
    np.testing.assert_array_equal(found[:, :1], fitted.sound(data.read_wave(clip)).T)
    assert not (tmp_path / "results" / "store" / "weights").exists()  # nothing that is not needed was trained


def test_renamed_evaluation_clips_stay_the_same_as_the_anonymous_ones(data_folder, tmp_path):
    assert denoised("canceller", data_folder, tmp_path, "-e") == 0
    before, after = (
        truth_of(data.survey(root / "eval_data" / "raw" / "drone", ("train", "test")).machine())
        for root in (data_folder, tmp_path / "out")
    )
    assert after == before and len(after) == 16


def test_near_alone_where_one_channel_is_wanted(small, tmp_path):
    assert denoised("adasub", small, tmp_path, "--channels", "1") == 0
    paths = sorted((tmp_path / "out").rglob("t*/*.wav"))
    assert len(paths) == 14 and {soundfile.info(path).channels for path in paths} == {1}


def test_what_is_there_is_not_overwritten_and_what_fails_leaves_nothing(small, tmp_path, capsys, monkeypatch):
    (tmp_path / "out" / "dev_data" / "raw" / "fan").mkdir(parents=True)
    assert denoised("adasub", small, tmp_path) == 2
    assert "fan is there already; take another OUT" in capsys.readouterr().err
    assert denoised("adasub", small, tmp_path, "--machines", "pump") == 2
    (tmp_path / "out" / "dev_data" / "raw" / "fan").rmdir()

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(denoising, "copy_rest", fails)
    assert denoised("adasub", small, tmp_path) == 2
    assert not list((tmp_path / "out" / "dev_data" / "raw").iterdir())


@dataclass(frozen=True)
class Mute:
    """A front-end without sound."""

    def fit(self, waves):
        return self

    def restore(self, arrays):
        return self

    def arrays(self):
        return {}

    def __call__(self, wave):
        return Near()(wave)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["msm_dsp_knn"], "several systems stand behind it"),
        (["s3"], "several systems stand behind it"),
        (["two_mic_ae_mse"], "NearAndDifference keeps 2 channels as they are"),
        (["ae", "--set", "frontend=Mute"], "gives no sound to write"),
        (["ae", "--workers", "0"], "--workers 0"),
        (["aee"], "unknown system 'aee'"),
    ],
)
def test_what_gives_no_sound_is_refused_in_one_sentence(small, tmp_path, capsys, monkeypatch, line, told):
    from asd import settings

    monkeypatch.setattr(settings, "all_parts", lambda: [Mute])
    assert denoised(line[0], small, tmp_path, *line[1:]) == 2
    error = capsys.readouterr().err
    assert told in error and len(error.splitlines()) == 1
    assert not files(tmp_path / "out")


def test_two_channels_cannot_be_made_of_one(small):
    machine = data.survey(small / "dev_data" / "raw" / "fan", ("train",)).machine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "read_wave", lambda clip: np.zeros((1, 9), np.float32))
        with pytest.raises(BadInput, match="--channels 2: clips of fan have 1"):
            denoising.Output(small.parent / "out", 2).check(machine, "dev")


# ---- the gain --------------------------------------------------------------------------------------------------------


def wave(channels=2):
    return tone_in_noise(np.random.default_rng(0), 700).astype(np.float32)[:channels]


def test_a_bands_shares_of_a_bin_add_to_one_and_an_even_change_is_an_even_gain():
    shares = signal.mel_shares(1024, 128)
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(signal.mel_gain(np.full((3, 128), -6.0, np.float32), 1024), 10**-0.6, rtol=1e-5)


@pytest.mark.parametrize(("frontend", "features", "channels"), [(Near(), LogMel(), 1), (NearAndFar(), LogMelPair(), 2)])
def test_the_near_stft_is_changed_by_the_change_and_keeps_its_phase(frontend, features, channels):
    x = wave(channels)
    untouched = by_detector(frontend, features, lambda f: np.zeros((len(f), 128), np.float32), x)
    assert untouched.shape == (1, x.shape[1])
    np.testing.assert_allclose(untouched[0, :-512], x[0, :-512], atol=1e-5)
    halved = by_detector(frontend, features, lambda f: np.full((len(f), 128), -6.0206, np.float32), x)
    np.testing.assert_allclose(halved[0, :-512], x[0, :-512] / 2, atol=1e-5)


def test_the_written_sounds_log_mels_are_the_denoised_ones():
    x, smooth = wave(1), np.sin(np.arange(128) / 9).astype(np.float32)  # a change that varies slowly over bands
    change = np.minimum(0, 10 * smooth - 8)[None]
    before = LogMel()(Near()(x))
    after = LogMel()(Near()(by_detector(Near(), LogMel(), lambda f: np.repeat(change, len(f), axis=0), x)))
    inside = slice(2, -2)
    assert np.abs(after - before - change)[inside].mean() < 0.5  # dB


def test_a_front_end_whose_hop_is_not_half_its_window_is_refused():
    frontend = Near(hop_length=256)
    with pytest.raises(BadInput, match="hop_length: half of n_fft, 512"):
        by_detector(frontend, LogMel(), lambda f: 0 * f, wave())
    assert by_frontend(frontend, wave()).shape == (1, RATE)
