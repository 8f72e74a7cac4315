"""Listening for days: microphones, what is late or missing, the alarm, memory, and the live page in a browser."""

import http.client
import io
import itertools
import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import RATE, tone_in_noise, write_clip

from asd.errors import BadInput
from asd.frontends import Near
from asd.monitoring import Alarm, Board, Entry, Gap, Monitor, Watch, arrivals, board, log, microphones, sources
from asd.monitoring.arrivals import Again, Late, read_ahead
from asd.monitoring.microphones import Intake, of_microphones
from asd.monitoring.page import served
from asd.monitoring.sources import of_folder
from asd.programs import listening
from asd.programs.listening import Lines, listen


@dataclass(frozen=True)
class Member:
    frontend: Near = Near()


@dataclass(frozen=True)
class Loudness:
    """Stands for a fitted system: the mean power of near is the score."""

    members: tuple = (Member(),)
    threshold: float = 0.1

    def __call__(self, wave):
        score = float(np.mean(wave[0] ** 2))
        return SimpleNamespace(score=score, decision=int(score > self.threshold))


def loud(seconds, amplitude):
    return np.full((2, int(seconds * RATE)), amplitude, np.float32)


# ---- the alarm -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "scores", "events"),
    [
        (Alarm(2, 3), "0 2 0 2 0 0 0", ". . . raised . . cleared"),  # two of three; cleared when none of the last three
        (Alarm(2, 3), "2 0 0 2 0 0 2", ". . . . . . ."),  # never two within three
        (Alarm(2, 3, clear=1), "2 2 0 0 2", ". raised . cleared ."),
        (Alarm(1, 1), "2 0 2", "raised cleared raised"),
        (Alarm(1, 1, margin=0.5), "2 0.8 0.4", "raised . cleared"),  # 0.8 is below the threshold, but not by the margin
        (Alarm(1, 1), "nan 1 2", ". . raised"),  # the threshold itself is not over it
    ],
)
def test_the_alarm_is_raised_by_k_of_n_and_cleared_with_hysteresis(rule, scores, events):
    watch = Watch(rule, 1.0)
    assert [watch.event(float(score)) or "." for score in scores.split()] == events.split()


def test_a_line_of_json_has_no_numbers_that_json_lacks():
    entry = Entry("2026-01-01T00:00:00.000+00:00", 1.0, float("nan"), float("inf"), 0, 0, "", 0.5)
    assert json.loads(log.json_line(entry), parse_constant=pytest.fail)["score"] is None


# ---- microphones -----------------------------------------------------------------------------------------------------


class Stream:
    """Stands for sounddevice's: it hands over its blocks from a thread, in memory that it uses again, then stops."""

    blocks: tuple = ()
    overflows: tuple = ()

    def __init__(self, samplerate, blocksize, device, channels, dtype, callback):
        if device == "none":
            raise ValueError("No input device matching 'none'")
        if channels > 2:
            raise PortAudioError("Invalid number of channels")
        assert (samplerate, dtype) == (RATE, "float32")
        self.callback, self.active, self.buffer = callback, True, np.zeros((blocksize, channels), np.float32)

    def __enter__(self):
        self.thread = threading.Thread(target=self.play)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()

    def play(self):
        for i, block in enumerate(self.blocks):
            self.buffer[:] = block
            status = SimpleNamespace(input_overflow=i in self.overflows)
            self.callback(self.buffer, len(block), None, status)
        self.active = False


class PortAudioError(Exception):
    pass


@pytest.fixture
def sounddevice(monkeypatch):
    module = ModuleType("sounddevice")
    inputs = [{"name": "HDMI", "max_input_channels": 0}, {"name": "USB", "max_input_channels": 2}]
    module.InputStream, module.PortAudioError, module.query_devices = Stream, PortAudioError, lambda: inputs
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    monkeypatch.setattr(arrivals, "LATE", 0.05)
    return module


