"""The door for sound that is no clip of a data set, and that for NumPy's files: whole files, or one sentence."""

import os
import resource

import numpy as np
import pytest
import soundfile
from conftest import RATE, tool

from asd import sound_files
from asd.array_files import read_numpy
from asd.errors import BadInput
from asd.frontends.distillation.audiosep import read_text_embedding
from asd.frontends.distillation.reference import read_reference
from asd.importing.cutting import header
from asd.programs.loading import wave_of
from asd.programs.mimii import write_clip as write_pair
from asd.resampling import stretch
from asd.separation.recordings import read_mono
from asd.separation.rooms import read_arrays, read_response
from asd.sound_files import read_sound, sound_blocks, sound_bytes, write_sound

WAVE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, RATE)).astype(np.float32)
READERS = {
    "samples": read_sound,
    "blocks": lambda path: list(sound_blocks(path, 4000)),
    "recording to score": lambda path: wave_of(path, 2),
    "reference clip": read_reference,
    "noise": read_mono,
    "impulse response": read_response,
    "recording to import": lambda path: header([path], None),
    "MIMII": lambda path: write_pair(path, {(0, 1): path.with_name("pair.wav")}),
}
CUT = {
    "a wav cut short": ("WAV", "PCM_16"),
    "a FLAC cut short": ("FLAC", "PCM_16"),
    "an AIFF cut short": ("AIFF", "PCM_16"),
    "an AU cut short": ("AU", "PCM_16"),
    "a W64 cut short": ("W64", "PCM_16"),
    "an MP3 cut short": ("MP3", "MPEG_LAYER_III"),
}


def spoilt(path, how):
    """A file of which something is wrong."""
    if how == "absent":
        return path
    if how == "a folder":
        path.mkdir()
        return path
    if how == "not finite":
        path.write_bytes(sound_bytes(WAVE.T * np.nan, RATE, "WAV", "FLOAT"))
    elif form := CUT.get(how):
        content = sound_bytes(WAVE.T, RATE, *form)
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes({"text": b"speed,load\n1,2\n", "empty": b""}[how])
    return path


LATER = {("recording to import", f"{form} cut short") for form in ("a FLAC", "an MP3")}  # told when it is cut
SPOILT = ("absent", "a folder", "text", "empty", *CUT)


