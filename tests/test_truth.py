"""The truth in its three published forms, joined by name; and the official score."""

import csv
import shutil

import numpy as np
import pytest
from conftest import tool
from scipy.stats import hmean
from sklearn.metrics import roc_auc_score

from asd import evaluation
from asd.errors import BadInput
from asd.evaluation import Truth, read_truth
from asd.score_files import decision_text, file_name, score_text

RNG = np.random.default_rng(5)
MACHINES = ("Sander", "ToyDrone")
TELLING = {
    f"section_00_{i:04d}.wav": f"section_00_{d}_test_{c}_{i:04d}_noAttribute.wav"
    for i, (d, c) in enumerate([(d, c) for d in ("source", "target") for c in ("normal", "anomaly")] * 10)
}
TRUTH = {name: Truth(told.split("_")[2], "anomaly" in told) for name, told in TELLING.items()}


def write_list(path):
    rows = [row for m in MACHINES for row in ([m], *([n, told] for n, told in TELLING.items()))]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_evaluator(folder):
    for machine in MACHINES:
        name = f"ground_truth_{machine}_section_00_test.csv"
        for kind, bit in (("data", lambda t: t.is_anomaly), ("domain", lambda t: t.domain == "target")):
            path = folder / f"ground_truth_{kind}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{n},{int(bit(t))}\n" for n, t in TRUTH.items()))
    return folder


@pytest.fixture
def results(tmp_path):
    """results/eval/mine: random scores and decisions of both machines."""
    folder = tmp_path / "eval" / "mine"
    folder.mkdir(parents=True)
    for machine in MACHINES:
        scores = {n: float(RNG.normal(t.is_anomaly)) for n, t in TRUTH.items()}
        path = folder / file_name("anomaly_score", machine)
        path.write_text(score_text(path, scores))
        decisions = {n: int(s > 0.5) for n, s in scores.items()}
        (folder / file_name("decision_result", machine)).write_text(decision_text(decisions))
    return folder


def test_all_forms_tell_the_same(tmp_path):
    expected = dict.fromkeys(MACHINES, TRUTH)
    path = write_list(tmp_path / "eval_data_list_2026.csv")
    assert read_truth(path) == read_truth(tmp_path) == expected
    (tmp_path / "repo" / "datasets").mkdir(parents=True)
    shutil.copy(path, tmp_path / "repo" / "datasets")
    assert read_truth(tmp_path / "repo") == expected
    folder = write_evaluator(tmp_path / "evaluator")
    assert read_truth(folder) == read_truth(folder / "ground_truth_data") == expected


def test_the_simulators_truth_is_read(tmp_path):
    tool("simulate").main(
        [str(tmp_path), "--eval", "--machines", "blower", "--train", "2", "1", "--test", "2", "--seconds", "1"]
    )
    truth = read_truth(tmp_path)["blower"]
    assert truth.keys() == {p.name for p in (tmp_path / "eval_data" / "raw" / "blower" / "test").iterdir()}
    assert sum(t.is_anomaly for t in truth.values()) == 4


def rows_of(path):
    return [line.split(",") for line in path.read_text().splitlines()]


def official_score(folder, truth_folder):
    """As the organisers compute it: files in order, AUCs by domain, harmonic mean of all of them."""
    terms = []
    for machine in MACHINES:
        rows = rows_of(folder / file_name("anomaly_score", machine))
        name = f"ground_truth_{machine}_section_00_test.csv"
        y, domain = (
            np.array([int(r[1]) for r in sorted(rows_of(truth_folder / f"ground_truth_{k}" / name))])
            for k in ("data", "domain")
        )
        score = np.array([float(r[1]) for r in sorted(rows)])
        terms += [roc_auc_score(y[(domain == d) | (y == 1)], score[(domain == d) | (y == 1)]) for d in (0, 1)]
        terms.append(roc_auc_score(y, score, max_fpr=0.1))
    return hmean(np.maximum(terms, np.finfo(float).eps))


def test_omega_is_the_official_score(tmp_path, results, capsys):
    folder = write_evaluator(tmp_path / "evaluator")
    truths = read_truth(folder)
    scores = {m: {} for m in MACHINES}
    for m in MACHINES:
        scores[m] = {n: float(s) for n, s in rows_of(results / file_name("anomaly_score", m))}
    ours = evaluation.omega(t for m in MACHINES for t in evaluation.terms_of(m, scores[m], truths[m]))
    assert abs(ours - official_score(results, folder)) < 1e-9
    assert tool("evaluate").main([str(results), "--ground-truth", str(folder), "--ci", "--draws", "50"]) == 0
    assert f"{ours:.4f}" in capsys.readouterr().out


def test_missing_extra_and_duplicate_clips_are_errors_that_name_them(tmp_path, results, capsys):
    truth, evaluate = write_list(tmp_path / "eval_data_list_2026.csv"), tool("evaluate")
    path = results / file_name("anomaly_score", "Sander")
    text = path.read_text()
    for changed, message in (
        (text.replace("section_00_0003.wav", "section_00_0900.wav"), "1 missing: section_00_0003.wav"),
        (text + "section_00_0900.wav,1\n", "1 extra: section_00_0900.wav"),
        (text + "section_00_0003.wav,1\n", "csv:41: duplicate of section_00_0003.wav"),
    ):
        path.write_text(changed)
        assert evaluate.main([str(results), "--ground-truth", str(truth)]) == 2
        assert message in capsys.readouterr().err
    path.unlink()
    (results / file_name("decision_result", "Sander")).unlink()
    assert evaluate.main([str(results), "--ground-truth", str(truth)]) == 2
    assert "missing: Sander" in capsys.readouterr().err
    assert evaluate.main([str(results), "--ground-truth", str(truth), "--machines", "ToyDrone"]) == 0
    assert evaluate.main([str(results), "--ground-truth", str(truth), "--machines", "Sanders"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no clip in it"),
        ("section_00_0000.wav,section_00_source_test_normal_0000_x_1.wav\n", ":1: .*expected a machine or"),
        ("fan\nsection_00_0000.wav,clip.wav\n", ":2: clip.wav: not a name of the challenge"),
        ("fan\na.wav,section_00_source_test_normal_0000_x_1.wav\nfan\n", ":3: duplicate machine fan"),
        ("fan\n" + "a.wav,section_00_source_test_normal_0000_x_1.wav\n" * 2, ":3: duplicate clip a.wav"),
        ("fan\na,b,c\n", ":2: 'a,b,c', expected"),
    ],
)
def test_a_broken_list_is_refused_at_its_line(tmp_path, text, message):
    path = tmp_path / "eval_data_list_2026.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_truth(path)


def test_a_broken_evaluator_is_refused(tmp_path):
    with pytest.raises(BadInput, match="neither found, one eval_data_list_2026.csv or the evaluator's"):
        read_truth(tmp_path)
    folder = write_evaluator(tmp_path / "evaluator")
    one = folder / "ground_truth_domain" / "ground_truth_Sander_section_00_test.csv"
    text = one.read_text()
    one.write_text(text.replace(",1", ",2", 1))
    with pytest.raises(BadInput, match="expected `<clip>.wav,<0 or 1>`"):
        read_truth(folder)
    one.write_text("\n".join(text.splitlines()[1:]))
    with pytest.raises(BadInput, match="section_00_0000.wav is in only one of"):
        read_truth(folder)
    one.unlink()
    with pytest.raises(BadInput, match="no such file; ground_truth_data/ and ground_truth_domain/ hold the same"):
        read_truth(folder)