def test_words_are_devices_or_paths_in_one_way(monkeypatch, tmp_path):
    for kind in ("of_microphones", "of_pipe", "of_folder", "of_file"):
        monkeypatch.setattr(sources, kind, lambda what, *_, kind=kind: (kind, what))
    monkeypatch.setattr(sources, "read_ahead", lambda source, n: source)
    expected = {"mic": "", "mic:1": "1", "mic:a: b": "a: b"}
    assert {word: sources.blocks(word, 160, 1, 2)[1] for word in expected} == expected
    assert all(map(sources.is_a_device, [*expected, "-"])) and sources.blocks("-", 160, 1, 2)[0] == "of_pipe"
    for path, kind in {"mic.wav": "of_file", "mic2": "of_file", str(tmp_path): "of_folder"}.items():
        assert not sources.is_a_device(path) and sources.blocks(path, 160, 1, 2) == (kind, Path(path))


@pytest.mark.parametrize("channels", [1, 2])
def test_microphones_are_heard_until_the_card_stops(sounddevice, monkeypatch, channels):
    sent = np.random.default_rng(0).normal(size=(4, 160, channels)).astype(np.float32)
    monkeypatch.setattr(Stream, "blocks", sent)
    monkeypatch.setattr(Stream, "overflows", (2,))
    heard = []
    with pytest.raises(BadInput, match=r"mic:1: the sound card has stopped \(was it unplugged\?\)"):
        for news in of_microphones("1", 160, channels):
            heard.append(news)
    assert [type(news).__name__ for news in heard] == ["ndarray", "ndarray", "Gap", "ndarray", "ndarray"]
    assert str(heard.pop(2)) == "gap: the sound card has lost sound (input overflow)"
    assert np.array_equal(heard, sent.swapaxes(1, 2))


def test_blocks_that_find_no_room_are_counted():
    intake, ok = Intake(Queue(3)), SimpleNamespace(input_overflow=False)
    for _ in range(5):
        intake(np.zeros((100, 2)), 100, None, ok)
    assert intake.dropped == 200
    for _ in range(3):
        intake.waiting.get()
    intake(np.ones((100, 2)), 100, None, ok)
    assert intake.waiting.get() == Gap(200, microphones.SLOW) and intake.waiting.get().shape == (2, 100)


def test_what_no_sound_card_gives_is_told_in_a_sentence(sounddevice, monkeypatch):
    with pytest.raises(BadInput, match=r"mic:none: not opened with 2 .* matching 'none'\); inputs there: 1 'USB' \(2 "):
        next(of_microphones("none", 160, 2))
    with pytest.raises(BadInput, match=r"mic:: not opened with 3 channels at 16000 Hz \(Invalid number of channels\)"):
        next(of_microphones("", 160, 3))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(BadInput, match=r"extra `microphone`: pip install '.\[microphone\]'"):
        next(of_microphones("", 160, 2))


# ---- late and missing ------------------------------------------------------------------------------------------------


def test_a_pipe_that_stalls_is_told_once_and_goes_on(monkeypatch):
    monkeypatch.setattr(arrivals, "LATE", 0.1)

    def sender():
        for pause in (0, 0.5, 0):
            time.sleep(pause)
            yield np.zeros((2, 160))

    news = [type(item) for item in read_ahead(sender(), 160)]
    assert news == [np.ndarray, Late, Again, np.ndarray, np.ndarray]


def test_what_is_wrong_with_a_pipe_is_raised_where_it_is_heard():
    def broken():
        yield np.zeros((2, 160))
        raise BadInput("-: a wav without samples")

    with pytest.raises(BadInput, match="without samples"):
        list(read_ahead(broken(), 160))


def test_files_that_cannot_be_heard_are_left_out_of_a_folder_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    monkeypatch.setattr(sources, "LATE", 0.1)
    for i in range(4):
        write_clip(tmp_path / f"{i}.wav", tone_in_noise(np.random.default_rng(i), 400, 0.1))
    whole = (tmp_path / "1.wav").read_bytes()
    (tmp_path / "1.wav").write_bytes(whole[:500])  # its writer has died
    (tmp_path / "2.wav").write_bytes(b"junk" * 100)
    news = list(of_folder(tmp_path, 10_000, 0.5, 2))
    assert [str(n)[:5] if isinstance(n, Gap) else type(n).__name__ for n in news] == [
        "ndarray",
        "gap: ",
        "gap: ",
        "ndarray",
        "Late",
    ]
    assert "1.wav: truncated, 500 of" in str(news[1]) and "a later file has come" in str(news[1])
    assert "2.wav: not readable as sound" in str(news[2])


