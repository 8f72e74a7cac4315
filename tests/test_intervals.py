"""Bootstrap intervals against a slow literal resampling, and what a paired comparison must give."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from asd import evaluation
from asd.contracts import SystemScores
from asd.errors import BadInput
from asd.evaluation import PUBLISHED, Bootstrap, Published, Truth, intervals, published
from asd.evaluation.published import names_key
from asd.programs import comparing
from asd.yaml_files import read_yaml

TRUTH = {
    f"{d}_{c}_{i:02d}.wav": Truth(d, c == "anomaly")
    for d in ("source", "target")
    for c in ("normal", "anomaly")
    for i in range(11)
}


def system(seed, shift=1.0):
    """Scores with ties."""
    rng = np.random.default_rng(seed)
    return {name: float(np.round(rng.normal(shift * t.is_anomaly), 1)) for name, t in TRUTH.items()}


def literal_terms(scores, times):
    """Every drawn clip written out as often as it was drawn, then the library's own AUC."""
    names = sorted(TRUTH)
    clips = [name for name, n in zip(names, times, strict=True) for _ in range(n)]
    score = np.array([scores[c] for c in clips])
    anomaly = np.array([TRUTH[c].is_anomaly for c in clips])
    terms = []
    for domain in ("source", "target"):
        kept = np.array([TRUTH[c].is_anomaly or TRUTH[c].domain == domain for c in clips])
        terms.append(roc_auc_score(anomaly[kept], score[kept]))
    return [*terms, roc_auc_score(anomaly, score, max_fpr=0.1)]


def test_every_draw_equals_the_literal_resample():
    bootstrap, scores = Bootstrap({"fan": TRUTH}, draws=60, seed=3), system(1)
    times = intervals.drawn(TRUTH, 60, bootstrap._generator("fan"))
    expected = np.array([literal_terms(scores, t) for t in times])
    np.testing.assert_allclose(bootstrap.terms("fan", scores), expected, atol=1e-12)
    literal_omegas = [evaluation.omega(terms) for terms in expected]
    np.testing.assert_allclose(intervals.omegas(bootstrap.terms("fan", scores)), literal_omegas, atol=1e-12)
    assert evaluation.interval(np.array(literal_omegas)) == pytest.approx(np.percentile(literal_omegas, (2.5, 97.5)))


def test_a_draw_has_as_many_clips_of_each_kind_as_the_test_set():
    times = intervals.drawn(TRUTH, 200, np.random.default_rng(0))
    kinds = np.array([f"{TRUTH[n].domain}{TRUTH[n].is_anomaly}" for n in sorted(TRUTH)])
    for kind in set(kinds):
        assert set(times[:, kinds == kind].sum(axis=1)) == {11}
    assert times.min() == 0 and times.max() > 2
    assert times.mean(axis=0) == pytest.approx(np.ones(44), abs=0.35)


def test_the_draw_that_takes_each_clip_once_is_the_metric_itself():
    scores, once = system(2), np.ones((1, 44), dtype=np.int64)
    anomaly = np.array([TRUTH[n].is_anomaly for n in sorted(TRUTH)])
    score = np.array([scores[n] for n in sorted(TRUTH)])
    terms = evaluation.terms_of("fan", scores, TRUTH)
    assert intervals.weighted_pauc(score, anomaly, once)[0] == pytest.approx(terms[2], abs=1e-12)
    assert intervals.weighted_auc(score, ~anomaly, anomaly, once)[0] == pytest.approx(evaluation.auc(score, anomaly))


def cells(tables, title, first):
    rows = next(rows for name, rows in tables if name.startswith(title))
    return next(row for row in rows if row[0] == first)


def compared(*scores, **more):
    entries = [SystemScores(f"x{i}", {"fan": s, "pump": s}) for i, s in enumerate(scores)]
    truths = {"fan": TRUTH, "pump": TRUTH}
    return evaluation.tables(entries, truths, more.get("published", Published()), Bootstrap(truths, 300))


def test_a_system_compared_with_itself_differs_by_exactly_zero():
    row = cells(compared(system(1), system(1)), "Differences", "x0 - x1")
    assert row == ("x0 - x1", "+0.0000", "+0.0000 to +0.0000", "0.500")


