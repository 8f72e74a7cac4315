"""Monitoring: block sizes do not matter, windows are clips, and the tool reads files, pipes and growing folders."""

import csv
import io
import json
import shutil
import struct
import threading
import time

import numpy as np
import pytest
import soundfile
from conftest import RATE, tone_in_noise, tool
from test_contracts import opened

from asd import resampling
from asd.errors import BadInput
from asd.frontends.distillation import student
from asd.monitoring import Alarm, Monitor, of_file, of_folder, of_pipe, sources
from asd.programs import listening
from asd.programs.fitting import extract
from asd.programs.writing import write

WINDOW, EVERY = RATE, RATE // 2


@pytest.fixture(scope="module")
def recording():
    return tone_in_noise(np.random.default_rng(5), 400, 4.3).astype(np.float32)


@pytest.fixture(scope="module", params=["ssd", "s1"])
def fitted(request, data_folder, tmp_path_factory):
    results = tmp_path_factory.mktemp("monitor")
    session = opened(request.param, data_folder, results)
    extract(session)
    write(session, request.param)
    return request.param, session.fitted(request.param, session.machines[0])


def readings(system, wave, sizes, every=EVERY):
    monitor = Monitor(system, WINDOW, every)
    cuts = np.cumsum(sizes)[:-1]
    found = [r for block in np.split(wave, cuts, axis=1) for r in monitor.push(block)]
    return found + monitor.finish()


