"""What every system must keep, found by its file name alone; most of it is what makes a score train-only."""

import numpy as np
import pytest
import yaml as pyyaml
from conftest import tone_in_noise

import systems
from asd import data, store
from asd.settings import read_yaml, resolve
from asd.system import Chain, prepare
from asd.vocabulary import BadInput

QUICK = ["detector.training.epochs=2"]
SEEDS = (3, 1)


def chain(name, data_folder, root, may_train=True):
    machine = data.survey(data_folder / "dev_data" / "raw" / "fan", ("train", "test")).machine()
    kept = store.Store(root)
    made = Chain(systems.load(name, QUICK), machine.train, machine.is_target, kept, data.read_wave, "cpu", may_train)
    if may_train:
        prepare([made], machine.train, 2)
    return made, machine


@pytest.fixture(scope="session", params=systems.names())
def fitted(request, data_folder, tmp_path_factory):
    """(name, store folder, fitted system, machine) of each system, fitted once to the tiny fan."""
    root = tmp_path_factory.mktemp(request.param)
    made, machine = chain(request.param, data_folder, root)
    return request.param, root, made.fitted(SEEDS), machine


def waves(machine):
    return {clip.path.name: data.read_wave(clip) for clip in machine.test}


def test_scores_are_finite_numbers_and_decisions_zero_or_one(fitted):
    _, _, system, machine = fitted
    for wave in waves(machine).values():
        result = system(wave)
        assert np.isfinite(result.score) and result.decision in (0, 1)
        assert len(result.seeds) == len(SEEDS) and result.score == sum(result.seeds) / len(SEEDS)
        assert result.decision == int(result.score > system.threshold)


def test_a_clips_score_does_not_depend_on_the_others_or_their_order(fitted):
    _, _, system, machine = fitted
    together = {name: system(wave) for name, wave in waves(machine).items()}
    backwards = {name: system(wave) for name, wave in reversed(waves(machine).items())}
    assert together == backwards
    name, wave = next(iter(waves(machine).items()))
    assert system(wave) == together[name]


def test_a_system_taken_from_the_store_scores_to_the_same_bits(fitted, data_folder):
    name, root, system, machine = fitted
    again, _ = chain(name, data_folder, root, may_train=False)
    restored = again.fitted(SEEDS)
    assert all(restored(wave) == system(wave) for wave in waves(machine).values())


def test_features_kept_in_the_store_score_as_the_wave_does(fitted, data_folder):
    name, root, system, machine = fitted
    made, _ = chain(name, data_folder, root)
    prepare([made], machine.test, 2)
    raw = [made.raw_scores(machine.test, seed) for seed in SEEDS]
    for clip, column in zip(machine.test, zip(*raw, strict=True), strict=True):
        assert system.of_raw(column) == system(data.read_wave(clip))


def test_training_scores_have_one_row_a_seed_and_one_column_a_clip(fitted):
    _, _, system, machine = fitted
    assert system.train_scores.shape == (len(SEEDS), len(machine.train))
    assert np.isfinite(system.train_scores).all()


def test_an_untrained_system_is_refused_when_it_may_not_train(fitted, data_folder, tmp_path):
    untrained, _ = chain(fitted[0], data_folder, tmp_path, may_train=False)
    with pytest.raises(BadInput, match="not trained yet"):
        untrained.fitted(SEEDS)


def test_a_clip_shorter_than_a_feature_window_is_refused_by_name(fitted, data_folder, tmp_path):
    made, machine = chain(fitted[0], data_folder, fitted[1])
    with pytest.raises(BadInput, match=f"fan/{machine.test[0].path.name}: 100 samples"):
        made.feature(machine.test[0], tone_in_noise(np.random.default_rng(0), 400)[:, :100].astype(np.float32))


@pytest.mark.parametrize("name", systems.names())
def test_the_resolved_yaml_is_complete_and_leads_back_to_the_recipe(name):
    recipe = systems.load(name)
    text = pyyaml.safe_dump(store.numbers(recipe))
    numbers = pyyaml.safe_load(text)
    numbers.pop("part")
    assert resolve(recipe, numbers, "resolved") == recipe
    assert resolve(recipe, read_yaml(systems.YAML / f"{name}.yaml"), "again") == recipe
    assert systems.description(name).endswith(".")
