"""Wav headers: what they promise against what is there."""

import struct

import numpy as np
import pytest
from conftest import RATE, write_clip

from asd.errors import BadInput
from asd.monitoring import of_pipe
from asd.wav_files import header, mismatch

N = 4000  # samples of each of two channels
SIZE = 4 * N  # bytes of them


@pytest.fixture
def wav(tmp_path):
    """wav(form=, samples=, cut=, more=) -> a wav whose header promises that, without its last or with further bytes."""

    def written(form=36 + SIZE, samples=SIZE, cut=0, more=b""):
        path = tmp_path / "clip.wav"
        write_clip(path, np.random.default_rng(0).uniform(-0.5, 0.5, (2, N)))
        raw = bytearray(path.read_bytes())
        assert struct.unpack("<I", raw[4:8] or b"")[0] == 36 + SIZE and raw[36:40] == b"data"
        raw[4:8], raw[40:44] = struct.pack("<I", form), struct.pack("<I", samples)
        path.write_bytes(bytes(raw[: len(raw) - cut]) + more)
        return path

    return written


@pytest.mark.parametrize(
    "promises",
    [
        {},
        {"form": 0x7FFFF024, "samples": 0x7FFFF000},  # sox into a pipe
        {"form": 0xFFFFFFFF, "samples": 0xFFFFFFFF},  # ffmpeg into a pipe
        {"form": 0xFFFFFFFF},
        {"form": 0},
        {"form": 44 + 9 + SIZE, "more": b"LIST" + struct.pack("<I", 8) + b"INFOabcd"},  # chunks after the samples
    ],
)
def test_a_whole_wav_is_whole_whatever_its_header_leaves_open(wav, promises):
    path = wav(**promises)
    assert mismatch(path) == "" and header(path).n_samples == N
    with path.open("rb") as pipe:
        assert sum(block.shape[1] for block in of_pipe(pipe, 1000, 2)) == N


@pytest.mark.parametrize(
    ("promises", "told"),
    [
        ({"cut": 1000}, "truncated, 15044 of 16044 bytes"),
        ({"form": 0, "cut": 1000}, "truncated, 15044 of 16044 bytes"),
        ({"form": 0xFFFFFFFF, "cut": 1000}, "truncated, 15044 of 16044 bytes"),
        ({"form": 0xFFFFFFFF, "samples": 0xFFFFFFFF, "cut": 1001}, "ends within a sample, 3 of its 4 bytes"),
        ({"samples": 4000}, "its header tells of 4000 bytes of samples, and 12000 more bytes follow"),
        ({"form": 4036, "samples": 4000}, "its header tells of 4000 bytes of samples, and 12000 more"),
    ],
)
def test_a_wav_that_was_cut_short_is_told_whatever_its_header_says(wav, promises, told):
    assert told in mismatch(wav(**promises))


def test_another_format_under_a_wavs_name_is_refused(tmp_path):
    import soundfile

    path = tmp_path / "clip.wav"
    for form in ("FLAC", "W64", "AIFF"):
        soundfile.write(path, np.zeros((N, 2)), RATE, format=form, subtype="PCM_16")
        with pytest.raises(BadInput, match="begins with .*RIFF expected"):
            header(path)
    soundfile.write(path, np.zeros((N, 2)), RATE, format="RF64", subtype="PCM_16")
    assert header(path).n_samples == N and mismatch(path) == ""
    path.write_bytes(path.read_bytes()[:-1000])
    assert "truncated" in mismatch(path)
