"""The door for sound that is no clip of a data set, and that for NumPy's files: whole files, or one sentence."""

import resource

import numpy as np
import pytest
import soundfile
from conftest import RATE, tool, write_clip

from asd.array_files import read_numpy
from asd.errors import BadInput
from asd.frontends.distillation.audiosep import read_text_embedding
from asd.frontends.distillation.reference import read_reference
from asd.importing.cutting import header
from asd.programs.mimii import write_clip as write_pair
from asd.separation.recordings import read_mono
from asd.separation.rooms import read_arrays, read_response
from asd.sound_files import read_sound, sound_blocks, sound_bytes, write_sound

WAVE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, RATE)).astype(np.float32)
READERS = {
    "samples": read_sound,
    "blocks": lambda path: list(sound_blocks(path, 4000)),
    "reference clip": read_reference,
    "noise": read_mono,
    "impulse response": read_response,
    "recording to import": lambda path: header([path], None),
    "MIMII": lambda path: write_pair(path, {(0, 1): path.with_name("pair.wav")}),
}


def spoilt(path, how):
    """A file of which something is wrong."""
    if how == "absent":
        return path
    if how == "a folder":
        path.mkdir()
        return path
    if how in ("not finite", "a FLAC cut short"):
        form = ("WAV", "FLOAT") if how == "not finite" else ("FLAC", "PCM_16")
        path.write_bytes(sound_bytes(WAVE.T if how != "not finite" else WAVE.T * np.nan, RATE, *form))
    else:
        write_clip(path, WAVE)
    content = path.read_bytes()
    path.write_bytes(
        {
            "text": b"speed,load\n1,2\n",
            "empty": b"",
            "cut short": content[:-1000],
            "a FLAC cut short": content[: len(content) // 2],
        }.get(how, content)
    )
    return path


LATER = {("recording to import", "a FLAC cut short"), ("blocks", "cut short")}  # told when it is cut, or was before
SPOILT = ("absent", "a folder", "text", "empty", "cut short", "a FLAC cut short")


@pytest.mark.parametrize(("kind", "how"), [(k, how) for k in READERS for how in SPOILT if (k, how) not in LATER])
def test_what_is_no_whole_sound_is_told_with_its_path(kind, how, tmp_path):
    with pytest.raises(BadInput, match=r"x\.wav: ") as refused:
        READERS[kind](spoilt(tmp_path / "x.wav", how))
    assert "\n" not in str(refused.value)


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
