"""What is wrong with the sound: each fault is found, told once with a clip that has it, and sound clips give none."""

import shutil

import numpy as np
import pytest
from conftest import tone_in_noise, write_clip

import run as command_line
from asd import data
from asd.errors import BadInput
from asd.evaluation import contradictions, truth_of_renamed
from asd.programs import denoising, developing, inspection
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.soundness import check_soundness

NAME = "section_00_source_{}_{}_{:04d}_noAttribute.wav"


@pytest.fixture
def warnings(tmp_path):
    """warnings(spoil) -> those on a machine of eight training and four test clips, each through `spoil`."""

    def told(spoil, subtype="PCM_16"):
        rng = np.random.default_rng(0)
        for i in range(12):
            split = "train" if i < 8 else "test"
            path = tmp_path / "fan" / split / NAME.format(split, "normal", i)
            write_clip(path, spoil(i, tone_in_noise(rng, 400, 0.25)), subtype=subtype)
        found = data.survey(tmp_path / "fan", ("train", "test"))
        assert found.problems == () and found.warnings == ()
        train, test = ([data.sound_of(clip) for clip in found.clips(split)] for split in ("train", "test"))
        return [*data.sound_warnings(train, test), *data.content_warnings(found.clips("train"), found.clips("test"))]

    return told


def channel(c, value):
    """A spoiler that sets a channel of every third clip."""

    def spoil(i, wave):
        if i % 3 == 0:
            wave[c] = value if np.isscalar(value) else value(wave)
        return wave

    return spoil


def changed(i, wave, factor):
    return wave * factor if i % 3 == 0 else wave


FAULTS = {
    "near is constant (a dead microphone, or silence?): 4 of 12 clips, first train/section_00_": channel(0, 0.0),
    "far is constant (a dead microphone?): 4 of 12 clips": channel(1, 0.25),
    "near and far are identical (was one channel copied to both?): 4 of 12": channel(1, lambda wave: wave[0]),
    "clipped, 3 or more samples in a row at full scale: 4 of 12": lambda i, wave: np.clip(changed(i, wave, 50), -1, 1),
    "channels likely swapped: near - far -": lambda i, wave: np.stack([0.2 * wave[1], wave[0]]),
    "channels likely swapped in 1 clips: near - far +": lambda i, wave: (wave * [[1], [0.2]])[:: 1 if i else -1],
    "test clips are -20.0 dB against training clips": lambda i, wave: wave * (0.1 if i > 7 else 1),
}


@pytest.mark.parametrize("told", FAULTS)
def test_each_fault_is_told_once_with_what_was_found(warnings, told):
    (warning,) = warnings(FAULTS[told])
    assert warning.startswith(f"fan: {told}")


def test_sound_clips_give_no_warning_and_floats_at_int16_scale_do(warnings):
    assert warnings(lambda i, wave: wave) == []
    (warning,) = warnings(lambda i, wave: np.round(wave * 32768), subtype="FLOAT")
    assert "samples far above 1, as floats at int16 scale (divide by 32768): 12 of 12" in warning


def test_equal_contents_are_told_within_and_across_the_splits(warnings):
    waves = []

    def spoil(i, wave):
        waves.append(wave)
        return waves[{1: 0, 11: 2}.get(i, i)]

    across, within = warnings(spoil)
    assert "fan: 1 training clips are among the test clips, first train/section_00_source_train_normal_0002" in across
    assert "fan: 1 clip(s) are there under two names, first train/section_00_source_train_normal_0000" in within


def test_one_content_has_one_truth(tmp_path):
    copies = [tmp_path / "test_rename" / NAME.format("test", kind, i) for i, kind in enumerate(("normal", "anomaly"))]
    for path in (*copies, tmp_path / "section_00_0000.wav"):
        write_clip(path, tone_in_noise(np.random.default_rng(0), 400, 0.25))
    with pytest.raises(BadInput, match="normal_0000.*the same recording as .*anomaly_0001.*whose truth is another"):
        truth_of_renamed([tmp_path / "section_00_0000.wav"], tmp_path / "test_rename")
    assert len(contradictions(copies)) == 1 and contradictions([copies[0], copies[0]]) == []


