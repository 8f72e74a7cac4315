"""Store, calibration and score files, small and pure."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asd import results, score_files, sealed, store
from asd.calibration import GammaStandardised, GammaThreshold, NormalStandardised, gamma_fit
from asd.errors import BadInput
from asd.fingerprint import digest
from asd.store import Store


def test_arrays_come_back_as_they_went(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
    Store(tmp_path).save("kind", {"seed": 1}, arrays)
    back = Store(tmp_path).load("kind", {"seed": 1})
    assert back.keys() == arrays.keys() and all(np.array_equal(back[k], arrays[k]) for k in arrays)
    assert Store(tmp_path).load("kind", {"seed": 2}) is None


def test_the_nearest_record_is_the_one_with_the_fewest_differences(tmp_path):
    place = Store(tmp_path)
    assert place.differences("kind", {"a": 1}) is None
    for record in ({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 9, "c": 9}, "d": 3}):
        place.save("kind", record, {})
    assert place.differences("kind", {"a": {"b": 1, "c": 5}, "e": 4}) == {
        "a.c": (2, 5),
        "d": (3, None),
        "e": (None, 4),
    }


def test_scratch_is_the_same_folder_until_the_work_has_succeeded(tmp_path):
    with pytest.raises(RuntimeError), Store(tmp_path).scratch("kind", {"a": 1}) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    with Store(tmp_path).scratch("kind", {"a": 1}) as again:
        assert (again / "half").read_text() == "x"
    assert not again.exists()


def test_a_failed_write_leaves_nothing_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "file.csv"
    store.write_text(path, "before")
    with pytest.raises(RuntimeError), store.written_whole(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["file.csv"]


def test_what_a_killed_process_left_half_written_is_swept_up_by_the_next_writer(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mark = f".file.csv.{store._where_processes_are_numbered()}"
    for name in (f"{mark}.{ended.pid}.x", f"{mark}.{os.getpid()}.x", f".file.csv.elsewhere.{ended.pid}.x"):
        (tmp_path / name).touch()
    store.write_text(tmp_path / "other.csv", "whole")
    assert {p.name for p in tmp_path.iterdir()} == {
        "other.csv",
        f"{mark}.{os.getpid()}.x",
        f".file.csv.elsewhere.{ended.pid}.x",
    }


def test_a_folder_is_swept_once_however_many_files_are_written(tmp_path, monkeypatch):
    listed = []
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or iter(()))
    for i in range(3):
        store.write_text(tmp_path / f"{i}.csv", "x")
    assert listed == [tmp_path]


def test_files_get_the_mode_the_umask_asks_for(tmp_path):
    store.write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == stat.S_IMODE(os.stat(tmp_path / "b").st_mode)


@pytest.mark.parametrize("harm", ["cut", "one bit", "other values", "no seal"])
def test_a_damaged_file_is_told_and_made_again(tmp_path, caplog, harm):
    kept, made = Store(tmp_path), {"weights": np.arange(5.0)}
    kept.save("weights", {}, made)
    path = kept.path("weights", {})
    content = bytearray(path.read_bytes())
    assert kept.has("weights", {}) and [*np.load(path)["weights"]] == [0, 1, 2, 3, 4]
    content[len(content) // 3] ^= 1 if harm == "one bit" else 0
    path.write_bytes(content[:-200] if harm == "cut" else content[: -sealed.SEAL] if harm == "no seal" else content)
    if harm == "other values":
        np.savez(path, weights=made["weights"] * 1.01)
    found = kept.once("weights", {}, lambda: made)
    assert [*found["weights"]] == [0, 1, 2, 3, 4] and kept.load("weights", {}) is not None
    assert f"{path}: its last 64 bytes are not the SHA-256 of the rest" in caplog.text


def test_arrays_of_clips_are_sealed_too(tmp_path, caplog):
    path = tmp_path / "target.npy"
    store.write_array(path, np.arange(5.0))
    assert store.is_kept(path) and [*store.opened_array(path)] == [0, 1, 2, 3, 4]
    path.write_bytes(path.read_bytes().replace(bytes(np.float64(3.0)), bytes(np.float64(3.5))))
    assert not store.is_kept(path) and not path.exists() and str(path) in caplog.text


def test_content_is_followed_not_time_stamps(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(b"one")
    one = store.content(path)
    path.write_bytes(b"two")
    assert store.content(path) != one
    path.write_bytes(b"one")
    assert store.content(path) == one


@pytest.mark.parametrize("size", [0, 1, store.PIECE, 2 * store.PIECE + 3])
def test_a_file_read_in_pieces_has_the_digest_of_its_bytes(tmp_path, size):
    path = tmp_path / "checkpoint"
    path.write_bytes(np.random.default_rng(0).bytes(size))
    assert store.content(path) == digest(path.read_bytes())


def test_gamma_is_recovered_and_its_quantile_is_the_threshold():
    scores = stats.gamma.rvs(9.0, scale=2.0, size=20_000, random_state=1)
    assert gamma_fit(scores) == pytest.approx((9.0, 2.0), rel=0.05)
    assert np.mean(scores > GammaThreshold(0.9).threshold(scores, scores > 18)) == pytest.approx(0.1, abs=0.01)


def test_both_domains_have_half_a_say_in_the_threshold():
    scores, is_target = np.random.default_rng(3).normal(size=1000), np.arange(1000) >= 990
    scores[is_target] += 100
    high, low = (GammaStandardised(q).threshold(scores, is_target) for q in (0.9, 0.4))
    moved = scores[~is_target] - scores[~is_target].mean() + scores[is_target].mean()
    assert np.mean(moved > high) == pytest.approx(0.2, abs=0.01) and np.all(scores[~is_target] < high)
    assert low == pytest.approx(np.quantile(scores[:990], 0.8), abs=0.01)
    of_source = GammaStandardised(0.9).threshold(scores[:990], is_target[:990])
    assert of_source == np.quantile(scores[:990], 0.9)


def test_standardised_training_scores_have_mean_zero_and_keep_their_order():
    scores = stats.gamma.rvs(9.0, scale=2.0, size=20_000, random_state=1)
    standardised = np.array([GammaStandardised().fit(scores)(s) for s in scores])
    assert standardised.mean() == pytest.approx(0, abs=1e-9) and standardised.std() == pytest.approx(1, rel=0.02)
    np.testing.assert_array_equal(np.argsort(standardised), np.argsort(scores))


def test_scores_of_either_sign_are_standardised_without_a_gamma():
    scores = np.random.default_rng(0).normal(-5, 3, 1000)
    standardised = NormalStandardised().fit(scores)(scores)
    assert standardised.mean() == pytest.approx(0, abs=1e-9) and standardised.std() == pytest.approx(1)
    threshold = NormalStandardised(0.8).threshold(standardised, np.zeros(1000, bool))
    assert np.mean(standardised > threshold) == pytest.approx(0.2, abs=0.01)
    for scores in (np.ones(5), np.array([1.0, np.nan])):
        with pytest.raises(BadInput, match="finite scores that differ expected"):
            NormalStandardised().fit(scores)


@pytest.mark.parametrize("scores", [np.ones(5), np.array([1.0, np.nan]), np.array([-1.0, 2.0])])
def test_scores_no_gamma_fits_are_refused(scores):
    with pytest.raises(BadInput, match="gamma distribution needs finite, positive"):
        gamma_fit(scores)


@given(
    st.dictionaries(
        st.from_regex(r"section_00_[0-9]{4}\.wav", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
        min_size=1,
    )
)
def test_scores_read_back_to_the_same_bits(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_text(score_files.score_text(path, scores))
    assert score_files.read_rows(path) == scores


def test_scores_that_are_not_finite_are_never_written(tmp_path):
    scored = results.Scored({"a.wav": float("nan")}, {"a.wav": 1}, {"t.wav": 0.5})
    with pytest.raises(BadInput, match="score of a.wav is nan"):
        results.ResultFolder(tmp_path).write("", "fan", "00", scored)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.wav,1\na.wav,2\n", "x.csv:2: duplicate of a.wav"),
        ("name,score\n", "x.csv:1"),
        ("a.wav,inf\n", "x.csv:1"),
        ("a.wav\n", "x.csv:1"),
        ("", "x.csv: empty"),
        ("a.wav,1_0\n", "x.csv:1"),
    ],
)
def test_bad_score_files_are_refused_at_their_line(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        score_files.read_rows(tmp_path / "x.csv")


def test_results_of_other_numbers_never_mix(tmp_path):
    folder = results.ResultFolder(tmp_path / "s1")
    scored = results.Scored({"a.wav": 1.0}, {"a.wav": 1}, {"t.wav": 0.5})
    assert not folder.begin({"epochs": 3})
    folder.write("", "fan", "00", scored)
    assert not folder.begin({"epochs": 3}) and folder.scores("fan", "00") == {"a.wav": 1.0}
    (folder.folder / "selected.json").write_text("{}")
    assert folder.begin({"epochs": 4}) and not (folder.folder / score_files.file_name("anomaly_score", "fan")).exists()
    assert (folder.folder / "selected.json").exists()


def test_files_that_differ_from_what_was_rederived_are_named_at_the_line(tmp_path):
    folder = results.ResultFolder(tmp_path)
    scored = results.Scored({"a.wav": 1.0, "b.wav": 2.0}, {"a.wav": 1, "b.wav": 0}, {"t.wav": 0.5})
    folder.write("", "fan", "00", scored)
    folder.compare("", "fan", "00", scored)
    other = results.Scored({"a.wav": 1.0, "b.wav": 2.5}, scored.decisions, scored.train_scores)
    with pytest.raises(
        BadInput, match="anomaly_score_fan_section_00_test.csv:2: 'b.wav,2.0.n' in the file, 'b.wav,2.5"
    ):
        folder.compare("", "fan", "00", other)
