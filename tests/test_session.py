"""Sharing and selection: what is computed once, what an ensemble may choose and when."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import systems
from asd import data
from asd import session as house
from asd.errors import BadInput
from asd.session import Request, Session
from asd.submission import read_rows
from asd.system import Ensemble, SelectedEnsemble

QUICK = ["detector.training.epochs=1", "detector.network.width=16"]


def opened(names, kind, data_folder, results, sets=(), **departing):
    recipes = {name: systems.load(name, [*QUICK, *sets]) for name in names}
    trained = {}
    for name, recipe in recipes.items():
        members = systems.load_members(recipe, [*QUICK, *sets]) if isinstance(recipe, Ensemble) else {name: recipe}
        trained |= members
    fields = {"device": "cpu", "seeds": (0, 1), "may_select": kind == "dev", **departing}
    return Session(Request(kind, data_folder, results, recipes, trained, lambda *_: ["true"], **fields))


def worked(session):
    """What `train` does, in this process."""
    session.extract()
    for name, members in list(session.members.items()):
        for machine in session.machines:
            for system, seed in members:
                session.chains[system, machine.name].raw_scores(machine.test, seed)
        session.write(name)
    return session


def kept(results, kind):
    return {p.name: p.stat().st_mtime_ns for p in (results / "store" / kind).glob("*.npz")}


def test_rescorings_and_ensembles_train_nothing_that_is_in_the_store(data_folder, tmp_path):
    worked(opened(["adasub", "cohgate", "refsub"], "dev", data_folder, tmp_path, machines=["fan"]))
    weights = kept(tmp_path, "weights")
    assert len(weights) == 3 * 2  # three front-ends, two seeds
    worked(opened(["s1", "s2", "s3", "s4", "ledoit_wolf"], "dev", data_folder, tmp_path, machines=["fan"]))
    assert kept(tmp_path, "weights") == weights


def test_each_clip_is_read_once_for_the_features_of_all_systems(data_folder, tmp_path, monkeypatch):
    reads = Counter()
    plain = data.read_wave
    monkeypatch.setattr(house.data, "read_wave", lambda clip: reads.update([clip.path]) or plain(clip))
    session = opened(["ae", "refsub", "adasub", "s1", "cohgate"], "dev", data_folder, tmp_path, machines=["fan"])
    session.extract()
    (machine,) = session.machines
    assert {reads[clip.path] for clip in machine.test} == {1}
    assert {reads[clip.path] for clip in machine.train} == {2}  # once to learn G, once for all features
    session.extract()
    assert {reads[clip.path] for clip in machine.test} == {1}
    assert len(kept(tmp_path, "features")) == 2 * 4  # near, refsub, adasub (s1 too), cohgate; train and test


def test_jobs_are_one_a_training_and_seed_and_none_when_all_is_done(data_folder, tmp_path):
    session = opened(["adasub", "s1", "ae"], "dev", data_folder, tmp_path)
    session.extract()
    assert sorted(j.name for j in session.jobs() if "fan" in j.name) == [
        "dev_fan_adasub+s1_seed_0",
        "dev_fan_adasub+s1_seed_1",
        "dev_fan_ae_seed_0",
        "dev_fan_ae_seed_1",
    ]
    assert worked(session).jobs() == []


def test_members_are_chosen_on_the_development_set_and_only_read_for_evaluation(data_folder, tmp_path):
    sets = ["size=2"]
    with pytest.raises(BadInput, match="s4/selected.json: no such file; .* run `-d s4` first"):
        opened(["s4"], "eval", data_folder, tmp_path, sets)
    dev = opened(["s4"], "dev", data_folder, tmp_path, sets)
    candidates = list(dev.members["s4"])
    worked(dev)
    record = json.loads((tmp_path / "dev" / "s4" / "selected.json").read_text())
    omegas = {(system, seed): omega for system, seed, omega in record["from"]}
    assert set(omegas) == set(candidates) and len(record["chosen"]) == 2
    assert min(omega for *_, omega in record["chosen"]) >= sorted(omegas.values())[-2]
    assert opened(["s4"], "eval", data_folder, tmp_path, sets).members["s4"] == dev.members["s4"]
    with pytest.raises(BadInput, match="chosen with other numbers of adasub, refsub"):
        opened(["s4"], "eval", data_folder, tmp_path, [*sets, "detector.training.epochs=3"])


def test_the_selection_takes_the_highest_and_breaks_ties_by_name():
    omegas = {("b", 0): 0.7, ("a", 1): 0.6, ("a", 0): 0.6, ("b", 1): 0.5}
    recipe = SelectedEnsemble(("a", "b"), None, size=2)
    assert recipe.choose(omegas) == [("b", 0), ("a", 0)]


def test_an_ensemble_is_the_mean_of_its_members_standardised_scores(data_folder, tmp_path):
    worked(opened(["adasub", "cohgate", "s3"], "dev", data_folder, tmp_path, machines=["fan"]))
    name = "anomaly_score_fan_section_00_test.csv"
    members = [
        read_rows(tmp_path / "dev" / s / "seeds" / str(seed) / name) for s in ("adasub", "cohgate") for seed in (0, 1)
    ]
    combo = read_rows(tmp_path / "dev" / "s3" / name)
    for clip, score in combo.items():
        assert score == pytest.approx(np.mean([m[clip] for m in members]), rel=1e-12)


def test_an_ensemble_of_ensembles_is_refused():
    with pytest.raises(BadInput, match="member 's4' is an ensemble itself"):
        systems.load_members(systems.load("s3", ["members=adasub,s4"]))


def test_numbers_for_an_ensembles_members_reach_them_and_its_own_stay():
    recipe = systems.load("s4", ["size=3", "detector.training.epochs=7"])
    members = systems.load_members(recipe, ["size=3", "detector.training.epochs=7"])
    assert recipe.size == 3 and {m.detector.training.epochs for m in members.values()} == {7}


def test_a_larger_selection_is_not_replaced_by_a_smaller_one(data_folder, tmp_path):
    worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"]))
    kept_file = (tmp_path / "dev" / "s4" / "selected.json").read_bytes()
    with pytest.raises(BadInput, match="was chosen among 4 on fan, pump, more than now; it is kept"):
        worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"], machines=["fan"]))
    assert (tmp_path / "dev" / "s4" / "selected.json").read_bytes() == kept_file


def test_a_development_selection_is_verified_by_reading_it(data_folder, tmp_path):
    worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"]))
    frozen = {"may_train": False, "may_select": False, "machines": ["fan"]}
    opened(["s4"], "dev", data_folder, tmp_path, ["size=2"], **frozen, splits=("train",)).verify_here()
    other = opened(["s4"], "dev", data_folder, tmp_path, ["size=2", "calibration.quantile=0.8"], **frozen)
    with pytest.raises(BadInput, match="system.yaml: the results are of other numbers, seeds or members"):
        other.verify()


def test_training_alone_needs_no_test_clip_and_writes_training_scores(data_folder, tmp_path):
    session = worked(opened(["ae", "s4"], "dev", data_folder, tmp_path, machines=["fan"], splits=("train",)))
    folder = session.folder("ae").folder
    assert not list(folder.glob("anomaly_score_*.csv"))
    assert len(read_rows(folder / "train_scores" / "anomaly_score_fan_section_00_train.csv")) == 18
    assert not (tmp_path / "dev" / "s4" / "selected.json").exists()


def test_a_training_clip_that_changes_its_domain_is_noticed(data_folder, tmp_path):
    before = worked(opened(["baseline_mahala"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,)))
    chain = before.chains["baseline_mahala", "fan"]
    flipped = replace(chain, is_target=~chain.is_target)
    assert flipped.data_key != chain.data_key and not flipped.done(before.machines[0].test, 0)


def test_a_development_set_that_cannot_be_evaluated_is_refused_before_training(data_folder, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    for path in (copy / "dev_data" / "raw" / "fan" / "test").glob("*target_test_normal*"):
        path.unlink()
    with pytest.raises(BadInput, match="fan: 4 source normals, 0 target normals, 8 anomalies"):
        opened(["ae"], "dev", copy, tmp_path / "r")


def test_hidden_files_of_other_systems_are_no_clips(data_folder, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    for split in ("train", "test", "test_rename"):
        (copy / "eval_data" / "raw" / "drone" / split / "._section_00_0000.wav").write_bytes(b"Mac OS X")
    session = worked(opened(["ae"], "eval", copy, tmp_path / "r", seeds=(0,)))
    verifier = opened(["ae"], "eval", copy, tmp_path / "r", seeds=(0,), may_train=False, splits=("train",))
    verifier.verify_here()
    assert len(session.evaluate("ae")) == 3
