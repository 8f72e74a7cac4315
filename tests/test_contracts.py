"""What every system must keep, found by its file name alone; most of it is what makes a score train-only."""

import numpy as np
import pytest
import yaml as pyyaml
from conftest import tone_in_noise

import systems
from asd import data, guard
from asd.errors import BadInput
from asd.fingerprint import numbers
from asd.programs.exporting import read_export, write_export
from asd.programs.fitting import extract
from asd.programs.opening import open_recorded
from asd.programs.proving import unchanged
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import write
from asd.settings import resolve
from asd.system import mean

SEEDS = (3, 1)


def opened(name, data_folder, results, **departing):
    """A session of one system on the tiny fan, in this process, as quick as the system's file makes it."""
    fields = {"data": data_folder, "results": results, "machines": ["fan"], "seeds": SEEDS, "device": "cpu"}
    return Session(Request.of("dev", [name], quick=True, **fields, **departing))


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("contracts")  # one store: systems share trainings as in a run


@pytest.fixture(scope="session", params=systems.names())
def fitted(request, data_folder, results):
    """(name, session, fitted system, machine) of each system, fitted once to the tiny fan."""
    if lacking := systems.lacks(request.param):
        pytest.skip(f"NO {lacking.upper()}: {request.param} was not held to the contract")
    session = opened(request.param, data_folder, results)
    extract(session)
    write(session, request.param)
    (machine,) = session.machines
    return request.param, session, session.fitted(request.param, machine), machine


def waves(machine):
    """Every fourth test clip, by name."""
    return {clip.path.name: data.read_wave(clip) for clip in machine.test[::4]}


def test_scores_are_finite_numbers_and_decisions_zero_or_one(fitted):
    _, _, system, machine = fitted
    for wave in waves(machine).values():
        result = system(wave)
        assert np.isfinite(result.score) and result.decision in (0, 1)
        assert len(result.members) == len(system.members)
        assert result.score == mean(result.members, system.weights)
        assert result.decision == int(result.score > system.threshold)


def test_a_clips_score_does_not_depend_on_the_others_or_their_order(fitted):
    _, _, system, machine = fitted
    together = {name: system(wave) for name, wave in waves(machine).items()}
    backwards = {name: system(wave) for name, wave in reversed(waves(machine).items())}
    assert together == backwards
    name, wave = next(iter(waves(machine).items()))
    assert system(wave) == together[name]


def test_scoring_changes_nothing_in_the_fitted_system(fitted):
    _, _, system, machine = fitted
    before = guard.state_digest(system)
    _ = [system(wave) for wave in waves(machine).values()]
    unchanged(system, before)


def test_a_system_taken_from_the_store_scores_to_the_same_bits(fitted, data_folder, results):
    name, session, system, machine = fitted
    again = opened(name, data_folder, results, may_train=False, members=session.members)
    restored = again.fitted(name, machine)
    assert all(restored(wave) == system(wave) for wave in waves(machine).values())


def test_features_kept_in_the_store_score_as_the_wave_does(fitted):
    name, session, system, machine = fitted
    scores, decisions = session.folder(name).scores("fan", "00"), session.folder(name).decisions("fan", "00")
    for clip, wave in waves(machine).items():
        assert (scores[clip], decisions[clip]) == (system(wave).score, system(wave).decision)


@pytest.mark.parametrize("fitted", ("s3", "ssd", "msm_dsp_knn", "gmm"), indirect=True)
def test_a_run_opened_without_clips_and_its_exported_file_score_as_the_csv(fitted, tmp_path):
    """Of two systems' seeds, a trained front-end, a bank of neighbours, an own detector; others: test_export.py."""
    name, session, _, machine = fitted
    recorded, path = open_recorded(session.folder(name).folder, "fan"), tmp_path / "fan.npz"
    write_export(recorded, data.read_wave(machine.train[0]), path)
    scores = session.folder(name).scores("fan", "00")
    for system in (recorded.fitted(), read_export(path).fitted()):
        for clip, wave in list(waves(machine).items())[:3]:
            assert system(wave).score == pytest.approx(scores[clip], abs=1e-9)


def test_training_scores_are_finite_and_of_the_clips_that_were_left_out(fitted):
    """Of all clips, or of the folds that the seeds left out."""
    _, _, system, machine = fitted
    known = np.isfinite(system.train_scores)
    assert system.train_scores.shape == (len(machine.train),) and np.all(known | np.isnan(system.train_scores))
    assert known.sum() in (len(machine.train), 2 * len(SEEDS))


ODD = {  # of one clip; test_extremes.py has odd training clips
    "as it is": lambda w: w,
    "silence": np.zeros_like,
    "near silent": lambda w: w * np.float32([[0], [1]]),
    "far silent": lambda w: w * np.float32([[1], [0]]),
    "identical channels": lambda w: w[[0, 0]],
    "swapped channels": lambda w: w[[1, 0]],
    "clipping": lambda w: np.clip(50 * w, -1, 1),
    "longer": lambda w: np.tile(w, 2)[:, : int(1.4 * w.shape[1])],
}


def test_odd_clips_get_finite_scores_of_sane_size_unlike_where_near_is_unlike(fitted):
    """Or a sentence that refuses the clip."""
    _, _, system, machine = fitted
    wave = data.read_wave(machine.test[0])
    scores = {}
    for name, change in ODD.items():
        try:
            scores[name] = system(np.ascontiguousarray(change(wave))).score
        except BadInput as error:
            assert name != "as it is" and len(str(error).splitlines()) == 1
    assert all(np.isfinite(score) and abs(score) < 1e6 for score in scores.values()), scores
    near = [scores[name] for name in ("as it is", "silence", "swapped channels", "clipping") if name in scores]
    assert len(set(near)) == len(near), scores


def test_an_untrained_system_is_refused_when_it_may_not_train(fitted, data_folder, tmp_path):
    name, _, _, machine = fitted
    untrained = opened(name, data_folder, tmp_path, may_train=False)
    with pytest.raises(BadInput, match="fan: .* is not in .*store: nothing of this kind is there"):
        untrained.fitted(name, machine)


def test_a_clip_shorter_than_a_feature_window_is_refused_by_name(fitted):
    _, session, _, machine = fitted
    chain = next(iter(session.chains.values()))
    with pytest.raises(BadInput, match=f"fan/{machine.test[0].path.name}: 0.00625 s"):
        chain.feature(machine.test[0], tone_in_noise(np.random.default_rng(0), 400)[:, :100].astype(np.float32))


@pytest.mark.parametrize("name", systems.names())
def test_the_resolved_yaml_is_complete_and_leads_back_to_the_recipe(name):
    recipe = systems.load(name)
    told = pyyaml.safe_load(pyyaml.safe_dump(numbers(recipe)))
    assert systems.rebuilt(name, told, "resolved") == recipe
    told.pop("part")
    assert resolve(recipe, told, "again") == recipe
    assert systems.description(name).endswith(".")
