"""Fuzz: whatever comes through a door is taken or refused in words, never a traceback.

A few examples a door in the suite; `FUZZ=10000 .venv/bin/pytest tests/test_fuzz.py` tries so many of each.
"""

import io
import os
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, write_clip

pytest.importorskip("hypothesis", reason="HYPOTHESIS ABSENT: no door was fuzzed; pip install hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import systems
from asd import data
from asd.clips import ANONYMOUS
from asd.data.tables import attribute_warnings
from asd.errors import BadInput, printable
from asd.importing import read_table
from asd.monitoring import of_pipe
from asd.programs.request import wanted_seeds
from asd.results import read_long_scores
from asd.score_files import DECISION, SCORE, parse, read_rows, score_text
from asd.settings import assignment, leaves, resolve
from asd.submission import check_files, check_team, read_archive
from asd.submission.layout import Expected
from asd.submission.meta import check
from asd.truth_list import read_truth_list
from asd.yaml_files import read_yaml

EXAMPLES = int(os.environ.get("FUZZ", "20"))
ROOT = Path(__file__).resolve().parent.parent
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def refused(error, *names):
    """Whether an error is a sentence for a person that names what it is about."""
    told = str(error)
    shown = all(line == printable(line) for line in told.split("\n"))
    return bool(told.strip()) and shown and "Traceback" not in told and all(n in told for n in names)


def taken(read, *names):
    """What `read()` returns, or None where it refuses in words."""
    try:
        return read()
    except BadInput as error:
        assert refused(error, *names)
        return None


@st.composite
def spoilt(draw, whole):
    """Bytes of a good file with some replaced, cut out, doubled or put in."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        upto = at + draw(st.integers(0, 8))
        raw[at:upto] = draw(st.one_of(st.binary(max_size=8), st.just(bytes(raw[:at])[-8:])))
    return bytes(raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw)


def pieces(*words):
    """Text of the format's own words and of anything, as bytes in one encoding or another."""
    text = st.lists(st.one_of(st.sampled_from(words), st.text(max_size=6)), max_size=12).map("".join)
    codecs = st.sampled_from(["utf-8", "utf-8-sig", "cp932", "latin-1", "utf-16"])
    return st.tuples(text, codecs).map(lambda pair: pair[0].encode(pair[1], errors="ignore"))


# ---- sound -----------------------------------------------------------------------------------------------------------


def good_wav():
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-0.5, 0.5, (200, 2)), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


@fuzz
@given(raw=st.one_of(spoilt(good_wav()), st.binary(max_size=64).map(lambda raw: b"RIFF" + raw), st.binary(max_size=64)))
def test_wavs(raw, tmp_path):
    path = tmp_path / "section_00_source_train_normal_0000_x.wav"
    path.write_bytes(raw)
    info, problems = data.inspect_clip(path, "fan", "train")
    assert all(refused(BadInput(problem), path.name) for problem in problems) and (info or problems)
    if not problems:
        wave = taken(lambda: data.read_wave(info.clip), path.name)
        assert wave is None or wave.shape == (info.channels, info.n_samples)
    taken(lambda: sum(block.size for block in of_pipe(io.BytesIO(raw), 64, 2)), "-:")


# ---- names -----------------------------------------------------------------------------------------------------------

STEM = "section_00_source_train_normal_0000_"
LETTERS = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), max_size=60)
NAMES = st.one_of(
    st.one_of(LETTERS.map(lambda t: f"{STEM}{t}.wav"), LETTERS.map(lambda t: f"{t}.wav"), LETTERS).map(os.fsencode),
    st.binary(max_size=20).map(lambda raw: STEM.encode() + raw + b".wav"),
).filter(lambda raw: 0 < len(raw) < 250 and not {*b"/\0"} & {*raw} and raw not in (b".", b".."))


