"""The report's own words and limits, from results written by hand: nothing is trained."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from asd.clips import Clip, wav_paths
from asd.contracts import SystemScores
from asd.evaluation import Published, Truth, truth_of_names
from asd.importing.layout import COLUMNS
from asd.programs.developing import following
from asd.programs.report import answer, clips, figures, page, runs
from asd.programs.report.runs import Group, Run
from asd.programs.report.terms import HEADERS, SHOWN, TERMS, explained, terms_in
from asd.score_files import file_name, score_text
from asd.system.keys import clips_key
from asd.truth_list import write_truth_list

HOSTILE = "<img src=q onerror=alert(1)>$x^$"
RNG = np.random.default_rng(5)


def names(split, count):
    conditions = ("normal", "anomaly") if split == "test" else ("normal",)
    kinds = [(d, c) for d in ("source", "target") for c in conditions]
    return [f"section_00_{d}_{split}_{c}_{i:04d}_{HOSTILE}.wav" for d, c in kinds for i in range(count)]


def run_of(folder, name, shift, machines=("fan",), count=12, anonymous=False, without="nothing"):
    """results/<dev|eval>/<name> as run.py leaves it, as far as the report reads it."""
    clip_names = [f"section_00_{i:04d}.wav" for i in range(8)] if anonymous else names("test", count)
    clip_names = [clip for clip in clip_names if without not in clip]
    of = {clip: float(RNG.normal(shift * ("anomaly" in clip))) for clip in clip_names}
    train = folder / name / "train_scores"
    record = {"members": ["0"], "parameters": 1, "macs_per_clip": 2, "threshold": 0.5, "training_seconds": 1.0}
    record["data"] = {"train": "t", "test": "x", "n_train": 2 * count, "n_test": len(of)}
    train.mkdir(parents=True)
    for machine in machines:
        path = train / file_name("anomaly_score", machine, split="train")
        path.write_text(score_text(path, {clip: 0.0 for clip in names("train", count)}))
    (folder / name / "run.json").write_text(json.dumps({"machines": {m: record for m in machines}}))
    decisions = {clip: int(score > 0.5) for clip, score in of.items()}
    scores = SystemScores(name, dict.fromkeys(machines, of), dict.fromkeys(machines, decisions), nominal=0.1)
    truths = {} if anonymous else {m: truth_of_names(of) for m in machines}
    return Run(folder / name, scores, truths)


@pytest.fixture
def group(tmp_path):
    return Group([run_of(tmp_path / "dev", "weak", 0.3), run_of(tmp_path / "dev", "strong", 3.0)])


def written(groups, out, monkeypatch):
    monkeypatch.setattr(page, "session_of", lambda run, data: pytest.fail("no clip is read") if data else refuse())
    page.write_report(groups, out, None, 20, RAW, lambda line: None)
    return out.read_text()


def test_a_report_is_an_html_file_whoever_writes_it(group, tmp_path):
    with pytest.raises(page.BadInput, match=r"report\.pdf: the name of a file ending in \.html expected"):
        page.write_report([group], tmp_path / "report.pdf", None, 20, RAW, lambda line: None)
    assert not (tmp_path / "report.pdf").exists()


def refuse():
    raise page.BadInput("/absent: not there")


RAW = {"clips": {}, "machines": [], "ladder": {}, "development": {}, "submitted": {}}
RAW["evaluation"] = {"machines": [], "clips": 0, "systems": {}}


def test_the_best_system_comes_first_and_the_page_says_whether_that_is_settled(group):
    found = answer.standings(group, 100)
    assert [s.name for s in found] == ["strong", "weak"]
    told = " ".join(answer.sentences(group, found))
    assert "strong has the highest Ω" in told and "is beyond what other test clips" in told
    same = [found[0], answer.Standing(group.runs[1], found[0].omega, found[0].draws, found[0].machines)]
    assert "may be chance" in " ".join(answer.sentences(group, same))


def test_both_sets_stand_side_by_side_and_published_figures_only_beside_the_same_clips(group, tmp_path):
    other = Group([run_of(tmp_path / "eval", "strong", 1.0, machines=("drone",))])
    found = {g.title: answer.standings(g, 20) for g in (group, other)}
    theirs = Published("published", {"winner": {"over all": 0.7}}, ["drone"], True)
    rows = answer.both_sets(found, {group.title: Published("", {"x": {"over all": 0.1}}), other.title: theirs})
    assert rows[0] == (
        "system",
        *(f"{s} set: {w}" for s in ("development", "evaluation") for w in ("Ω", "95 % interval")),
    )
    assert [row[0] for row in rows[1:]] == ["strong", "weak", "published (2026) winner"]
    assert rows[2][3:] == ("-", "-") and rows[3][1:] == ("-", "-", "0.7000", "-")


def test_the_ladder_is_drawn_of_development_results_alone(tmp_path):
    def seeds(kind, **more):
        runs = [run_of(tmp_path / kind, name, 1.0, **more) for name in ("adasub", "s1")]
        seeded = [replace(r, scores=replace(r.scores, seeds={"0": r.scores.scores})) for r in runs]
        truth = {"drone": {clip: Truth("source", False) for clip in runs[0].scores.scores["drone"]}}
        return answer.seeds(Group([replace(run, truths=run.truths or truth) for run in seeded]))

    assert seeds("eval", machines=("drone",), anonymous=True) == []
    assert len(seeds("dev", machines=("drone",))) == 1


def test_names_are_text_wherever_they_stand(group, tmp_path, monkeypatch):
    text = written([group], tmp_path / "x.html", monkeypatch)
    assert "<img src=q" not in text and "&lt;img src=q onerror=alert(1)&gt;$x^$" in text
    assert set(re.findall(r"<img src=\"(data:image/svg)", text)) == {"data:image/svg"}
    assert "no spectrograms and sounds (/absent: not there)" in text
    for term in ("Ω", "AUC_source", "pAUC", "ROC", "95 % interval", "nominal", "misses", "MACs per clip", "proven"):
        assert f"<dt>{term}</dt>" in text
    assert "near, far</dt>" not in text and "Intervals are over" in text


def test_a_domain_with_few_clips_is_warned_of(tmp_path):
    few = run_of(tmp_path / "dev", "x", 1.0, count=runs.FEW - 1).few("fan")
    assert len(few) == 2 + 4 and few[0] == "9 training scores of the source domain"
    assert run_of(tmp_path / "dev", "y", 1.0, count=runs.FEW).few("fan") == []
    assert run_of(tmp_path / "dev", "z", 1.0, count=1).few("fan")[-1] == "1 anomaly test clip of the target domain"


def test_the_most_anomalous_clips_lead_to_the_page_or_the_recording(group, tmp_path):
    run = group.runs[1]
    first, second = run.most_anomalous("fan")[:2]
    test = [SimpleNamespace(path=tmp_path / name) for name in run.scores.scores["fan"]]
    session = SimpleNamespace(machine=lambda name: SimpleNamespace(test=test))
    rows = clips.listed(run, session, "fan", {first: "#here"}, {})
    assert len(rows) == 1 + runs.LISTED and rows[1][:2] == ("1", f"{max(run.scores.scores['fan'].values()):#.4g}")
    assert rows[1][-1].href == "#here" and rows[2][-1] == clips.Link(second, (tmp_path / second).as_uri())
    assert clips.listed(run, None, "fan", {}, {})[1][-1] == first


def test_clips_of_a_relative_folder_have_links_and_imported_ones_their_old_names(group, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, folder = group.runs[1], Path("data") / "dev_data" / "raw" / "fan"
    first = run.most_anomalous("fan")[0]
    test = [SimpleNamespace(path=folder / "test" / name) for name in run.scores.scores["fan"]]
    session = SimpleNamespace(machine=lambda name: SimpleNamespace(test=test))
    assert clips.recordings(run, "fan", Path("data")) == {}
    assert clips.listed(run, session, "fan", {}, {})[1][-1].href == (tmp_path / folder / "test" / first).as_uri()
    folder.mkdir(parents=True)
    rows = [COLUMNS, (f"test/{first}", "a b.flac", "0.000", "9.000"), ("train/x.wav", "c.flac", "0", "1")]
    (folder / "imported.csv").write_text("\n".join(map(",".join, rows)))
    header, *listed = clips.listed(run, session, "fan", {}, clips.recordings(run, "fan", Path("data")))
    assert header[-2:] == ("clip", "recording") and [row[-1] for row in listed[:2]] == ["a b.flac", "-"]


def test_clips_are_left_out_by_name_where_the_page_would_grow_too_large(group, monkeypatch):
    parts = [page.Part(run, "fan", f"p{i}", i) for i, run in enumerate(group.runs)]
    clip = clips.ShownClip("a", clips.Picture("x" * 400, "caption"), {"near": "y" * 100})
    monkeypatch.setattr(page.clips, "worst_clips", lambda *of: [clip])
    monkeypatch.setattr(page.clips, "listed", lambda *of: [])
    monkeypatch.setattr(page.figures, "of_machine", lambda *of: [clip.picture])
    monkeypatch.setattr(page, "LIMIT", 1700)
    size = page.add_figures(parts, 0, lambda line: None)
    assert size == 800 and [len(part.figures) for part in parts] == [1, 1]
    page.add_clips(parts, {run.folder: object() for run in group.runs}, size, lambda line: None)
    assert [len(part.clips) for part in parts] == [1, 0]
    assert parts[0].left_out == "" and parts[1].left_out.startswith("Clips are left out")
    assert str(group.runs[1].folder) in parts[1].left_out
    page.add_figures(parts[1:], 1500, lambda line: None)
    assert parts[1].left_out.startswith("Figures and clips")


def test_one_channel_is_looked_at_and_heard_and_what_is_as_it_was_is_not_shown_twice():
    wave = RNG.normal(0, 0.1, (1, 16000)).astype(np.float32)
    power = clips.signal.power(clips.signal.stft(wave, clips.N_FFT, clips.HOP_LENGTH))
    system = SimpleNamespace(detector=None, frontend=None)
    for factor, seen in ((1.0, ["near"]), (0.5, ["near", "denoised: NoneType, x"])):
        chain = SimpleNamespace(name="x", system=system, frontend=lambda wave, factor=factor: factor * power)
        session = SimpleNamespace(used=["x"], members={"x": [("x", 0)]}, chains={("x", "fan"): chain})
        powers, waves = clips.looks_and_sounds(session, "fan", wave)
        assert list(powers) == seen and list(waves) == ["near"]
    assert clips.players(waves)["near"].startswith("data:audio/mpeg;base64,")


def test_of_many_members_the_legend_names_the_first_and_the_last():
    axis = figures.Figure().subplots()
    found = {str(i): np.array([[1.0, 2.0, np.nan], [2.0, 1.0, np.nan]]) for i in range(figures.NAMED + 1)}
    figures.draw_losses(axis, found)
    assert [line.get_label() for line in figures.legend(axis, found)] == ["training", "0", str(figures.NAMED)]
    found["3"][:, 2] = 1.0
    assert figures.legend(axis, found)[1].get_label() == "validation"


def test_every_word_that_a_header_uses_is_explained():
    assert set(HEADERS.values()) | set(SHOWN) <= set(TERMS)
    assert explained("auc_source") == TERMS["AUC_source"] and explained("development set: Ω") == TERMS["Ω"]
    assert explained("false_alarms_source") == TERMS["false alarms"] and explained("machine") == ""


@pytest.mark.parametrize(
    ("without", "told", "cell"),
    [
        ("_target_", "strong detects 12 of 12 anomalies (100", "12 of 12"),
        ("_anomaly_", "strong has no anomalies to detect, with false alarms on", "0 of 0"),
    ],
)
def test_a_machine_of_one_domain_or_condition_is_reported_without_omega(tmp_path, monkeypatch, without, told, cell):
    run = run_of(tmp_path / "eval", "strong", 9.0, without=without)
    text = written([Group([run])], tmp_path / "r.html", monkeypatch)
    assert "fan: test clips of one domain or condition, for which the challenge has no Ω." in text and told in text
    assert text.index(told) < text.index("the challenge has no Ω")
    assert cell in text and "Intervals are" not in text and "has the highest Ω" not in text
    assert text.count("<th>AUC") == 1
    assert "left out</dt>" not in text and "threshold</dt>" in text and "domain</dt>" in text
    assert "of each domain" not in text and ("pAUC</dt>" in text) == ("ROC: " in text) == (without != "_anomaly_")
    assert any("target" in few for few in run.few("fan")) == (without == "_anomaly_")


def test_the_truth_of_imported_clips_is_found_in_their_data_folder(tmp_path):
    folder = tmp_path / "eval_data"
    test = folder / "raw" / "fan" / "test"
    test.mkdir(parents=True)
    (test / "section_00_0000.wav").write_bytes(b"one")
    key = clips_key([Clip(path, "fan", "00") for path in wav_paths(test)])
    assert runs.truth_beside(tmp_path, "fan", key) == {}
    telling = "section_00_target_test_anomaly_0000_v_1.wav"
    write_truth_list(folder / "eval_data_list.csv", {"fan": {"section_00_0000.wav": telling}})
    assert runs.truth_beside(tmp_path, "fan", key) == {"section_00_0000.wav": Truth("target", True)}
    assert runs.truth_beside(tmp_path, "drone", clips_key([])) == {}
    (test / "section_00_0000.wav").write_bytes(b"another recording, imported since")
    assert runs.truth_beside(tmp_path, "fan", key) == {}


def test_what_follows_a_run_on_imported_clips_is_their_evaluation(tmp_path):
    request = SimpleNamespace(data=tmp_path, results=Path("r"), splits=("train", "test"), kind="eval")
    folder, machine = SimpleNamespace(folder=Path("r/eval/s0")), SimpleNamespace(name="fan")
    session = SimpleNamespace(request=request, members=["s0"], machines=[machine], folder=lambda name: folder)
    assert following(session).startswith("\nnext: python tools/package.py") and "evaluate.py" not in following(session)
    write_truth_list(tmp_path / "eval_data" / "eval_data_list.csv", {})
    first, *_, last = following(session).strip().split("\n")
    assert first == f"next: python tools/evaluate.py r/eval/s0 --ground-truth {tmp_path}" and "package.py" in last


def test_few_clips_are_told_in_numbers():
    assert answer.share([True, False, False, False], "clips") == "1 of 4 clips"
    assert answer.share([True] * 5 + [False] * 15, "clips") == "5 of 20 clips (25 %)"


def test_terms_are_of_words_that_can_be_read_on_the_page():
    assert list(terms_in('<style>.near {}</style><b title="dB">misses</b> threshold_x')) == ["threshold", "misses"]
