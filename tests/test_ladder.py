"""The noise-aware report's tables, from a small finished results folder."""

import shutil

import numpy as np
import pytest
from conftest import tool
from test_session import opened, worked

from asd import evaluation
from asd.programs.ladder import transfer_of_evaluation
from asd.results import read_run
from asd.score_files import read_rows

SCORES = "anomaly_score_fan_section_00_test.csv"


@pytest.fixture(scope="module")
def results(data_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder")
    worked(opened(["ae", "adasub", "cohgate", "s1", "s3"], "dev", data_folder, folder, machines=["fan"]))
    return folder


def omega_of(path):
    scores = read_rows(path)
    return evaluation.omega(evaluation.terms_of("fan", scores, evaluation.truth_of_names(scores)))


def cells(printed, first):
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("|")
    ]
    return [row for row in rows if row[0] == first]


def test_the_ladder_shows_seeds_ensemble_paired_differences_and_the_published(results, capsys):
    assert tool("ladder").main([str(results)]) == 0
    printed = capsys.readouterr().out
    folders = {name: results / "dev" / name for name in ("ae", "adasub", "s1", "cohgate", "s3")}
    seeds = {
        n: np.array([omega_of(f / "seeds" / s / SCORES) for s in ("0", "1")]) for n, f in folders.items() if n != "s3"
    }
    adasub = cells(printed, "adasub")[0]
    assert adasub[1] == f"{seeds['adasub'].mean():.4f} ± {seeds['adasub'].std(ddof=1):.4f}"
    assert adasub[2] == f"{omega_of(folders['adasub'] / SCORES):.4f}"
    assert "challenge's development clips; these are others" in printed
    assert adasub[6:8] == ["refsub", "-"]  # refsub was not run
    assert adasub[9:] == ["0.6370 ± 0.0062", "0.6470", "0.7396, 0.6456, 0.5995"]
    paired = seeds["s1"] - seeds["adasub"]
    beyond = f"{np.sum(paired >= 0.022)} up, {np.sum(paired <= -0.022)} down of 2"
    assert cells(printed, "s1")[0][6:9] == ["adasub", f"{paired.mean():+.4f} ± {paired.std(ddof=1):.4f}", beyond]
    scores = read_rows(folders["s1"] / SCORES)
    terms = evaluation.terms_of("fan", scores, evaluation.truth_of_names(scores))
    assert cells(printed, "s1")[0][3:6] == [f"{term:.4f}" for term in terms]
    assert cells(printed, "published s1")[0][1:] == ["0.626", "0.6544 (7 machines)"]
    best = max(omega_of(folders[name] / SCORES) for name in ("adasub", "cohgate"))
    assert cells(printed, "label oracle")[0][2] == f"{best:.4f}"


def test_the_combo_has_a_figure_a_seed_from_both_its_members(results):
    ladder = tool("ladder")
    run = ladder.runs_in(results, ladder.PUBLISHED, None)["s3"]
    scores = [read_rows(results / "dev" / "s3" / "seeds" / f"{s}-1" / SCORES) for s in ("adasub", "cohgate")]
    both = {clip: (scores[0][clip] + scores[1][clip]) / 2 for clip in scores[0]}
    truth = evaluation.truth_of_names(both)
    terms = evaluation.evaluate("fan", both, dict.fromkeys(both, 0), truth).terms
    assert set(run.seeds) == {"0", "1"} and run.seeds["1"] == pytest.approx(evaluation.omega(terms))


def test_the_figure_shows_every_seed_of_what_was_run(results, tmp_path):
    ladder = tool("ladder")
    assert ladder.main([str(results), "--figure", str(tmp_path / "seeds.svg")]) == 0
    drawn = (tmp_path / "seeds.svg").read_text()
    assert drawn.count("<use") >= 3 * 2 and drawn.startswith("<?xml")


def test_the_transfer_of_evaluation_machines_stands_beside_the_reports_range(results, tmp_path):
    folder = shutil.copytree(results / "dev" / "adasub", tmp_path / "eval" / "adasub")
    rows = transfer_of_evaluation(tmp_path)
    expected = read_run(folder)["fan"]["frontend_medians"]["transfer"]
    assert rows[1:] == [["fan", f"{expected:.2f}", "0.74 to 2.08"]] and not transfer_of_evaluation(results)[1:]


def test_the_ladder_of_no_results_says_what_to_run(tmp_path, capsys):
    assert tool("ladder").main([str(tmp_path)]) == 2
    assert "run `python run.py -d ae refsub" in capsys.readouterr().err


def test_the_tables_are_of_machines_that_all_systems_have(results, tmp_path, capsys):
    assert tool("ladder").main([str(results), "--machines", "pump"]) == 2
    assert "no scores of pump (there: fan)" in capsys.readouterr().err
    copy = shutil.copytree(results / "dev" / "s1", tmp_path / "dev" / "s1")
    shutil.copytree(copy, tmp_path / "dev" / "ae")
    for path in (tmp_path / "dev" / "ae").rglob("*_fan_*"):
        path.rename(path.with_name(path.name.replace("fan", "pump")))
    assert tool("ladder").main([str(tmp_path)]) == 2
    assert "no machine that all of" in capsys.readouterr().err
