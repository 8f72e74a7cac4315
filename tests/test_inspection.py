"""The report on a data folder, and the tool that prints it."""

import shutil

import numpy as np
import pytest
from conftest import tool, write_clip

from asd.errors import BadInput
from asd.programs import inspection


@pytest.fixture
def inspect(capsys):
    """inspect(folder, ...) -> exit code, out and err of one call of the tool."""

    def call(*arguments):
        code = tool("inspect_data").main([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return call


def test_inspect_shows_counts_and_exits_with_2_on_problems(data_folder, tmp_path, inspect):
    code, out, _ = inspect(data_folder)
    assert code == 0 and "10  train source normal" in out and "16  test anonymous" in out
    assert "near - far" in out and "mic: 1 (34), 2 (34)" in out
    copy = shutil.copytree(data_folder, tmp_path / "data")
    shutil.rmtree(copy / "dev_data" / "raw" / "pump" / "test")
    write_clip(next((copy / "dev_data" / "raw" / "fan" / "train").iterdir()), np.zeros((1, 16_000)))
    code, _, err = inspect(copy)
    assert code == 2 and "2 problems, 1 warning found" in err and "1 channel, 2 channels in 33 other clips" in err


def test_machines_are_chosen_and_an_unknown_one_is_refused(data_folder, inspect):
    code, out, err = inspect(data_folder, "--machines", "pump")
    assert code == 0 and out.startswith("\npump  (") and "fan  (" not in out
    code, out, err = inspect(data_folder, "--machines", "pumb")
    assert code == 2 and "no machine 'pumb', did you mean 'pump'? (there: fan, pump, drone)" in err
    assert "1 problem found" in err and out == ""


def test_a_report_tells_what_is_there(data_folder):
    report = next(inspection.reports(data_folder, ["fan"], 3))
    text = "\n".join(report.lines)
    assert report.problems == () and report.lines[0] == f"fan  ({data_folder / 'dev_data' / 'raw' / 'fan'})"
    assert "    8  train target normal" in text and "    4  test source anomaly" in text
    assert "16000 Hz, 2 channels, PCM_16, 1.25 s" in text and "speed: 0 (15), 1 (10), 2 (9)" in text
    assert [line.strip()[-9:] for line in report.lines if "correlation" in line] == ["(3 clips)"] * 2


def test_levels_are_those_of_the_wave(tmp_path):
    raw, name = tmp_path / "dev_data" / "raw", "section_00_source_{}_normal_0000_noAttribute.wav"
    signal = np.tile([0.5, -0.5], 8_000)
    for split in ("train", "test"):
        write_clip(raw / "fan" / split / name.format(split), np.stack([signal, -0.1 * signal]))
    (report,) = inspection.reports(raw, None, 20)  # a raw folder will do
    level = "near -6.0 ± 0.0 dB, far -26.0 ± 0.0 dB, near - far +20.0 dB, correlation -1.00 (1 clip)"
    assert f"    train: {level}" in report.lines and "    none in the names (noAttribute)" in report.lines


def test_one_channel_has_a_level_and_no_correlation(tmp_path):
    folder, name = tmp_path / "dev_data" / "raw" / "fan", "section_00_source_{}_normal_0000_noAttribute.wav"
    for split in ("train", "test"):
        write_clip(folder / split / name.format(split), np.tile([0.5, -0.5], 8_000)[None])
    write_clip(folder / "supplemental" / "section_00_noise_supplemental_normal_0000.wav", np.zeros((1, 160)))
    (report,) = inspection.reports(tmp_path, None, 20)
    assert report.problems == () and "    test: near -6.0 ± 0.0 dB (1 clip)" in report.lines
    assert "        2  16000 Hz, 1 channel, PCM_16, 1 s" in report.lines
    assert "        1  supplemental, noise alone" in report.lines


def test_samples_that_are_not_finite_are_a_problem(data_folder, tmp_path):
    fan = shutil.copytree(data_folder / "dev_data" / "raw" / "fan", tmp_path / "fan")
    write_clip(sorted((fan / "train").iterdir())[0], np.full((2, 16_000), np.nan), subtype="FLOAT")
    (report,) = inspection.reports(tmp_path, None, 20)
    assert len(report.problems) == 1 and "sample 0 is not a finite number" in report.problems[0]


def test_an_evaluation_machine_may_wait_for_its_test_clips(data_folder, tmp_path):
    for kind in ("eval_data", "dev_data"):
        machine = data_folder / kind / "raw" / {"eval_data": "drone", "dev_data": "fan"}[kind]
        shutil.copytree(machine / "train", tmp_path / kind / "raw" / machine.name / "train")
    problems = {r.lines[0].split()[0]: r.problems for r in inspection.reports(tmp_path, None, 1)}
    assert problems["drone"] == () and "test: no such folder" in problems["fan"][0]


def test_a_wrong_folder_is_told(data_folder, tmp_path):
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        next(inspection.reports(tmp_path / "nowhere", None, 1))
    (tmp_path / "plain" / "normal").mkdir(parents=True)
    (tmp_path / "plain" / "normal" / "a.flac").touch()
    with pytest.raises(BadInput, match="plain: recordings in another layout; `python tools/import_data.py .*plain"):
        next(inspection.reports(tmp_path / "plain", None, 1))
    with pytest.raises(BadInput, match=f"give the folder that holds dev_data/: {data_folder}"):
        next(inspection.reports(data_folder / "dev_data", None, 1))