def test_a_paired_comparison_sees_what_two_intervals_do_not():
    """One clip better in every kind: the single intervals overlap, the paired one keeps its side."""
    worse = system(1)
    better = {n: s + 0.35 * TRUTH[n].is_anomaly for n, s in worse.items()}
    tables = compared(better, worse)
    _, difference, interval, probability = cells(tables, "Differences", "x0 - x1")
    assert float(difference) > 0 and float(interval.split(" to ")[0]) >= 0 and float(probability) > 0.97
    low = float(cells(tables, "x0, 95 %", "over all")[-1].split(" to ")[0])
    high = float(cells(tables, "x1, 95 %", "over all")[-1].split(" to ")[1])
    assert low < high


def test_draws_of_a_machine_do_not_depend_on_the_others():
    alone, both = Bootstrap({"fan": TRUTH}, 20), Bootstrap({"pump": TRUTH, "fan": TRUTH}, 20)
    np.testing.assert_array_equal(alone.terms("fan", system(1)), both.terms("fan", system(1)))
    assert not np.array_equal(both.terms("fan", system(1)), both.terms("pump", system(1)))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """AUC of normals and anomalies 1 apart is 0.760; 95 % intervals of 50 + 100 clips should hold it nearly always."""
    expected, held = 0.7602, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        names = [f"{i:03d}" for i in range(150)]
        truth = {n: Truth("source" if i % 2 else "target", i >= 50) for i, n in enumerate(names)}
        scores = {n: float(rng.normal(truth[n].is_anomaly)) for n in names}
        score, anomaly = np.array([*scores.values()]), np.array([t.is_anomaly for t in truth.values()])
        times = intervals.drawn(truth, 400, rng)
        low, high = evaluation.interval(intervals.weighted_auc(score, ~anomaly, anomaly, times))
        held += low <= expected <= high
    assert 34 <= held <= 40  # 38 expected


def test_leaving_a_machine_out_shows_who_depends_on_it():
    strong, weak = system(1, 3.0), system(2, 0.5)
    entries = [SystemScores("a", {"fan": strong, "pump": weak}), SystemScores("b", {"fan": weak, "pump": strong})]
    truths = {"fan": TRUTH, "pump": TRUTH}
    tables = evaluation.tables(entries, truths, Published(), None)
    assert cells(tables, "Ω with one", "fan")[-1] == "b" and cells(tables, "Ω with one", "pump")[-1] == "a"
    omega = evaluation.omega(evaluation.terms_of("pump", strong, TRUTH))
    assert cells(tables, "Ω with one", "fan")[2] == f"{omega:.4f}"


def test_seeds_have_their_spread_beside_the_ensemble():
    seeds = {str(i): {"fan": system(i)} for i in range(3)}
    tables = evaluation.tables([SystemScores("a", {"fan": system(9)}, {}, seeds)], {"fan": TRUTH}, Published(), None)
    values = [evaluation.omega(evaluation.terms_of("fan", s["fan"], TRUTH)) for s in seeds.values()]
    row = cells(tables, "Ω by seed", "a")
    assert row[1:4] == ("3", f"{np.mean(values):.4f}", f"{np.std(values, ddof=1):.4f}")
    assert row[6] == f"{evaluation.omega(evaluation.terms_of('fan', system(9), TRUTH)):.4f}"


def test_false_alarms_stand_beside_the_nominal_share():
    decisions = {n: int(t.is_anomaly or t.domain == "source") for n, t in TRUTH.items()}
    entry = SystemScores("a", {"fan": system(1)}, {"fan": decisions}, nominal=0.1)
    row = cells(evaluation.tables([entry], {"fan": TRUTH}, Published(), None), "Decisions", "a")
    assert row[:7] == ("a", "fan", "10", "100", "0", "100", "100")


def test_published_rows_are_below_and_say_where_they_are_of_other_clips():
    omegas = {"x0": {"fan": 0.6, "over all": 0.65}, "other": {"fan": 0.7, "over all": 0.7}}

    def rows(*of):
        return next(rows for name, rows in compared(system(1), published=Published(*of)) if name == "Ω side by side")

    assert rows("published", omegas, ["fan"], True)[2:] == [
        ("published x0", "0.6000", "-", "0.6500 (its own machines)"),
        ("published other", "0.7000", "-", "0.7000 (its own machines)"),
    ]
    assert rows("published", omegas, ["pump", "fan"], True)[2][3] == "0.6500"
    assert rows("of others:", omegas, ["fan"])[2:] == [("of others: x0", "-", "-", "0.6500 (its own machines)")]