def test_block_sizes_do_not_matter(fitted, recording):
    _, system = fitted
    n = recording.shape[1]
    at_once = readings(system, recording, [n])
    assert [r.end for r in at_once] == [1 + 0.5 * i for i in range(7)]
    for sizes in ([1600] * (n // 1600) + [n % 1600], [16_001, 37, n - 16_038], [333] * (n // 333) + [n % 333]):
        in_blocks = readings(system, recording, sizes)
        assert [r.end for r in in_blocks] == [r.end for r in at_once]
        assert [r.score for r in in_blocks] == pytest.approx([r.score for r in at_once], rel=1e-5, abs=1e-5)


def test_a_reading_is_the_offline_score_of_its_window(fitted, recording):
    name, system = fitted
    monitor, found = Monitor(system, WINDOW, EVERY), []
    for block in np.array_split(recording, 40, axis=1):
        found += monitor.push(block)
    assert monitor.streams == (name == "ssd") and monitor.threshold == system.threshold
    for r in found:
        last = round(r.end * RATE)
        assert r.score == pytest.approx(offline(system, recording, last - WINDOW, last), rel=1e-5, abs=1e-5)
        assert r.decision == int(r.score > system.threshold)


def test_windows_further_apart_than_they_are_long_are_in_the_right_places(fitted, recording):
    _, system = fitted
    n = recording.shape[1]
    found = readings(system, recording, [1600] * (n // 1600) + [n % 1600], every=WINDOW + WINDOW // 2)
    assert [r.end for r in found] == [1, 2.5, 4]
    for r in found:
        last = round(r.end * RATE)
        assert r.score == pytest.approx(offline(system, recording, last - WINDOW, last), rel=1e-5, abs=1e-5)


def test_a_recording_as_long_as_the_window_gives_one_reading_the_score_of_the_clip(fitted, recording):
    _, system = fitted
    clip = np.ascontiguousarray(recording[:, :WINDOW])
    (found,) = readings(system, clip, [5000, 5000, WINDOW - 10_000])
    assert found.end == 1 and found.score == pytest.approx(system(clip).score, rel=1e-5, abs=1e-5)
    assert Monitor(system, WINDOW, EVERY).finish() == []


def offline(system, wave, first, last):
    """The whole recording through the front-end at once where it is causal, then the window; else the window alone."""
    member, frontend = system.members[0], system.members[0].frontend
    if not hasattr(frontend, "stream"):
        return system(wave[:, first:last]).score
    whole = student.separate(frontend.network, frontend.recipe.student, wave)
    feature = member.features(frontend.of_window(wave[:, first:last], whole[first:last]))
    return np.mean([system.standardised(i, m.scorer.score(feature), 0.0) for i, m in enumerate(system.members)])


def test_memory_does_not_grow(fitted, recording):
    monitor = Monitor(fitted[1], WINDOW, EVERY)
    for _ in range(2):
        monitor.push(recording)
    assert monitor._wave.shape[1] <= WINDOW + 512 and all(len(s.output) <= WINDOW for s in monitor._streamed)


# ---- sources of sound ------------------------------------------------------------------------------------------------


def heard(source):
    return np.concatenate(list(source), axis=1)


@pytest.fixture(scope="module")
def wav(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("wav") / "long.wav"
    soundfile.write(path, recording.T, RATE, subtype="PCM_16")
    return path


def test_a_file_and_a_pipe_give_the_same_samples(wav):
    samples = soundfile.read(wav, dtype="float32")[0].T
    raw = (samples.T * 32768).astype("<i2").tobytes()
    assert np.array_equal(heard(of_file(wav, 999, 2)), samples)
    assert np.array_equal(heard(of_pipe(io.BytesIO(raw), 999, 2)), samples)
    assert np.array_equal(heard(of_pipe(io.BytesIO(wav.read_bytes()), 999, 2)), samples)


def test_a_recording_of_one_channel_is_heard_as_a_file_a_pipe_and_a_folder(wav, tmp_path):
    near = soundfile.read(wav, dtype="int16")[0][:, 0]
    soundfile.write(tmp_path / "near.wav", near, RATE, subtype="PCM_16")
    samples, raw = near[None].astype(np.float32) / 32768, near.astype("<i2").tobytes()
    for source in (
        of_file(tmp_path / "near.wav", 999, 1),
        of_pipe(io.BytesIO(raw), 999, 1),
        of_pipe(io.BytesIO((tmp_path / "near.wav").read_bytes()), 999, 1),
        of_folder(tmp_path, 4000, 0.1, 1),
    ):
        assert np.array_equal(heard(source), samples)
    with pytest.raises(BadInput, match=r"long.wav: 2 channels, 1 \(near\) expected"):
        heard(of_file(wav, 10, 1))


def test_another_rate_is_resampled_in_pieces_without_edges(tmp_path, monkeypatch):
    path, wave = tmp_path / "x.flac", np.random.default_rng(4).normal(0, 0.1, (3 * 22_050 + 7, 2))
    soundfile.write(path, wave, 22_050)
    whole = resampling.stretch([path], 22_050, len(wave), None, 0, len(wave))
    monkeypatch.setattr(sources, "PIECE", 1)
    assert np.abs(heard(of_file(path, 999, 2)) - whole).max() < 1e-6


def test_a_growing_folder_is_heard_in_order_and_each_file_once(recording, tmp_path, monkeypatch):
    pieces = np.array_split(recording, 3, axis=1)

    def record():
        for i, piece in enumerate(pieces):
            soundfile.write(tmp_path / f"{i:03d}.wav", piece.T, RATE, subtype="FLOAT")
            time.sleep(0.1)

    thread = threading.Thread(target=record)
    thread.start()
    monkeypatch.setattr(sources, "POLL", 0.05)
    assert np.allclose(heard(of_folder(tmp_path, 4000, 0.6, 2)), recording)
    thread.join()


def test_a_file_whose_writer_pauses_is_heard_whole(wav, tmp_path, monkeypatch):
    whole = wav.read_bytes()
    place = tmp_path / "000.wav"

    def record():
        for part in (whole[:6], whole[: len(whole) // 2], whole):
            place.write_bytes(part)
            time.sleep(0.3)

    thread = threading.Thread(target=record)
    thread.start()
    monkeypatch.setattr(sources, "POLL", 0.05)
    assert np.array_equal(heard(of_folder(tmp_path, 4000, 0.6, 2)), soundfile.read(wav, dtype="float32")[0].T)
    thread.join()


def test_a_folder_that_vanishes_or_ends_with_half_a_file_is_refused(wav, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    (tmp_path / "000.wav").write_bytes(wav.read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"000.wav: truncated, 5000 of \d+ bytes.* not grown for 0.1 s"):
        heard(of_folder(tmp_path, 4000, 0.1, 2))
    with pytest.raises(BadInput, match="no longer there"):
        heard(of_folder(tmp_path / "gone", 4000, 0.1, 2))
    monkeypatch.setattr(sources, "wav_paths", lambda folder: [folder / "gone.wav"])
    with pytest.raises(BadInput, match="gone.wav: gone before it was heard"):
        heard(of_folder(tmp_path, 4000, 0.1, 2))


def test_a_pipe_ends_with_its_samples_and_is_heard_in_single_samples(wav):
    bytes_of = wav.read_bytes()
    samples = soundfile.read(wav, dtype="float32")[0].T
    followed = bytes_of + b"LIST" + struct.pack("<I", 40) + bytes(40)
    assert np.array_equal(heard(of_pipe(io.BytesIO(followed), 999, 2)), samples)
    for unknown in (0, 0x7FFFF000, 2**32 - 1):
        endless = bytes_of[:40] + struct.pack("<I", unknown) + bytes_of[44:]
        assert np.array_equal(heard(of_pipe(io.BytesIO(endless), 999, 2)), samples)
    for n_samples in (1, 10):
        raw = (samples.T[:n_samples] * 32768).astype("<i2").tobytes()
        assert np.array_equal(heard(of_pipe(io.BytesIO(raw), 1, 2)), samples[:, :n_samples])


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([b"fmt ", 4, b"abcd"], "format has 4 bytes, 16 expected"),
        ([b"data", 8, b"abcdabcd"], "samples come before their format"),
        ([b"LIST", 4, b"abcd"], "a wav without samples"),
    ],
)
def test_wavs_that_make_no_sense_are_refused(chunks, told):
    name, size, body = chunks
    wav = b"RIFF" + bytes(4) + b"WAVE" + name + struct.pack("<I", size) + body
    with pytest.raises(BadInput, match=told):
        heard(of_pipe(io.BytesIO(wav), 10, 2))


def test_wrong_recordings_are_refused(tmp_path):
    soundfile.write(tmp_path / "mono.wav", np.zeros(100), RATE)
    with pytest.raises(BadInput, match=r"mono.wav: 1 channel, 2 \(near, far\) expected"):
        heard(of_file(tmp_path / "mono.wav", 10, 2))
    with pytest.raises(BadInput, match=r"1 channels, 16000 Hz, 16 bits; 2 \(near, far\), 16000"):
        heard(of_pipe(io.BytesIO((tmp_path / "mono.wav").read_bytes()), 10, 2))
    with pytest.raises(BadInput, match="gone.wav: cannot be read"):
        heard(of_file(tmp_path / "gone.wav", 10, 2))


# ---- listening -------------------------------------------------------------------------------------------------------


def test_after_a_gap_windows_begin_anew_and_are_scored_as_a_recording_of_their_own(fitted, recording):
    cut, lost = 30_000, 7_000
    before, after = recording[:, :cut], recording[:, cut:]
    expected = [(r.end, r.score) for r in readings(fitted[1], before, [cut])]
    expected += [((cut + lost) / RATE + r.end, r.score) for r in readings(fitted[1], after, [after.shape[1]])]
    monitor = Monitor(fitted[1], WINDOW, EVERY)
    found = [*monitor.push(before), *monitor.go_on_after(lost), *monitor.push(after), *monitor.finish()]
    assert [r.end for r in found] == pytest.approx([end for end, _ in expected])
    assert [r.score for r in found] == pytest.approx([score for _, score in expected], rel=1e-5, abs=1e-5)


def test_readings_are_told_although_the_recording_is_interrupted(fitted, recording):
    def interrupted():
        yield recording
        raise KeyboardInterrupt

    told = []
    lines = listening.Lines("csv", told.append, print)
    with pytest.raises(KeyboardInterrupt):
        listening.listen(Monitor(fitted[1], WINDOW, EVERY), interrupted(), Alarm(), [lines])
    assert len(told) == 8


def test_what_a_block_costs_is_told_of_those_that_brought_a_score():
    costs = listening.Costs()
    for readings, seconds in ((0, 0.001), (1, 0.5), (0, 0.001)):
        assert costs.add(RATE, readings, seconds) == seconds
    assert "3.0 s heard, 1 reading (" in costs.summary(False) and "took 500.0 ms in the median" in costs.summary(False)


@pytest.mark.parametrize(
    "words",
    [
        ["--window", "nan"],
        ["--window", "0"],
        ["--every", "nan"],
        ["--every", "-1"],
        ["--block", "inf"],
        ["--block", "0.00001"],
        ["--idle", "nan"],
        ["--margin", "-1"],
        ["--clear", "3"],
    ],
)
def test_numbers_that_make_no_sense_are_refused(words, capsys):
    assert tool("monitor").main(["s1", "fan", "-", *words]) == 2
    assert f"{words[0]} {float(words[1]):g}: " in capsys.readouterr().err


@pytest.fixture(scope="module")
def results(data_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("listened")
    session = opened("baseline_mse", data_folder, folder)
    extract(session)
    write(session, "baseline_mse")
    return folder


def test_the_tool_prints_readings_of_what_the_results_folder_records(results, wav, tmp_path, capsys):
    monitor = tool("monitor")
    call = ["-d", "baseline_mse", "fan", str(wav), "--results", str(results), "--window", "1"]
    assert monitor.main(call) == 0
    printed = capsys.readouterr()
    assert printed.out.count("score") == 4 and "4 readings" in printed.err and "real-time factor" in printed.err
    assert monitor.main([*call, "--every", "4"]) == 0
    again = capsys.readouterr()
    assert again.out.split(" block")[0] == printed.out.split(" block")[0] and "1 reading (" in again.err


def test_csv_and_json_say_the_same(results, wav, capsys):
    call = ["-d", "baseline_mse", "fan", str(wav), "--results", str(results), "--window", "1", "--alarm", "1/1"]
    assert tool("monitor").main([*call, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert tool("monitor").main([*call, "--format", "json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(objects) == 4 and list(rows[0]) == list(objects[0])
    for key in ("end", "score", "threshold", "decision", "alarm", "event"):
        assert [row[key] for row in rows] == [str(o[key]) for o in objects]
    assert [o["alarm"] for o in objects] == [o["decision"] for o in objects]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["baseline_mse", "fan", "--window", "0.05"], "--window 0.05: too short; 800 samples"),
        (
            ["baseline_mse", "fan", "--window", "60"],
            ".wav: 4.3 s heard, a score is of 60.0 s (--window): the recording",
        ),
        (["baseline_mse", "fan", "--alarm", "6/5"], "--alarm 6/5: k/n with 1 <= k <= n"),
        (["baseline_mse", "fan", "--alarm", "often"], "--alarm often: K/N expected"),
        (["baseline_mse", "fan", "--page", "70000"], "--page 70000: a port"),
        (["baseline_mse", "fun"], "did you mean 'fan'"),
        (["s1", "fan"], "s1/run.json: no such file; `python run.py -d|-e s1`"),
        (["-e", "baseline_mse", "fan"], "eval/baseline_mse/run.json: no such file"),
    ],
)
def test_what_cannot_be_listened_to_is_told(words, told, results, wav, capsys):
    assert tool("monitor").main([*words, str(wav), "--results", str(results)]) == 2
    assert told in capsys.readouterr().err


def test_what_the_store_has_lost_is_not_trained_again(results, data_folder, wav, tmp_path, capsys):
    copy = shutil.copytree(results, tmp_path / "copy")
    shutil.rmtree(copy / "store" / "weights")
    assert tool("monitor").main(["baseline_mse", "fan", str(wav), "--results", str(copy)]) == 2
    assert "is not in" in capsys.readouterr().err
