"""A run's system opened without clips, and exported to one file that scores alike, checks itself and refuses damage."""

import json
import runpy
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
import yaml
from conftest import TOOLS, tool
from test_contracts import opened
from threadpoolctl import threadpool_info, threadpool_limits

import asd
from asd import __main__ as command
from asd import importing
from asd.errors import BadInput
from asd.programs import exporting, loading
from asd.programs.fitting import extract
from asd.programs.opening import open_recorded
from asd.programs.report import tables
from asd.programs.report.runs import Run
from asd.programs.writing import write
from asd.results import read_folder
from asd.score_files import read_rows
from asd.sound_files import sound_bytes
from asd.store import content, read_arrays, write_arrays

NAMES = ("stats_maha", "baseline_mse")  # nothing trained; seeds (further kinds: test_contracts.py)


@pytest.fixture(scope="module")
def results(data_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    for name in NAMES:
        session = opened(name, data_folder, folder)
        extract(session)
        write(session, name)
    return folder


@pytest.fixture(scope="module")
def elsewhere(results, data_folder, tmp_path_factory):
    """A machine with the exported files and a test clip, and no more."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in NAMES:
        out = folder / f"{name}.npz"
        assert tool("export").main([str(results / "dev" / name), "fan", "--out", str(out)]) == 0
    return folder


def test_clips(data_folder):
    return sorted((data_folder / "dev_data" / "raw" / "fan" / "test").glob("*.wav"))[:3]


test_clips.__test__ = False


@pytest.mark.parametrize("name", NAMES)
def test_a_run_opened_without_its_clips_and_its_file_score_as_the_csv(name, results, elsewhere, data_folder):
    csv = read_rows(results / "dev" / name / "anomaly_score_fan_section_00_test.csv")
    for place in (results / "dev" / name, elsewhere / f"{name}.npz"):
        fan = asd.load(place, "fan")
        for path in test_clips(data_folder):
            verdict = fan(path)
            assert verdict.score == pytest.approx(csv[path.name], abs=1e-9)
            assert verdict.decision == int(verdict.score > verdict.threshold)


@pytest.mark.parametrize("name", NAMES)
def test_scores_have_the_bits_of_the_csv_where_libraries_have_more_threads(name, results, elsewhere, data_folder):
    csv = read_rows(results / "dev" / name / "anomaly_score_fan_section_00_test.csv")
    path = test_clips(data_folder)[0]
    with more_threads(2):
        for place in (results / "dev" / name, elsewhere / f"{name}.npz"):
            assert asd.load(place, "fan")(path).score == csv[path.name]
        assert torch.get_num_threads() == 2  # put back
        assert {library["num_threads"] for library in threadpool_info()} == {2}


@contextmanager
def more_threads(n):
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    with threadpool_limits(n):
        try:
            yield
        finally:
            torch.set_num_threads(before)


def test_no_clip_is_opened_where_a_run_is_opened(results, tmp_path, data_folder):
    copy = shutil.copytree(results / "dev" / "stats_maha", tmp_path / "dev" / "stats_maha").parent.parent
    (copy / "store").symlink_to(results / "store")
    record = copy / "dev" / "stats_maha" / "run.json"
    record.write_text(record.read_text().replace(str(data_folder), str(tmp_path / "gone")))
    assert asd.load(copy / "dev" / "stats_maha").machine == "fan"
    record.write_text(record.read_text().replace('"n_target"', '"n_other"'))
    with pytest.raises(BadInput, match="fan lacks n_target; an earlier version"):
        asd.load(copy / "dev" / "stats_maha")


@pytest.mark.parametrize("place", [0, 0.001, 0.4, 0.8, 0.999, 1])
def test_a_flipped_bit_anywhere_is_refused(place, elsewhere, tmp_path):
    content = bytearray((elsewhere / "stats_maha.npz").read_bytes())
    content[int(place * (len(content) - 1))] ^= 1 << 5
    (tmp_path / "stats_maha.npz").write_bytes(content)
    with pytest.raises(BadInput, match="stats_maha.npz: .*SHA-256"):
        asd.load(tmp_path / "stats_maha.npz")


def test_what_scores_its_self_test_otherwise_is_refused(elsewhere, tmp_path):
    arrays = read_arrays(elsewhere / "stats_maha.npz")
    arrays["self_test/wave"] = np.ascontiguousarray(arrays["self_test/wave"][::-1])
    write_arrays(tmp_path / "stats_maha.npz", arrays)
    with pytest.raises(BadInput, match="features of its self-test clip differ here; another version of the kit"):
        asd.load(tmp_path / "stats_maha.npz")


def test_other_files_machines_and_recordings_are_refused(elsewhere, results, tmp_path, capsys):
    with np.load(elsewhere / "stats_maha.npz") as plain:  # any reader of .npz can look into it
        assert plain["self_test/wave"].shape[0] == 2
    soundfile.write(tmp_path / "near.wav", np.zeros(16_000), 16_000)
    fan = asd.load(elsewhere / "stats_maha.npz")
    near = replace(fan, channels=1)
    for call, told in {
        lambda: asd.load(tmp_path / "near.wav"): "near.wav: its last 64 bytes are not the SHA-256",
        lambda: asd.load(elsewhere / "stats_maha.npz", "pump"): "of the machine fan, not pump",
        lambda: asd.load(results / "dev" / "stats_maha", "fun"): "did you mean 'fan'",
        lambda: asd.load(results, "fan"): "the folder of all results; give .*, as .*/dev/",
        lambda: fan(tmp_path / "near.wav"): r"near.wav: 1 channel, 2 \(near, far\) expected",
        lambda: fan(np.zeros((16_000, 2))): r"a wave \(2, T\) of floats .* transpose it",
        lambda: fan(np.full((2, 16_000), np.nan)): "not a finite number",
        lambda: fan([[0.0], [0.0]]): r"a list: a path, or an array \(2, T\) of floats at 16000 Hz",
        lambda: fan(np.zeros((2, 16_000), np.int16)): "int16 of shape .* divide by 32768",
        lambda: fan(np.zeros((2, 16_000), np.int32)): r"32 bits\? then divide by 2147483648\)",
        lambda: fan(np.zeros((2, 16_000), np.uint8)): r"uint8 of shape .* as the training clips of fan, expected$",
        lambda: fan(np.zeros(16_000)): r"a wave \(2, T\) of floats .* \(np.stack\(\[near, far\]\) makes it \(2, T\)\)$",
        lambda: fan(np.zeros((4, 16_000))): r"\(it has 4 channels; x\[:2\] takes the first\)$",
        lambda: fan(np.full((2, 16_000), 9e3)): "the array: a peak of 9000, samples of full scale 1 .* divide by 32768",
        lambda: near(np.zeros(16_000)): r"\(1, T\) of floats .* \(x\[None\] makes it \(1, T\)\)$",
        lambda: near(np.zeros((2, 16_000))): r"\(it has 2 channels; x\[:1\] takes the first\)$",
        lambda: near(np.zeros((16_000, 1))): "transpose it",
        lambda: fan(np.zeros((2, 7_900))): "the array: 0.49375 s, but training clips of fan have 1 to 1.25 s",
        lambda: fan(np.zeros((2, 40_100))): "2.50625 s, .* scores each window",
    }.items():
        with pytest.raises(BadInput, match=told):
            call()
    assert (
        tool("export").main([str(results / "dev" / "stats_maha"), "fan", "--out", str(elsewhere / "stats_maha.npz")])
        == 2
    )
    assert "stats_maha.npz: is there already and is not overwritten" in capsys.readouterr().err
    with pytest.raises(BadInput, match="is there already and is not overwritten"):
        exporting.write_export(open_recorded(results / "dev" / "stats_maha", "fan"), None, elsewhere / "stats_maha.npz")


@pytest.mark.parametrize(("form", "rate"), [("AIFF", 16_000), ("MP3", 16_000), ("MP3", 44_100)])
def test_a_file_that_was_cut_short_is_not_scored(form, rate, elsewhere, tmp_path):
    wave = np.random.default_rng(5).normal(0, 0.1, (rate, 2))
    content = sound_bytes(wave, rate, form, None)
    (tmp_path / "x.wav").write_bytes(content[: 4 * len(content) // 5])
    with pytest.raises(BadInput, match=r"x\.wav: (truncated|ends after).*cut short"):
        asd.load(elsewhere / "stats_maha.npz")(tmp_path / "x.wav")


def test_a_file_of_another_length_is_refused_before_it_is_read(elsewhere, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.wav", np.zeros((40_100, 2)), 16_000)
    monkeypatch.setattr(loading, "wave_of", lambda *_: pytest.fail("it was read"))
    with pytest.raises(BadInput, match=r"long\.wav: 2\.50625 s, .* scores each window"):
        asd.load(elsewhere / "stats_maha.npz")(tmp_path / "long.wav")


def test_a_recording_of_any_rate_and_format_scores_as_the_clip_that_importing_makes_of_it(elsewhere, tmp_path):
    rng = np.random.default_rng(3)
    (tmp_path / "in" / "normal").mkdir(parents=True)
    for name, rate in {"0.flac": 44_100, "1.wav": 22_050, "2.flac": 16_000}.items():
        soundfile.write(tmp_path / "in" / "normal" / name, rng.normal(0, 0.1, (int(1.3 * rate), 2)), rate)
    guide, fan = importing.Guide(), asd.load(elsewhere / "stats_maha.npz")
    (one,) = importing.planned(importing.found(tmp_path / "in", guide), guide, 10.0, 0.3)
    importing.write(tmp_path / "out", one, guide)
    for name, piece in one.clips.items():
        imported = fan(tmp_path / "out" / one.stage / "raw" / "in" / name)
        assert fan(piece.recording.paths[0]).score == imported.score


def test_runs_that_recorded_one_clips_length_alone_are_opened(results, tmp_path):
    copy = shutil.copytree(results / "dev" / "stats_maha", tmp_path / "dev" / "stats_maha").parent.parent
    (copy / "store").symlink_to(results / "store")
    record = copy / "dev" / "stats_maha" / "run.json"
    record.write_text(record.read_text().replace('"train_seconds"', '"other"'))
    assert asd.load(copy / "dev" / "stats_maha").train_seconds == (1.0, 1.0)


def test_an_own_kind_of_file_names_its_format(elsewhere, tmp_path):
    arrays = read_arrays(elsewhere / "stats_maha.npz")
    about = arrays.pop(exporting.ABOUT).tobytes().replace(b'"format": 1', b'"format": 9')
    write_arrays(tmp_path / "stats_maha.npz", {exporting.ABOUT: np.frombuffer(about, np.uint8), **arrays})
    with pytest.raises(BadInput, match="format 9, 1 expected"):
        asd.load(tmp_path / "stats_maha.npz")


@pytest.mark.parametrize(
    ("about", "told"),
    [
        (b"{}", "no format"),
        (b"[1]", "a list, a mapping expected"),
        (b"3", "a whole number, a mapping expected"),
        (b"fan", "no JSON"),
        (b'{"format": 1, "machine": "fan", "trained": {}}', "no system"),
        (b'{"format": 1, "system": 3}', "no machine"),
        (None, "no about"),
    ],
)
def test_a_sealed_file_that_is_no_export_is_refused(about, told, tmp_path):
    write_arrays(tmp_path / "x.npz", {} if about is None else {exporting.ABOUT: np.frombuffer(about, np.uint8)})
    with pytest.raises(BadInput, match=f"x.npz: not what tools/export.py writes .*{told}"):
        exporting.read_export(tmp_path / "x.npz")


HARMS = {
    "missing": lambda array: None,
    "of another shape": lambda array: array.reshape(-1)[: array.size // 2] if array.size > 1 else np.zeros(3),
}


UNUSED = {"stats_maha": (exporting.ABOUT,)}
UNUSED["baseline_mse"] = (exporting.ABOUT, "history", "is_target", "scorer/train_scores", "train_domains")


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_built_anew_with_an_array_otherwise_is_refused_in_a_sentence(name, harm, elsewhere, tmp_path):
    arrays = read_arrays(elsewhere / f"{name}.npz")
    used = [key for key in arrays if not key.endswith(UNUSED[name])]
    of_parts = {key.rpartition("/")[0]: key for key in used}  # one of each part
    for key in of_parts.values():
        changed = {**arrays, key: harm(arrays[key])}
        write_arrays(tmp_path / "x.npz", {k: v for k, v in changed.items() if v is not None})
        with pytest.raises(BadInput, match="x.npz: ") as refused:
            asd.load(tmp_path / "x.npz")
        assert "\n" not in str(refused.value), key


def test_what_a_file_says_of_itself_is_checked_by_name_and_type(elsewhere, tmp_path):
    arrays = read_arrays(elsewhere / "stats_maha.npz")
    about = json.loads(arrays[exporting.ABOUT].tobytes())
    for key in exporting.ESSENTIAL:
        lacking = [] if key.endswith("?") else [{k: v for k, v in about.items() if k != key}]
        key = key.removesuffix("?")
        for other in (*lacking, {**about, key: [[]]}):
            text = np.frombuffer(json.dumps(other).encode(), np.uint8)
            write_arrays(tmp_path / "x.npz", {**arrays, exporting.ABOUT: text})
            with pytest.raises(BadInput, match=f"x.npz: not what tools/export.py writes .*{key}"):
                asd.load(tmp_path / "x.npz")
    wrong = {"members": [["gone", 0]], "checkpoints": {}, "trained": {}, "recipe": {"frontend": 3}}
    for key, other in {**wrong, "train_seconds": [1.0]}.items():
        text = np.frombuffer(json.dumps({**about, key: other}).encode(), np.uint8)
        write_arrays(tmp_path / "x.npz", {**arrays, exporting.ABOUT: text})
        with pytest.raises(BadInput, match="x.npz: "):
            asd.load(tmp_path / "x.npz")


def test_another_checkpoint_is_told_with_one_cure(elsewhere, tmp_path, monkeypatch):
    path, arrays = tmp_path / "encoder.pt", read_arrays(elsewhere / "stats_maha.npz")
    path.write_bytes(b"one")
    monkeypatch.setattr(exporting, "files_of", lambda system: (path,))
    about = json.loads(arrays[exporting.ABOUT].tobytes()) | {"checkpoints": {"stats_maha": [content(path)]}}
    arrays[exporting.ABOUT] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    write_arrays(tmp_path / "x.npz", arrays)
    assert asd.load(tmp_path / "x.npz").machine == "fan"
    path.write_bytes(b"another")
    with pytest.raises(BadInput, match="^[^ ]+encoder.pt: another checkpoint than that of [^ ]+x.npz; put it there$"):
        asd.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate"), "^CUDA out of memory"),
        (BadInput("fan: too short"), "^fan: too short$"),
        (TypeError("a bug"), r"npz: not what its systems need here \(TypeError\('a bug'\), test_export.py:\d+\)"),
    ],
)
def test_only_what_may_come_of_an_edited_file_is_told_as_that(error, told, elsewhere, monkeypatch):
    def fails(member, wave):
        raise error

    monkeypatch.setattr(exporting, "_feature", fails)
    with pytest.raises(BadInput if isinstance(error, TypeError) else type(error), match=told):
        asd.load(elsewhere / "stats_maha.npz")


def places(value, deepest, path=()):
    """Every key of nested mappings, to some depth."""
    for key, inner in value.items() if isinstance(value, dict) and len(path) < deepest else ():
        yield (*path, key)
        yield from places(inner, deepest, (*path, key))


def without(value, path, other):
    """A copy in which what stands at the path is another value, or gone where that is Ellipsis."""
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    if other is ...:
        del at[path[-1]]
    return copy


@pytest.mark.parametrize(("file", "deepest"), [("run.json", 4), ("system.yaml", 2)])
def test_an_edited_record_of_a_run_is_opened_or_refused_in_a_sentence(file, deepest, results, tmp_path):
    source = results / "dev" / "stats_maha"
    folder = tmp_path / "dev" / "stats_maha"
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / "store").symlink_to(results / "store")
    read, write = (yaml.safe_load, yaml.safe_dump) if file.endswith("yaml") else (json.loads, json.dumps)
    record = read((source / file).read_text())
    refused = 0
    for path in places(record, deepest):
        for other in (..., [1]):
            (folder / file).write_text(write(without(record, path, other)))
            try:
                _ = open_recorded(folder, "fan").train_seconds
                tables.run_rows([Run(folder, read_folder(folder), {})])
            except BadInput as error:
                refused += 1
                assert len(str(error).splitlines()) == 1, path
    assert refused > 8


def test_versions_that_differ_are_told_and_packages_that_no_longer_count_are_not():
    versions = {"numpy": "0.1", "dropped": "1"}
    told = exporting.Exported(None, {"versions": versions}, {})._why()
    assert told.startswith("numpy 0.1, here ") and "dropped" not in told


def test_monitor_takes_the_file(elsewhere, data_folder, capsys):
    (path, *_) = test_clips(data_folder)
    assert tool("monitor").main([str(elsewhere / "stats_maha.npz"), str(path)]) == 0
    assert f"score {asd.load(elsewhere / 'stats_maha.npz')(path).score:9.4f}" in capsys.readouterr().out


def test_contributions_are_of_the_frames(results, data_folder):
    assert asd.load(results / "dev" / "stats_maha")(test_clips(data_folder)[0]).contributions is None
    verdict = asd.load(results / "dev" / "baseline_mse")(test_clips(data_folder)[0])  # means over frames and seeds
    assert len(verdict.contributions) > 20 and verdict.contributions.mean() == pytest.approx(verdict.score)


def test_the_example_and_the_command_score_a_recording(elsewhere, data_folder, capsys, monkeypatch):
    (path, *_) = test_clips(data_folder)
    example = TOOLS / "examples" / "score_recordings.py"
    monkeypatch.setattr("sys.argv", [str(example), "s1", "fan"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(example), run_name="__main__")
    assert ended.value.code == 2 and "usage: score_recordings.py RESULTS_OR_FILE MACHINE" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [str(example), str(elsewhere / "baseline_mse.npz"), "fan", str(path)])
    runpy.run_path(str(example), run_name="__main__")
    told = capsys.readouterr().out
    verdict = asd.load(elsewhere / "baseline_mse.npz")(path)
    assert (
        f"score {verdict.score:.4f}, threshold {verdict.threshold:.4f}, decision" in told and "most anomalous" in told
    )
    monkeypatch.setattr("sys.argv", ["asd", "monitor", str(elsewhere / "baseline_mse.npz"), str(path)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0 and f"score {verdict.score:9.4f}" in capsys.readouterr().out