@pytest.mark.parametrize(("kind", "how"), [(k, how) for k in READERS for how in SPOILT if (k, how) not in LATER])
def test_what_is_no_whole_sound_is_told_with_its_path(kind, how, tmp_path):
    with pytest.raises(BadInput, match=r"x\.wav: ") as refused:
        READERS[kind](spoilt(tmp_path / "x.wav", how))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("form", "at", "unknown"), [("AIFF", 4, "7f000024"), ("AU", 8, "ffffffff"), ("W64", 16, "ff" * 8)]
)
def test_a_length_that_a_header_leaves_open_is_no_cut(form, at, unknown, tmp_path):
    content = bytearray(sound_bytes(WAVE.T, RATE, form))
    content[at : at + len(unknown) // 2] = bytes.fromhex(unknown)
    (tmp_path / "x.wav").write_bytes(content)
    assert len(read_sound(tmp_path / "x.wav")[0]) == RATE


def test_blocks_are_of_what_was_read_and_an_mp3_of_estimated_length_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "x.mp3"
    path.write_bytes(sound_bytes(WAVE.T, RATE, "MP3", "MPEG_LAYER_III"))
    assert sum(block.shape[1] for block in sound_blocks(path, 4000)) == RATE == wave_of(path, 2).shape[1]
    path.write_bytes(path.read_bytes()[:-300])
    monkeypatch.setattr(sound_files, "ESTIMATED", {"MP3": 0.5})
    there = len(read_sound(path)[0])
    assert 0.5 * RATE < there < RATE and sum(block.shape[1] for block in sound_blocks(path, 4000)) == there


@pytest.mark.parametrize("form", ["WAV", "MP3"])
def test_files_are_opened_by_names_of_any_bytes(form, tmp_path, monkeypatch):
    path = tmp_path / os.fsdecode(b"\xff.wav")
    path.write_bytes(sound_bytes(WAVE.T, RATE, form, None))
    names, opened = [], soundfile.SoundFile
    monkeypatch.setattr(soundfile, "SoundFile", lambda name: names.append(name) or opened(name))
    assert read_sound(path)[0].shape == (RATE, 2) and set(names) == {os.fsencode(path)}


def test_files_beside_each_other_end_with_the_shorter_and_none_begins_after_its_end(tmp_path, monkeypatch):
    near, far = tmp_path / "near.mp3", tmp_path / "far.mp3"
    near.write_bytes(sound_bytes(WAVE[0], RATE, "MP3", "MPEG_LAYER_III"))
    far.write_bytes(near.read_bytes()[:-300])
    with pytest.raises(BadInput, match=r"far\.mp3: ends after \d+ of 16000 samples"):
        stretch([near, far], RATE, RATE, None, 0, RATE)
    monkeypatch.setattr(sound_files, "ESTIMATED", {"MP3": 0.5})
    there = len(read_sound(far)[0])
    assert stretch([near, far], RATE, RATE, None, 0, RATE).shape == (2, there)
    with pytest.raises(BadInput, match="no samples from 15990 of 16000 on"):
        stretch([far], RATE, RATE, None, 15_990, RATE)
    with pytest.raises(ValueError, match="a multiple of 441 expected"):
        stretch([near], 44_100, RATE, None, 100, RATE)


def test_samples_that_are_no_numbers_are_told(tmp_path):
    with pytest.raises(BadInput, match=r"x\.wav: sample 0 is not a finite number"):
        read_sound(spoilt(tmp_path / "x.wav", "not finite"))


def test_a_stretch_of_samples_is_as_in_the_file(tmp_path):
    write_sound(tmp_path / "x.wav", WAVE.T, RATE)
    whole, rate = soundfile.read(tmp_path / "x.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(read_sound(tmp_path / "x.wav", first=100, last=300)[0], whole[100:300])
    np.testing.assert_array_equal(np.concatenate([*sound_blocks(tmp_path / "x.wav", 4000)], axis=1).T, whole)
    soundfile.write(tmp_path / "y.wav", WAVE.T, RATE, subtype="PCM_16")
    assert (tmp_path / "x.wav").read_bytes() == (tmp_path / "y.wav").read_bytes()


@pytest.fixture
def no_room():
    """A limit on the size of files stands for a full disk: writing ends with OSError within a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_with_the_path_and_leaves_nothing(no_room, tmp_path):
    with pytest.raises(OSError) as full:
        write_sound(tmp_path / "x.wav", WAVE.T, RATE)
    assert full.value.filename == str(tmp_path / "x.wav") and not [*tmp_path.iterdir()]


def test_tools_that_write_clips_tell_a_full_disk_and_leave_no_machine(no_room, tmp_path, capsys):
    for i in range(3):
        path = tmp_path / "recordings" / "fan" / "normal" / f"{i}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound_bytes(np.zeros(RATE), RATE, "FLAC"))
    for words in (["simulate", str(tmp_path / "out"), "--size", "tiny", "--machines", "fan"], IMPORT):
        name, *rest = [word.format(tmp_path) for word in words]
        assert tool(name).main(rest) == 2
        told = capsys.readouterr().err
        assert "File too large" in told and ".wav: " in told and "Traceback" not in told
    assert not [*tmp_path.rglob("*.wav")] and not [*tmp_path.rglob("raw/*")]


IMPORT = ["import_data", "{}/recordings", "{}/out"]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
@pytest.mark.parametrize("read", [read_text_embedding, read_arrays, lambda path: read_numpy(path, "numbers")])
def test_what_is_no_numpy_file_is_told_with_its_path(read, content, tmp_path):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.npy: not readable as NumPy's .* expected"):
        read(tmp_path / "x.npy")


def test_an_array_where_several_are_expected_and_the_other_way_round(tmp_path):
    np.save(tmp_path / "one.npy", WAVE)
    np.savez(tmp_path / "two.npz", a=WAVE, b=WAVE)
    assert read_numpy(tmp_path / "two.npz", "")["b"].shape == WAVE.shape
    with pytest.raises(BadInput, match=r"one\.npy: a \.npy of one array"):
        read_arrays(tmp_path / "one.npy")
    with pytest.raises(BadInput, match=r"two\.npz: an \.npz or no numbers"):
        read_text_embedding(tmp_path / "two.npz")