def test_files_of_other_formats_in_a_folder_and_how_it_ends_are_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    monkeypatch.setattr(sources, "LATE", 0.1)
    for name in ("a.flac", "b.mp3", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    source = of_folder(tmp_path, 10_000, float("inf"), 2)
    told = f"{tmp_path}/a.flac: not heard, as all files but .wav in a folder (of such recordings: 2)"
    assert str(next(source)) == told
    assert str(next(source)).endswith(" s; if no more will come, --idle SECONDS ends a folder")
    assert [str(news) for news in of_folder(tmp_path, 10_000, 0.05, 2)] == [told]


def test_a_file_that_comes_too_late_is_heard_after_a_gap(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    for name in ("2.wav", "1.wav"):
        write_clip(tmp_path / "hidden" / name, tone_in_noise(np.random.default_rng(0), 400, 0.1))
    source = of_folder(tmp_path, 10_000, 0.3, 2)
    (tmp_path / "hidden" / "2.wav").rename(tmp_path / "2.wav")
    assert next(source).shape == (2, 1600)
    (tmp_path / "hidden" / "1.wav").rename(tmp_path / "1.wav")
    gap, block = source
    assert "1.wav: came after 2.wav was heard" in str(gap) and block.shape == (2, 1600)


def test_gaps_are_told_and_windows_begin_anew():
    notes, lines = [], []
    source = [loud(1.5, 0.5), Late(5.0), Again(7.0), Gap(RATE, "lost"), loud(1.5, 0.1)]
    listen(Monitor(Loudness(), RATE, RATE), source, Alarm(1, 1), [Lines("csv", lines.append, notes.append)])
    found = [line.split(",") for line in lines[1:]]
    assert [(float(f[1]), round(float(f[2]), 3), f[6]) for f in found] == [(1, 0.25, "raised"), (3.5, 0.01, "cleared")]
    assert notes[:3] == [
        "1.5 s  late: no sound for 5.0 s",
        "1.5 s  sound again after 7.0 s",
        "2.5 s  gap: lost; 1.00 s are missing",
    ]


@pytest.mark.parametrize("source", [[], [loud(0.5, 1)], [loud(0.9, 1), Gap(0, "lost"), loud(0.9, 1)]])
def test_a_recording_too_short_for_a_score_is_told_in_a_sentence(source):
    told = (
        "x.wav: nothing heard"
        if not source
        else r"^x.wav: .* s heard, a score is of 1.0 s \(--window\): the recording, or each piece"
    )
    with pytest.raises(BadInput, match=told):
        listen(Monitor(Loudness(), RATE, RATE), source, Alarm(), [Lines("text", print, print)], "x.wav")


def test_what_is_kept_has_a_fixed_size(monkeypatch):
    for module, ring in ((board, "READINGS"), (board, "LEVELS"), (board, "NOTES"), (listening, "COSTS")):
        monkeypatch.setattr(module, ring, 10)
    shown, monitor, costs = Board("fan", Alarm()), Monitor(Loudness(), 2000, 2000), listening.Costs()
    monkeypatch.setattr(listening, "Costs", lambda: costs)
    listen(monitor, [loud(0.1, 0.2), Late(6.0)] * 100, Alarm(), [shown])
    state = shown.state()
    assert [len(state[ring]) for ring in ("readings", "levels", "notes")] == [10, 10, 10]
    assert len(costs.last) == 10 and costs.heard == pytest.approx(10) and monitor._wave.shape[1] <= 2000


# ---- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled():
    """A board after 40 s: quiet, then 15 s loud, then quiet."""
    shown = Board("s1 · <b>fan</b>", Alarm())
    monitor = Monitor(Loudness(), 2 * RATE, RATE)
    monitor.shown = shown.shown
    rng = np.random.default_rng(0)
    parts = [(a, tone_in_noise(rng, 400, s)) for s, a in ((15, 1), (15, 6), (10, 1))]
    blocks = itertools.chain.from_iterable(np.array_split(a * part, part.shape[1] // 1600, axis=1) for a, part in parts)
    source = [Gap(0, "a <script> in a name"), *(block.astype(np.float32) for block in blocks)]
    listen(monitor, source, Alarm(), [shown])
    return shown


def asked(url, path, host=None):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_board_shows_levels_readings_pictures_and_the_last_alarm(filled):
    state = json.loads(json.dumps(filled.state(), allow_nan=False))
    assert len(state["readings"]) == 39 and len(state["levels"]) == 400
    assert state["levels"][0][1:] == pytest.approx([-22.4, -26], abs=0.5)  # of tone_in_noise: near, far
    assert state["alarm"]["end"] == 18.0 and state["last"]["event"] == "" and state["last"]["alarm"] == 0
    assert state["pictures"]["near"] == state["pictures"]["denoised"]  # the front-end is Near
    sound, rate = soundfile.read(io.BytesIO(filled.alarm_sound()))
    assert (len(sound), rate) == (2 * RATE, RATE) and np.mean(sound**2) > Loudness.threshold


def test_a_picture_has_its_loudest_band_where_the_tone_is():
    wave = tone_in_noise(np.random.default_rng(0), 2000, 10).astype(np.float32)
    image = board.picture(Near()(wave)[0])
    assert image.shape == (board.COLUMNS, board.BANDS)
    share = (15 + 27 * np.log(2) / np.log(6.4)) / 45.25  # of Slaney's mels up to 8 kHz that are below 2 kHz
    assert image.mean(axis=0).argmax() == pytest.approx(board.BANDS * share, abs=1)


def test_the_page_answers_this_machine_alone(filled):
    with served(filled, 0) as url:
        assert url.startswith("http://127.0.0.1:")
        assert asked(url, "/")[1].startswith(b"<!DOCTYPE html>") and asked(url, "/alarm.wav?of=x")[1][:4] == b"RIFF"
        assert json.loads(asked(url, "/state.json")[1])["title"] == "s1 · <b>fan</b>"
        assert [asked(url, path)[0] for path in ("/x", "/../board.py", "//etc/passwd", "/state.json/")] == [404] * 4
        assert [asked(url, "/", host)[0] for host in ("evil.example:80", "evil.example")] == [403] * 2
        assert [asked(url, "/", host)[0] for host in ("localhost", "127.0.0.1")] == [200] * 2  # as of port 80
        with pytest.raises(BadInput, match=r"--page \d+: Address already in use; another port expected"):
            served(filled, int(url.split(":")[2].strip("/"))).__enter__()
    with served(Board("s1", Alarm()), 0) as url:
        assert asked(url, "/alarm.wav")[0] == 404 and json.loads(asked(url, "/state.json")[1])["readings"] == []


def test_a_fault_of_the_page_is_told_and_a_browser_that_goes_away_is_not(capsys):
    shown = Board("s1", Alarm())
    with served(shown, 0) as url:
        for fault in (BrokenPipeError("gone"), ConnectionResetError("gone"), KeyError("a fault")):
            shown.state = partial(raised, fault)
            with pytest.raises(http.client.RemoteDisconnected):
                asked(url, "/state.json")
            assert ("a fault" in capsys.readouterr().err) == isinstance(fault, KeyError)


def raised(error):
    raise error


def test_the_page_loads_nothing_from_elsewhere():
    from asd.monitoring.page import HTML

    assert "http" not in HTML.read_text().replace("http://www.w3.org/2000/svg", "")


def test_the_page_in_a_browser(filled, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("NO CHROMIUM: the live page was not opened in a browser")
    line = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    line += ["--window-size=500,900", "--virtual-time-budget=2500", "--dump-dom"]
    with served(filled, 0) as url:
        dumped = subprocess.run([*line, url], capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>normal – s1 · &lt;b&gt;fan&lt;/b&gt;</title>" in dumped
    assert dumped.count("<path ") == 4 and dumped.count('class="on"') == 1  # score, threshold, near, far; one alarm
    assert 'canvas id="near" width="63"' in dumped or 'id="near" width="63" height="64"' in dumped
    assert "raised at 00:18 of the recording" in dumped and 'src="/alarm.wav?of=2' in dumped
    assert "a &lt;script&gt; in a name" in dumped
