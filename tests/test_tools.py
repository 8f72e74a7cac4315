"""The tables and the forensic look, on a small finished results folder."""

import shutil

import pytest
from conftest import tool
from scipy.stats import rankdata
from test_session import opened, worked

from asd import evaluation
from asd.score_files import read_rows

SCORES = "anomaly_score_fan_section_00_test.csv"


@pytest.fixture(scope="module")
def results(data_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    worked(opened(["ae", "adasub", "cohgate", "s1", "s3"], "dev", data_folder, folder, machines=["fan"]))
    return folder


def omega_of(path):
    scores = read_rows(path)
    truth = evaluation.truth_of_names(scores)
    return evaluation.omega(evaluation.evaluate("fan", scores, dict.fromkeys(scores, 0), truth).terms)


def test_omega_prints_the_table_of_a_folder(results, capsys):
    assert tool("omega").main([str(results / "dev" / "s1")]) == 0
    assert f"{omega_of(results / 'dev' / 's1' / SCORES):.4f}" in capsys.readouterr().out


def test_forensics_find_ranks_and_nothing_in_honest_files(results, tmp_path, capsys):
    assert tool("omega").main([str(results / "dev" / "s1"), "--forensic"]) == 0
    copy = shutil.copytree(results / "dev" / "s1", tmp_path / "s1")
    scores = read_rows(copy / SCORES)
    ranks = rankdata(list(scores.values()))
    (copy / SCORES).write_text("".join(f"{n},{r}\n" for n, r in zip(scores, ranks, strict=True)))
    assert tool("omega").main([str(copy), "--forensic"]) == 2
    assert "rank" in capsys.readouterr().out


def test_omega_needs_no_data_folder_and_says_so(results, capsys):
    assert tool("omega").main([str(results / "dev" / "s1"), "--data", "data/mine"]) == 2
    assert "evaluate.py RESULTS --ground-truth data/mine" in capsys.readouterr().err


def test_omega_names_what_is_missing(results, tmp_path, capsys):
    copy = shutil.copytree(results / "dev" / "s1", tmp_path / "s1")
    (copy / "decision_result_fan_section_00_test.csv").unlink()
    assert tool("omega").main([str(copy)]) == 2
    (tmp_path / "empty").mkdir()
    assert tool("omega").main([str(tmp_path / "empty")]) == 2
    told = capsys.readouterr().err
    assert "decision_result_fan_section_00_test.csv: no such file" in told and "results/dev/<system>" in told