@pytest.fixture
def fan(data_folder, tmp_path):
    """A data folder of one machine, to be spoilt."""
    shutil.copytree(data_folder / "dev_data" / "raw" / "fan", tmp_path / "dev_data" / "raw" / "fan")
    return tmp_path / "dev_data" / "raw" / "fan"


def test_inspect_and_run_tell_warnings_and_refuse_two_truths(fan, tmp_path, monkeypatch):
    def stop(session):
        raise BadInput("enough")

    monkeypatch.setattr(developing, "fit", stop)
    request, told = Request.of("dev", ["gmm"], data=tmp_path, results=tmp_path / "results"), []
    clips = sorted((fan / "train").iterdir())
    shutil.copy(clips[0], clips[1])
    with pytest.raises(BadInput, match="enough"):
        developing.develop(request, told.append)
    (report,) = inspection.reports(tmp_path, None, None)
    assert told[:-1] == [f"warning: {warning}" for warning in report.warnings] and len(told) == 2
    monkeypatch.setattr(denoising, "learn", lambda session, name: stop(session))
    with pytest.raises(BadInput, match="enough"):
        denoising.denoise(request, denoising.Output(tmp_path / "out"), (denoising_told := []).append)
    assert denoising_told[:-1] == told[:-1]
    normal, anomaly = (next((fan / "test").glob(f"*{kind}*")) for kind in ("normal", "anomaly"))
    shutil.copy(normal, anomaly)
    (report,) = inspection.reports(tmp_path, None, 2)
    with pytest.raises(BadInput, match="whose truth is another") as refused:
        developing.develop(request, told.append)
    assert report.problems == (str(refused.value),)


def test_a_run_refuses_two_truths_in_test_rename_before_any_training(data_folder, tmp_path):
    drone = shutil.copytree(data_folder / "eval_data" / "raw" / "drone", tmp_path / "eval_data" / "raw" / "drone")
    normal, anomaly = (next((drone / "test_rename").glob(f"*{kind}*")) for kind in ("normal", "anomaly"))
    session = Session(Request.of("eval", ["gmm"], data=tmp_path, results=tmp_path / "results"))
    assert check_soundness(session) == []
    shutil.copy(normal, anomaly)
    with pytest.raises(BadInput, match="test_rename.*whose truth is another"):
        check_soundness(session)


@pytest.mark.parametrize("system", ["cohgate", "canceller"])
def test_a_dead_far_channel_is_refused_for_every_front_end_that_needs_it(fan, tmp_path, capsys, system):
    rng = np.random.default_rng(0)
    for path in (fan / "train").iterdir():
        write_clip(path, tone_in_noise(rng, 400) * [[1], [0]])
    words = ["-d", system, "--data", str(tmp_path), "--results", str(tmp_path / "results"), "--quick"]
    assert command_line.main(words) == 2
    told = capsys.readouterr().err
    assert f"{system} needs the far channel" in told and "that of fan is constant in all training clips heard" in told
    assert "--set frontend=Near" in told and told.count("\n") == 1


def test_a_dead_near_channel_is_refused_for_every_system_and_a_dead_clip_is_a_warning(fan, tmp_path, capsys):
    rng, clips = np.random.default_rng(0), sorted((fan / "train").iterdir())
    words = ["-d", "gmm", "--data", str(tmp_path), "--results", str(tmp_path / "results"), "--workers", "1"]
    for path in clips:
        write_clip(path, tone_in_noise(rng, 400) * [[0], [1]] + [[0.25], [0]])
    for more in ([], ["--plan"]):
        assert command_line.main([*words, *more]) == 2
        told = capsys.readouterr().err
        assert told.startswith("run.py: fan: near (channel 0) is constant in all 18 training clips heard")
        assert told.count("\n") == 1 and not (tmp_path / "results" / "store").exists()
    (report,) = inspection.reports(tmp_path, None, None)
    assert len(report.problems) == 1 and not any("near is constant" in told for told in report.warnings)
    write_clip(clips[0], tone_in_noise(rng, 400))
    assert any("near is constant" in told and "17 of 34 clips" in told for told in soundness(tmp_path))


def soundness(data_folder):
    request = Request.of("dev", ["gmm"], data=data_folder, results=data_folder / "results")
    return check_soundness(Session(request))
