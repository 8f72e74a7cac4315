import numpy as np
import pytest
from conftest import write_machine
from hypothesis import given
from hypothesis import strategies as st

from asd import evaluation
from asd.errors import BadInput
from asd.evaluation import Truth
from asd.results import read_long_scores

NAMES = {
    f"section_00_{d}_test_{c}_{i:04d}_x_1.wav": Truth(d, c == "anomaly")
    for d in ("source", "target")
    for c in ("normal", "anomaly")
    for i in range(5)
}


def scored(rule):
    return {name: float(rule(truth)) for name, truth in NAMES.items()}


def test_omega_of_the_organisers_scores_is_theirs(shared):
    scores = read_long_scores(shared / "fixtures" / "official_baseline_mse_dev_scores.csv")
    results = [
        evaluation.evaluate(m, s, dict.fromkeys(s, 0), evaluation.truth_of_names(s)) for m, s in sorted(scores.items())
    ]
    assert len(results) == 7
    assert round(evaluation.omega(term for r in results for term in r.terms), 4) == 0.5719
    assert evaluation.rows(results)[-1][4] == "0.5719"


def test_perfect_scores_and_decisions_give_one_everywhere():
    perfect = scored(lambda t: t.is_anomaly)
    result = evaluation.evaluate("fan", perfect, {n: int(s) for n, s in perfect.items()}, NAMES)
    assert result.terms == (1, 1, 1) and evaluation.omega(result.terms) == pytest.approx(1)
    assert result.precision == result.recall == result.f1 == (1, 1)


def test_false_alarms_are_the_share_of_a_domains_normal_clips_that_are_called_anomalous():
    decisions = {n: int(t.is_anomaly or t.domain == "target") for n, t in NAMES.items()}
    result = evaluation.evaluate("fan", scored(lambda t: t.is_anomaly), decisions, NAMES)
    assert result.false_alarms == (0, 1) and evaluation.rows([result])[-1][-2:] == ("-", "-")


def test_domain_auc_is_its_own_normals_against_the_anomalies_of_both_domains():
    """Source normals score 2, target normals 0, source anomalies 3, target anomalies 1, by hand."""
    value = {("source", False): 2, ("target", False): 0, ("source", True): 3, ("target", True): 1}
    scores = scored(lambda t: value[t.domain, t.is_anomaly])
    result = evaluation.evaluate("fan", scores, dict.fromkeys(scores, 0), NAMES)
    assert (result.auc_source, result.auc_target) == (0.5, 1.0)


def literal_pauc(scores, anomaly, max_fpr=0.1):
    """Area under the ROC polygon up to max_fpr, then McClish's standardisation."""
    points = [(0.0, 0.0)]
    for t in sorted(set(scores), reverse=True):
        points.append((np.mean(scores[anomaly == 0] >= t), np.mean(scores[anomaly == 1] >= t)))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        if x0 >= max_fpr:
            break
        if x1 > max_fpr:
            y1 = y0 + (y1 - y0) * (max_fpr - x0) / (x1 - x0)
            x1 = max_fpr
        area += (x1 - x0) * (y0 + y1) / 2
    least, most = max_fpr**2 / 2, max_fpr
    return 0.5 * (1 + (area - least) / (most - least))


@given(st.integers(0, 10_000))
def test_auc_and_pauc_equal_a_literal_count(seed):
    rng = np.random.default_rng(seed)
    anomaly = rng.permutation(np.arange(40) % 2)
    scores = np.round(rng.normal(anomaly, 1.0), 1)  # rounding makes ties
    pairs = [(a > n) + 0.5 * (a == n) for a in scores[anomaly == 1] for n in scores[anomaly == 0]]
    assert evaluation.auc(scores, anomaly) == pytest.approx(np.mean(pairs))
    assert evaluation.pauc(scores, anomaly) == pytest.approx(literal_pauc(scores, anomaly))
    assert evaluation.pauc(scores, anomaly) >= 0.4736


def test_a_zero_term_is_clamped_not_divided_by():
    assert evaluation.omega([0.0, 1.0, 1.0]) == pytest.approx(0, abs=1e-12)


def test_order_does_not_matter_but_names_do():
    scores = scored(lambda t: t.is_anomaly)
    backwards = dict(reversed(scores.items()))
    decisions = dict.fromkeys(scores, 0)
    assert evaluation.evaluate("fan", backwards, decisions, NAMES) == evaluation.evaluate(
        "fan", scores, decisions, NAMES
    )
    lost = dict(list(scores.items())[1:])
    with pytest.raises(BadInput, match="fan: anomaly scores: 1 missing: section_00_source_test_normal_0000"):
        evaluation.evaluate("fan", lost, decisions, NAMES)
    with pytest.raises(BadInput, match="1 extra: invented.wav"):
        evaluation.evaluate("fan", {**scores, "invented.wav": 1.0}, decisions, NAMES)
    with pytest.raises(BadInput, match="1 duplicate: a"):
        evaluation.same_clips(["a", "a"], ["a"], "fan")


def test_precision_recall_f1_by_hand():
    decided, anomaly = np.array([1, 1, 0, 0, 1]), np.array([1, 0, 1, 0, 1])
    assert evaluation.precision_recall_f1(decided, anomaly) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert evaluation.precision_recall_f1(np.zeros(5), anomaly) == (0, 0, 0)


def test_a_machine_without_anomalies_is_refused():
    normal = {name: truth for name, truth in NAMES.items() if not truth.is_anomaly}
    with pytest.raises(BadInput, match="5 source normals, 5 target normals, 0 anomalies"):
        evaluation.evaluate("fan", dict.fromkeys(normal, 0.0), dict.fromkeys(normal, 0), normal)


def test_renamed_clips_give_the_truth_of_anonymous_ones_by_content(tmp_path):
    write_machine(tmp_path / "drone", 3, anonymous=True)
    test = sorted((tmp_path / "drone" / "test").iterdir())
    truth = evaluation.truth_of_renamed(test, tmp_path / "drone" / "test_rename")
    assert sum(t.is_anomaly for t in truth.values()) == 8
    bytes_of = {p.read_bytes(): p.name for p in (tmp_path / "drone" / "test_rename").iterdir()}
    assert all(truth[p.name].is_anomaly == ("anomaly" in bytes_of[p.read_bytes()]) for p in test)
    test[0].write_bytes(b"something else")
    with pytest.raises(BadInput, match="no clip with the content of section_00_0000.wav"):
        evaluation.truth_of_renamed(test, tmp_path / "drone" / "test_rename")