@fuzz
@given(raw=NAMES)
def test_names(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fan")
    write_clip(folder / "train" / "x.wav", np.zeros((1, 160)))
    name = os.fsdecode(raw)
    (folder / "train" / "x.wav").rename(folder / "train" / name)
    found = data.survey(folder, ("train",))
    assert all(refused(BadInput(problem)) for problem in (*found.problems, *found.warnings))
    if not found.problems:  # then a score file can hold it
        assert parse(score_text(Path("x.csv"), {name: 1.0}).encode(), SCORE, "x.csv") == ({name: 1.0}, [])
        assert not ANONYMOUS.fullmatch(name)


# ---- tables ----------------------------------------------------------------------------------------------------------

CELLS = (",", "\n", "\r\n", "\r", '"', "0", "1", "1e999", "nan", "fan", "section_00_0000.wav", f"{STEM}a_1.wav", "\0")
TABLE = pieces(*CELLS)
READERS = (
    read_truth_list,
    read_table,
    read_long_scores,
    partial(read_rows, kind=SCORE),
    partial(read_rows, kind=DECISION),
)


@fuzz
@given(raw=TABLE)
def test_tables(raw, tmp_path):
    path = tmp_path / "table.csv"
    header = b"machine_type,file_id,anomaly_score\n"
    for content in (raw, header + raw):
        path.write_bytes(content)
        for read in READERS:
            taken(lambda read=read: read(path), "table.csv")


@fuzz
@given(raw=TABLE)
def test_attribute_tables(raw, tmp_path):
    (tmp_path / "attributes_00.csv").write_bytes(b"file_name,d1p,d1v\n" + raw)
    told = attribute_warnings(tmp_path, {"train": {f"{STEM}a_1.wav"}})
    assert len(told) <= 1 and all(refused(BadInput(text), "attributes_00.csv") for text in told)


# ---- numbers ---------------------------------------------------------------------------------------------------------

RECIPE = systems.load("baseline_mse")
KEYS = [*leaves(RECIPE), "detector", "frontend", "detector.training", "seeds", "x"]
WORDS = ("", "0", "-1", "010", "1e3", "1e999", "nan", "on", "null", "0,0", "[1]", "Near", "{a: 1}", "!!int x")
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.integers(-3, 10**20).map(str))


@fuzz
@given(
    key=st.one_of(st.sampled_from(KEYS), st.text(max_size=12)), value=VALUES, between=st.sampled_from(["=", "", "=="])
)
def test_assignments(key, value, between):
    taken(lambda: resolve(RECIPE, assignment(f"{key}{between}{value}"), "--set"), "--set")
    taken(lambda: wanted_seeds(value), "--seeds")


MARKS = [
    ": ",
    "- ",
    "\n",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "!!binary ",
    "? ",
    "'",
    '"',
    "#",
    "%",
]
YAML = pieces(
    *(key.rpartition(".")[2] for key in KEYS), *MARKS, "---", "010", "1:30", "2026-02-30", "~", "\t", ">", "|"
)


@fuzz
@given(raw=YAML)
def test_yaml(raw, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(raw)
    found = taken(lambda: read_yaml(path), "x.yaml")
    if found:
        taken(lambda: resolve(RECIPE, found, "x.yaml"), "x.yaml")


# ---- packages --------------------------------------------------------------------------------------------------------

TEAM = (ROOT / "submission" / "example" / "team.yaml").read_bytes()


@fuzz
@given(raw=st.one_of(spoilt(TEAM), YAML.map(lambda raw: TEAM + raw), YAML))
def test_team_and_meta_yaml(raw):
    team = check_team(raw, "team.yaml", systems.names())
    for value, problems in (team, check(raw, "team.yaml", "A_B_task2_1", ["fan"])):
        assert all(refused(BadInput(problem), "team.yaml") for problem in problems) and (value or problems)


def good_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("task2/A_B_task2_1.technical_report.pdf", b"%PDF-1.4")
        archive.writestr("task2/A_B_task2_1/A_B_task2_1.meta.yaml", TEAM)
        archive.writestr("task2/A_B_task2_1/anomaly_score_fan_section_00_test.csv", "section_00_0000.wav,1.0\n")
    return file.getvalue()


@fuzz
@given(raw=spoilt(good_zip()))
def test_zips(raw, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(raw)
    read = taken(lambda: read_archive(path), "x.zip")
    if read:
        files, defects = read
        found = check_files(files, Expected(clips={"fan": frozenset({"section_00_0000.wav"})})).defects
        assert all(refused(BadInput(defect)) for defect in (*defects, *found))


def test_a_zip_whose_entry_has_no_name_is_told(tmp_path):
    """What the fuzz has found: zipfile's own `is_dir` fails on it."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"x")
    assert read_archive(tmp_path / "x.zip") == ({}, ["x.zip: : an entry without a name"])
