"""The door for text files: what people's editors and spreadsheets write is read, or refused in one sentence."""

import codecs
import re

import pytest
import yaml
from conftest import TOOLS

from asd.errors import BadInput
from asd.importing import read_table
from asd.results import read_long_scores
from asd.submission import check_team, meta
from asd.text_files import given, numbered_rows, read_text
from asd.truth_list import read_truth_list
from asd.yaml_files import read_yaml

READERS = (read_text, numbered_rows, read_yaml, read_truth_list, read_table, read_long_scores)
TEXT = "fan\nsection_00_0000.wav,section_00_source_test_normal_0000_v_ä.wav\n"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf_8_is_read_with_and_without_a_byte_order_mark(tmp_path, mark):
    path = tmp_path / "list.csv"
    path.write_bytes(mark + TEXT.encode())
    assert read_text(path) == TEXT and [*read_truth_list(path)] == ["fan"]
    assert numbered_rows(path)[0] == (1, ["fan"])
    (tmp_path / "x.yaml").write_bytes(mark + b"a: 1\r\n")
    assert read_yaml(tmp_path / "x.yaml") == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("ファン".encode("cp932"), "byte 0 is 0x83"),
        ("a: ä\n".encode("latin-1"), "byte 3 is 0xe4"),
        ("a: 1\n".encode("utf-16"), "UTF-16"),
    ],
)
@pytest.mark.parametrize("read", READERS)
def test_other_encodings_are_refused_in_one_sentence(tmp_path, raw, told, read):
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=rf"file: not UTF-8 text \({told}\); save it as UTF-8") as refused:
        read(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("read", [read_text, numbered_rows, read_yaml])
def test_what_cannot_be_opened_is_told(tmp_path, read):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for path in (tmp_path, tmp_path / "link"):
        with pytest.raises(BadInput, match=f"{path.name}: cannot be read"):
            read(path)


def test_a_cell_as_long_as_a_file_is_no_csv(tmp_path):
    (tmp_path / "x.csv").write_text('"' + "a" * 200_000)
    with pytest.raises(BadInput, match="x.csv: not a CSV .* is a quote left open"):
        numbered_rows(tmp_path / "x.csv")


def test_a_path_may_begin_with_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not [path.name for path in TOOLS.rglob("*.py") if "type=Path" in path.read_text()]  # none of them
    assert given("~/data") == tmp_path / "data" and str(given("~nobody_of_that_name/x"))[0] == "~"


def test_scores_that_a_spreadsheet_has_saved_are_read_and_a_fault_has_its_line(tmp_path):
    path, row = tmp_path / "scores.csv", b"fan,section_00_0000.wav,1.5\r\n"
    path.write_bytes(codecs.BOM_UTF8 + b"machine_type,file_id,anomaly_score\r\n\r\n" + row)
    assert read_long_scores(path) == {"fan": {"section_00_0000.wav": 1.5}}
    path.write_bytes(path.read_bytes() + row)
    with pytest.raises(BadInput, match=r"scores.csv:4: duplicate of section_00_0000.wav"):
        read_long_scores(path)


TEAM = (TOOLS.parent / "submission" / "example" / "team.yaml").read_text()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("firstname: No", ""),  # PyYAML alone would read false, 8 and a date
        ("firstname: 010", ""),
        ("firstname: 2026-05-01", ""),
        ("firstname: Null", "None, expected text (write it in quotes: yaml reads a bare Null as something else)"),
        ("firstname: 1e-3", "0.001, expected text (write it in quotes: yaml reads a bare 1e-3 as something else)"),
        ("corresponding: yes", "authors.0.corresponding: 'yes', expected true or false"),
        ("firstname: A\n    firstname: B", "authors.0.firstname: duplicate key"),
    ],
)
def test_team_yaml_is_read_as_all_yaml_of_the_kit_and_passed_on_as_it_is_meant(written, told):
    key = written.partition(":")[0]
    text = re.sub(rf"\b{key}: .*", written, TEAM, count=1)
    team, problems = check_team(text.encode(), "team.yaml", ["s1", "s2", "s3", "s4"])
    assert told in problems[0] if told else problems == []
    if not told:
        name = written.partition(": ")[2]
        assert team["authors"][0]["firstname"] == name
        assert yaml.safe_load(meta.text({"firstname": name})) == {"firstname": name}