def test_published_figures_know_the_challenges_clips():
    raw = {
        "machines": ["fan"],
        "clips": {"fan": names_key(TRUTH)},
        "ladder": {"x0": {"ensemble": 0.6}},
        "development": {},
        "submitted": {"x1": [0.5, 0.5]},
        "evaluation": {"machines": ["drone"], "clips": len(TRUTH), "systems": {"x0": 0.7}},
    }
    of_dev, of_eval = published(raw, {"fan": TRUTH}), published(raw, {"drone": TRUTH})
    assert of_dev.is_of_these_clips and of_dev.omegas["x1"] == {"fan": 0.5, "over all": 0.5}
    assert of_eval.is_of_these_clips and of_eval.omegas == {"x0": {"over all": 0.7}}
    real = read_yaml(PUBLISHED)
    clips = {f"section_00_{i:04d}.wav": Truth("source", False) for i in range(200)}
    theirs = published(real, dict.fromkeys(real["evaluation"]["machines"], clips))
    assert theirs.is_of_these_clips and [of["over all"] for of in theirs.omegas.values()] == [0.5980, 0.5476, 0.7024]
    assert [*published(real, {"fan": TRUTH}).omegas][-1].startswith("the winner")
    fewer = dict(list(TRUTH.items())[1:])
    for others in ({"fan": fewer}, {"drone": fewer}, {"fan": TRUTH, "valve": TRUTH}, {}):
        assert not published(raw, others).is_of_these_clips


def test_machines_must_be_the_same():
    with pytest.raises(BadInput, match="x: machines missing: pump; extra: valve"):
        entry = SystemScores("x", {"fan": system(1), "valve": system(1)})
        evaluation.tables([entry], {"fan": TRUTH, "pump": TRUTH}, Published(), None)


def test_a_system_of_other_recordings_is_named_and_a_quick_one_is_marked():
    of_others = SystemScores("x", {"fan": {f"other_{name}": score for name, score in system(9).items()}})
    with pytest.raises(BadInput, match="x: fan: anomaly scores: .* missing: .*; is it of another data folder than"):
        evaluation.tables([SystemScores("a", {"fan": system(9)}), of_others], {"fan": TRUTH}, Published(), None)
    tables = evaluation.tables([SystemScores("a", {"fan": system(9)}, quick=True)], {"fan": TRUTH}, Published(), None)
    assert tables[0][0] == "a (quick: small networks, not comparable)"
    assert dict(tables)["Ω side by side"][1][0] == "a (quick)"


def test_a_machine_of_one_domain_has_auc_detections_and_false_alarms_and_no_omega():
    truth = {f"{i}.wav": Truth("source", i >= 3) for i in range(5)}
    scores = {"0.wav": 0.1, "1.wav": 0.2, "2.wav": 0.6, "3.wav": 0.5, "4.wav": 0.9}
    own = SystemScores("x", {"pump": scores}, {"pump": {clip: int(score > 0.4) for clip, score in scores.items()}})
    table = comparing.compared([own], {"pump": truth}, {}, 10, "csv")
    assert table.splitlines()[-1].endswith(",x,pump,2 of 2,1 of 3,0.8333,3,2")
    alone = {clip: of for clip, of in truth.items() if not of.is_anomaly}
    quiet = SystemScores("x", {"pump": {clip: scores[clip] for clip in alone}})
    assert comparing.compared([quiet], {"pump": alone}, {}, None, "csv").splitlines()[-1].endswith(",x,pump,-,-,-,3,0")
    there = (
        r"x: machines missing: fan; extra: pump \(the results have pump, the truth fan; is it of another data folder"
    )
    with pytest.raises(BadInput, match=there):
        comparing.compared([quiet], {"fan": alone}, {}, None, "csv")
    with pytest.raises(BadInput, match="x: pump: anomaly scores: 2 missing"):
        comparing.compared([quiet], {"pump": truth}, {}, None, "csv")
