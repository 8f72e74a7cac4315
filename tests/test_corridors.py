"""Store, settings, calibration and submission files, small and pure."""

import os
import stat
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import systems
from asd import results, score_files, settings, store
from asd.calibration import GammaStandardised, GammaThreshold, gamma_fit
from asd.detectors import AutoEncoder, MeanSquaredError, SelectiveMahalanobis
from asd.errors import BadInput
from asd.store import Store
from asd.training import Training


def test_arrays_come_back_as_they_went(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
    Store(tmp_path).save("kind", "key", arrays)
    back = Store(tmp_path).load("kind", "key")
    assert back.keys() == arrays.keys() and all(np.array_equal(back[k], arrays[k]) for k in arrays)
    assert Store(tmp_path).load("kind", "other") is None


def test_a_failed_write_leaves_nothing_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "file.csv"
    store.write_text(path, "before")
    with pytest.raises(RuntimeError), store.written_whole(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["file.csv"]


def test_files_get_the_mode_the_umask_asks_for(tmp_path):
    store.write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == stat.S_IMODE(os.stat(tmp_path / "b").st_mode)


def test_a_damaged_file_is_named(tmp_path):
    path = Store(tmp_path).path("weights", "key")
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(BadInput, match="weights/key.npz: not readable"):
        Store(tmp_path).load("weights", "key")


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
    assert store.content(path) == store.digest(path.read_bytes())


def test_fingerprint_follows_numbers_nested_numbers_and_kinds_of_parts():
    prints = {
        store.fingerprint(p)
        for p in (
            AutoEncoder(),
            AutoEncoder(context=4),
            AutoEncoder(training=Training(epochs=99)),
            AutoEncoder(scoring=SelectiveMahalanobis()),
        )
    }
    assert len(prints) == 4 and store.fingerprint(AutoEncoder()) in prints


def test_fingerprint_follows_the_code_but_not_its_prose(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    prints = []
    for text in ('"""A."""\nX = 1  # one\n', '"""B."""\nX = 1\n', '"""A."""\nX = 2\n'):
        (tmp_path / "some_part.py").write_text(text)
        store._syntax.cache_clear(), store.code.cache_clear()
        prints.append(store.code("some_part"))
    assert prints[0] == prints[1] != prints[2]


def test_the_code_of_imported_rooms_is_part_of_a_modules_code():
    names = list(store._imports(store._syntax("asd.detectors.autoencoder")))
    assert "asd.detectors.vectors" in names and "asd.training" in names


@dataclass(frozen=True)
class Numbers:
    rate: float = 0.1
    n: int = 3
    seeds: tuple[int, ...] = (1,)


def test_yaml_traps_are_coerced_by_type():
    assert settings.resolve(Numbers(), {"rate": "1e-3", "n": "7", "seeds": [4, 5]}, "x") == Numbers(0.001, 7, (4, 5))
    for wrong in ({"n": 1.5}, {"n": True}, {"rate": "fast"}):
        with pytest.raises(BadInput, match="x: (n|rate): .* is not an? (int|float)"):
            settings.resolve(Numbers(), wrong, "x")


def test_unknown_keys_are_all_listed_with_the_nearest_known_one():
    recipe = systems.load("baseline_mse")
    with pytest.raises(BadInput) as caught:
        settings.resolve(recipe, {"detector": {"training": {"epoch": 1}, "scorin": {}}}, "baseline_mse.yaml")
    text = str(caught.value)
    assert "baseline_mse.yaml: unknown key 'detector.training.epoch', did you mean 'detector.training.epochs'?" in text
    assert "did you mean 'detector.scoring'?" in text and "known: detector.context" in text
    with pytest.raises(BadInput, match="did you mean 'detector.training.epochs'"):
        settings.resolve(recipe, {"training": {}} | settings.assignment("detector.trainng.epochs=3"), "--set")


def test_a_part_can_be_exchanged_by_name_and_its_numbers_set():
    recipe = systems.load("baseline_mse")
    swapped = settings.resolve(recipe, {"calibration": {"part": "gammastandardised", "quantile": 0.95}}, "x")
    assert swapped.calibration == GammaStandardised(0.95)
    with pytest.raises(BadInput, match="calibration: unknown part 'gamathresh', did you mean 'gammathreshold'"):
        settings.resolve(recipe, {"calibration": "gamathresh"}, "x")


def test_numbers_a_part_refuses_are_reported_with_its_name():
    with pytest.raises(BadInput, match="x: detector.training: .*needs epochs >= 1"):
        settings.resolve(systems.load("baseline_mse"), {"detector": {"training": {"epochs": 0}}}, "x")


@pytest.mark.parametrize(
    ("text", "message"), [("a: 1\na: 2\n", "x.yaml:2: key 'a' stands twice"), ("- 1\n", "a list"), ("a: [", "not yaml")]
)
def test_bad_yaml_is_refused(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadInput, match=message):
        settings.read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize("text", ["epochs", "=3"])
def test_malformed_assignments_are_refused(text):
    with pytest.raises(BadInput, match="expected part.field=value"):
        settings.assignment(text)


def test_systems_and_yamls_pair_up_and_unknown_ones_get_a_hint():
    assert systems.names() == sorted(p.stem for p in systems.YAML.glob("*.yaml"))
    with pytest.raises(BadInput, match="unknown system 'baseline_mes', did you mean 'baseline_mse'"):
        systems.load("baseline_mes")


def test_gamma_is_recovered_and_its_quantile_is_the_threshold():
    scores = stats.gamma.rvs(9.0, scale=2.0, size=20_000, random_state=1)
    assert gamma_fit(scores) == pytest.approx((9.0, 2.0), rel=0.05)
    assert np.mean(scores > GammaThreshold(0.9).threshold(scores)) == pytest.approx(0.1, abs=0.01)


def test_standardised_training_scores_have_mean_zero_and_keep_their_order():
    scores = stats.gamma.rvs(9.0, scale=2.0, size=20_000, random_state=1)
    standardised = np.array([GammaStandardised().fit(scores)(s) for s in scores])
    assert standardised.mean() == pytest.approx(0, abs=1e-9) and standardised.std() == pytest.approx(1, rel=0.02)
    np.testing.assert_array_equal(np.argsort(standardised), np.argsort(scores))


@pytest.mark.parametrize("scores", [np.ones(5), np.array([1.0, np.nan]), np.array([-1.0, 2.0])])
def test_scores_no_gamma_fits_are_refused(scores):
    with pytest.raises(BadInput, match="gamma distribution needs finite, positive"):
        gamma_fit(scores)


@given(
    st.dictionaries(
        st.from_regex(r"section_00_[0-9]{4}\.wav", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False),
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
        ("a.wav,1\na.wav,2\n", "x.csv:2: a.wav stands twice"),
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


def test_mean_squared_error_part_is_a_known_number_free_part():
    assert store.numbers(MeanSquaredError()) == {"part": "MeanSquaredError"}


@pytest.mark.parametrize("value", ["1.5", "two", ""])
def test_a_value_of_the_wrong_type_is_reported_not_checked_further(value):
    with pytest.raises(BadInput, match="detector.training.epochs: .* is not an int"):
        systems.load("baseline_mse", [f"detector.training.epochs={value}"])
