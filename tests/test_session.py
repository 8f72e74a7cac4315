"""Sharing and selection: what is computed once, what an ensemble may choose and when."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import systems
from asd import data
from asd.errors import BadInput
from asd.programs import developing, proving
from asd.programs import session as house
from asd.programs.developing import develop, prove_what_is_new
from asd.programs.fitting import extract, jobs
from asd.programs.opening import open_run
from asd.programs.proving import prove, prove_here
from asd.programs.request import Request
from asd.programs.selected import told, write_selection
from asd.programs.session import Session
from asd.programs.writing import evaluate, write
from asd.score_files import read_rows
from asd.system import SelectedEnsemble

QUICK = ["detector.training.epochs=1", "detector.network.width=16"]


def opened(names, kind, data_folder, results, sets=(), **departing):
    fields = {"device": "cpu", "seeds": (0, 1), "data": data_folder, "results": results, **departing}
    return Session(Request.of(kind, names, [*QUICK, *sets], **fields))


def worked(session):
    """What `train` does, in this process."""
    extract(session)
    for name, members in list(session.members.items()):
        for machine in session.machines:
            for system, seed in members:
                session.chains[system, machine.name].raw_scores(machine.test, seed)
        if "test" in session.request.splits or not session.is_undecided(name):
            write(session, name)
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
    extract(session)
    (machine,) = session.machines
    assert {reads[clip.path] for clip in machine.test} == {1}
    assert {reads[clip.path] for clip in machine.train} == {2}  # once to learn G, once for all features
    extract(session)
    assert {reads[clip.path] for clip in machine.test} == {1}
    assert len(kept(tmp_path, "features")) == 2 * 4  # near, refsub, adasub (s1 too), cohgate; train and test


def test_jobs_are_one_a_training_and_seed_and_none_when_all_is_done(data_folder, tmp_path):
    session = opened(["adasub", "s1", "ae"], "dev", data_folder, tmp_path)
    extract(session)
    assert sorted(j.name for j in jobs(session) if "fan" in j.name) == [
        "dev_fan_seed_0_adasub+s1",
        "dev_fan_seed_0_ae",
        "dev_fan_seed_1_adasub+s1",
        "dev_fan_seed_1_ae",
    ]
    assert jobs(worked(session)) == []


def test_members_are_chosen_on_the_development_set_and_only_read_for_evaluation(data_folder, tmp_path):
    sets = ["size=2"]
    with pytest.raises(BadInput, match="s4/selected.json: no such file; .* run `-d s4` first"):
        opened(["s4"], "eval", data_folder, tmp_path, sets)
    dev = opened(["s4"], "dev", data_folder, tmp_path, sets)
    candidates = list(dev.members["s4"])
    worked(dev)
    record = json.loads((tmp_path / "dev" / "s4" / "selected.json").read_text())
    omegas, chosen = record["omega"], record["chosen"]
    assert set(omegas) == {f"{system}-{seed}" for system, seed in candidates} and len(chosen) == 2
    assert min(omegas[label] for label in chosen) >= sorted(omegas.values())[-2]
    assert opened(["s4"], "eval", data_folder, tmp_path, sets).members["s4"] == dev.members["s4"]
    with pytest.raises(BadInput, match="chosen with other numbers of adasub, refsub"):
        opened(["s4"], "eval", data_folder, tmp_path, [*sets, "detector.training.epochs=3"])


def test_the_selection_takes_the_highest_and_of_equal_ones_the_first():
    omegas = {"a-0": 0.6, "a-1": 0.6, "b-0": 0.7, "b-1": 0.5}
    recipe = SelectedEnsemble(("a", "b"), None, size=2)
    assert recipe.choose(omegas) == ["b-0", "a-0"]


def test_one_number_is_chosen_on_the_development_set_and_only_read_for_evaluation(data_folder, tmp_path):
    with pytest.raises(BadInput, match="selected.json: no such file; detector.attenuation of msm_dsp_knn is chosen"):
        opened(["msm_dsp_knn"], "eval", data_folder, tmp_path, seeds=(0,))
    dev = worked(opened(["msm_dsp_knn"], "dev", data_folder, tmp_path, seeds=(0,)))
    assert len(kept(tmp_path, "weights")) == 2  # one training per machine, whatever λ
    record = json.loads((tmp_path / "dev" / "msm_dsp_knn" / "selected.json").read_text())
    assert set(record["omega"]) == {f"detector.attenuation={v}" for v in (0.0, 0.25, 0.5, 0.75, 1.0)}
    (label,) = record["chosen"]
    assert record["omega"][label] == max(record["omega"].values()) and record["machines"] == ["fan", "pump"]
    ((variant, seed),) = dev.members["msm_dsp_knn"]
    assert (variant, seed) == (f"msm_dsp_knn:{label}", 0)
    chosen = opened(["msm_dsp_knn"], "eval", data_folder, tmp_path, seeds=(3, 4))
    assert chosen.members["msm_dsp_knn"] == [(variant, 3), (variant, 4)]
    assert f"attenuation: {chosen.request.trained[variant].detector.attenuation}" in (
        (tmp_path / "dev" / "msm_dsp_knn" / "system.yaml").read_text()
    )


def test_the_variants_tell_the_number_apart_by_their_scores(data_folder, tmp_path):
    dev = worked(opened(["msm_dsp_knn"], "dev", data_folder, tmp_path, seeds=(0,), machines=["fan"]))
    (machine,) = dev.machines
    names = [f"msm_dsp_knn:detector.attenuation={v}" for v in (0.0, 1.0)]
    none, all_ = (dev.chains[name, "fan"].raw_scores(machine.test, 0) for name in names)
    assert not np.allclose(none, all_)


def test_a_number_given_by_a_person_is_not_chosen(data_folder, tmp_path):
    session = opened(["msm_dsp_knn"], "eval", data_folder, tmp_path, ["detector.attenuation=0.75"], seeds=(0,))
    assert session.members["msm_dsp_knn"] == [("msm_dsp_knn", 0)]
    assert session.request.trained["msm_dsp_knn"].detector.attenuation == 0.75


def test_an_ensemble_is_the_mean_of_its_members_standardised_scores(data_folder, tmp_path):
    worked(opened(["adasub", "cohgate", "s3"], "dev", data_folder, tmp_path, machines=["fan"]))
    name = "anomaly_score_fan_section_00_test.csv"
    members = [
        read_rows(tmp_path / "dev" / s / "seeds" / str(seed) / name) for s in ("adasub", "cohgate") for seed in (0, 1)
    ]
    combo = read_rows(tmp_path / "dev" / "s3" / name)
    for clip, score in combo.items():
        assert score == pytest.approx(np.mean([m[clip] for m in members]), rel=1e-12)


def test_systems_of_an_ensemble_count_alike_however_many_seeds_they_have(data_folder, tmp_path):
    own = ["members=stats_knn,adasub"]
    session = worked(opened(["s3"], "dev", data_folder, tmp_path, own, machines=["fan"]))
    (machine,) = session.machines
    name = "anomaly_score_fan_section_00_test.csv"
    folder = tmp_path / "dev" / "s3"
    both = read_rows(folder / name)
    one, *other = (read_rows(folder / "seeds" / of / name) for of in ("stats_knn-0", "adasub-0", "adasub-1"))
    assert session.members["s3"] == [("stats_knn", 0), ("adasub", 0), ("adasub", 1)]
    for clip, score in both.items():
        assert score == pytest.approx((one[clip] + (other[0][clip] + other[1][clip]) / 2) / 2, rel=1e-12)
    fitted = session.fitted("s3", machine)
    assert fitted(data.read_wave(machine.test[0])).score == both[machine.test[0].path.name]


def test_an_ensemble_of_ensembles_is_refused():
    with pytest.raises(BadInput, match="member 's4' is an ensemble itself"):
        systems.load_trained("s3", systems.load("s3", ["members=adasub,s4"]))


@pytest.mark.parametrize("members", ["", "s1,refsub,s1"])
def test_an_ensemble_has_members_each_once(members):
    with pytest.raises(BadInput, match=f"members '{members}': names of systems, one or more, each once, expected"):
        systems.load("s3", [f"members={members}"])


def test_numbers_for_an_ensembles_members_reach_them_and_its_own_stay():
    recipe = systems.load("s4", ["size=3", "detector.training.epochs=7"])
    members = systems.load_trained("s4", recipe, ["size=3", "detector.training.epochs=7"])
    assert recipe.size == 3 and {m.detector.training.epochs for m in members.values()} == {7}


def test_a_number_goes_to_the_members_that_have_it_and_to_one_at_least():
    sets = ["members=stats_knn,stats_maha,adasub", "detector.neighbours=3", "detector.training.epochs=7"]
    members = systems.load_trained("s0", systems.load("s0", sets), sets)
    assert members["stats_knn"].detector.neighbours == 3 and members["adasub"].detector.training.epochs == 7
    assert members["stats_maha"] == systems.load("stats_maha")
    with pytest.raises(
        BadInput, match=r"--set detector.neighbors=3 \(stats_knn\): .*did you mean 'detector.neighbours'"
    ):
        systems.load_trained("s0", systems.load("s0", sets[:1]), [*sets[:1], "detector.neighbors=3"])
    with pytest.raises(BadInput, match="neighbours"):
        systems.load_trained("s0", systems.load("s0", sets[:1]), [*sets[:1], "detector.neighbours=none"])
    gone = [*sets[:1], "detector=LocalDensity", "detector.mixup=0.5"]  # a number of the part that was replaced
    with pytest.raises(BadInput, match=r"--set detector.mixup=0.5 \(stats_knn\): unknown key"):
        systems.load_trained("s0", systems.load("s0", gone), gone)


def test_a_larger_selection_is_not_replaced_by_a_smaller_one(data_folder, tmp_path):
    worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"]))
    kept_file = (tmp_path / "dev" / "s4" / "selected.json").read_bytes()
    with pytest.raises(BadInput, match="was chosen among 4 on fan, pump, more than now; it is kept"):
        worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"], machines=["fan"]))
    assert (tmp_path / "dev" / "s4" / "selected.json").read_bytes() == kept_file


def test_a_development_selection_is_verified_by_reading_it(data_folder, tmp_path):
    worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"]))
    frozen = {"may_train": False, "may_select": False, "machines": ["fan"]}
    prove_here(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"], **frozen, splits=("train",)))
    with pytest.raises(BadInput, match="selected.json: chosen with other numbers of s4; run `-d s4` again"):
        opened(["s4"], "dev", data_folder, tmp_path, ["size=2", "calibration.quantile=0.8"], **frozen)


def test_results_of_other_numbers_are_not_proven(data_folder, tmp_path):
    worked(opened(["ae"], "dev", data_folder, tmp_path, machines=["fan"]))
    other = opened(
        ["ae"], "dev", data_folder, tmp_path, ["calibration.quantile=0.8"], machines=["fan"], may_train=False
    )
    with pytest.raises(BadInput, match="system.yaml: the results are of other numbers, seeds or members"):
        prove(other)


def test_a_proof_stands_until_files_or_what_they_are_made_from_change(data_folder, tmp_path, monkeypatch):
    proofs, told = [], []
    monkeypatch.setattr(proving, "run", lambda jobs, request: proofs.append(len(jobs)))  # a proof that finds nothing

    def again(*sets):
        session = Session(Request.of("eval", ["stats_maha"], sets, device="cpu", data=data_folder, results=tmp_path))
        before = proving.proofs(session)
        extract(session)
        write(session, "stats_maha")
        prove_what_is_new(session, before, told.append)
        record = session.folder("stats_maha").recorded("drone")
        assert record["verified"] == session.folder("stats_maha").proof("drone", "00")
        return len(proofs)

    assert again() == 1
    scores = tmp_path / "eval" / "stats_maha" / "anomaly_score_drone_section_00_test.csv"
    proven = scores.read_bytes()
    scores.write_text(proven.decode().replace("section_00_0000.wav,", "section_00_0000.wav,9"))
    session = Session(Request.of("eval", ["stats_maha"], device="cpu", data=data_folder, results=tmp_path))
    assert proving.still_proven(session, proving.proofs(session)) == []  # edited since
    assert again() == 1 and scores.read_bytes() == proven  # written anew as it was proven
    assert told[-1] == "proven already, nothing has changed since: stats_maha on drone (--verify proves again)"
    other = "calibration.quantile=0.8"
    assert again(other) == 2
    monkeypatch.setattr(proving, "versions", lambda session: {"torch": "another"})
    assert [again(other), again(other)] == [3, 3]
    session = Session(Request.of("eval", ["stats_maha"], [other], device="cpu", data=data_folder, results=tmp_path))
    as_begun = proving.proven_as(session, ("stats_maha", "drone"))

    def updated(jobs, request):
        monkeypatch.setattr(proving, "versions", lambda session: {"torch": "of an update while it is proven"})

    monkeypatch.setattr(proving, "run", updated)
    prove(session)  # --verify
    assert session.folder("stats_maha").recorded("drone")["proven_as"] == as_begun


def test_a_proof_is_of_clips_by_content_wherever_they_lie(data_folder, tmp_path):
    def proven_as():
        session = Session(Request.of("eval", ["stats_maha"], device="cpu", data=tmp_path, results=tmp_path))
        return proving.proven_as(session, ("stats_maha", "drone"))

    there = Session(Request.of("eval", ["stats_maha"], device="cpu", data=data_folder, results=tmp_path))
    shutil.copytree(data_folder / "eval_data", tmp_path / "eval_data")
    assert (moved := proven_as()) == proving.proven_as(there, ("stats_maha", "drone"))
    one, other = sorted((tmp_path / "eval_data" / "raw" / "drone" / "test").glob("*.wav"))[:2]
    one.write_bytes(other.read_bytes())  # another clip of the same name
    assert proven_as() != moved


def test_a_damaged_record_of_other_numbers_gives_way(data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(proving, "run", lambda jobs, request: None)
    monkeypatch.setattr(developing, "fit", extract)
    folder = tmp_path / "eval" / "stats_maha"
    folder.mkdir(parents=True)
    (folder / "system.yaml").write_text("of: other numbers\n")
    (folder / "run.json").write_text("{")
    request = Request.of("eval", ["stats_maha"], device="cpu", data=data_folder, results=tmp_path)
    develop(request, (told := []).append, proof=True)
    assert f"{folder}: results of other numbers, seeds or members removed" in told[1]
    (folder / "run.json").write_text("{")  # of these numbers: told before any work
    monkeypatch.setattr(developing, "fit", lambda session: pytest.fail("worked first"))
    with pytest.raises(BadInput, match=r"run.json: not what run.py writes"):
        develop(request, told.append, proof=True)


@pytest.mark.parametrize("names", [["adasub", "s3"], ["s3", "adasub"]])
def test_what_is_recorded_is_what_was_used_whatever_was_asked_for_beside_it(data_folder, tmp_path, names):
    sets = ["calibration.quantile=0.7"]  # of the ensemble; its members' own is not touched
    session = worked(opened(names, "dev", data_folder, tmp_path, sets, machines=["fan"]))
    for name in names:
        again = open_run(tmp_path / "dev" / name)
        machine = session.machines[0]
        assert again.fitted(name, machine).threshold == session.fitted(name, machine).threshold


def test_training_alone_leaves_an_earlier_choice_and_its_results_as_they_are(data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(developing, "proofs", lambda session: pytest.fail("proofs are asked for where none is wanted"))
    develop(request_of(["msm_dsp_knn"], data_folder, tmp_path), (of_dev := []).append)
    (label,) = json.loads((tmp_path / "dev" / "msm_dsp_knn" / "selected.json").read_text())["chosen"]
    assert f"selected.json: {label} chosen by Ω ({label} " in of_dev[-1]
    kept_files = {p: p.read_bytes() for p in (tmp_path / "dev").rglob("*") if p.is_file()}
    develop(request_of(["msm_dsp_knn"], data_folder, tmp_path, splits=("train",)), (of_training := []).append)
    assert "msm_dsp_knn: trained; what it averages is chosen once" in of_training[1]
    assert {p: p.read_bytes() for p in (tmp_path / "dev").rglob("*") if p.is_file()} == kept_files


@pytest.mark.parametrize(("value", "note"), [("0.0", "; note: far-conditioning is switched off"), ("0.25", "")])
def test_a_choice_that_switches_the_papers_idea_off_is_told(data_folder, tmp_path, value, note):
    request = request_of(["msm_dsp_knn"], data_folder, tmp_path)
    omegas = {label: 0.6 + label.endswith(f"={value}") for label in request.candidates("msm_dsp_knn")}
    chosen = {f"detector.attenuation={value}": []}
    write_selection(request, "msm_dsp_knn", chosen, omegas, ["fan"])
    line = told(request, "msm_dsp_knn")
    assert f"detector.attenuation={value} chosen by Ω (detector.attenuation={value} 1.6000, " in line
    assert line.partition(")")[2].startswith(note) and ("note" in line) == bool(note)


def request_of(names, data_folder, results, **departing):
    fields = {"data": data_folder, "results": results, "machines": ["fan"], "seeds": (0,), "device": "cpu", **departing}
    return Request.of("dev", names, QUICK, **fields)


def test_a_choice_of_a_member_that_is_no_longer_one_or_a_damaged_file_is_refused(data_folder, tmp_path):
    worked(opened(["s4"], "dev", data_folder, tmp_path, ["size=2"]))
    with pytest.raises(BadInput, match="chosen with other numbers of s4"):
        opened(["s4"], "eval", data_folder, tmp_path, ["size=2", "members=refsub"])
    (tmp_path / "dev" / "s4" / "selected.json").write_text("{")
    with pytest.raises(BadInput, match=r"selected.json: not what .* writes \(no JSON"):
        opened(["s4"], "eval", data_folder, tmp_path, ["size=2"])


def test_a_request_comes_back_from_its_text_as_it_was(data_folder, tmp_path):
    names = ["s1", "s4", "msm_dsp_knn", "gmm", "s0"]
    request = Request.of("dev", names, quick=True, data=data_folder, results=tmp_path, machines=["fan"], seeds=(3, 1))
    assert Request.parsed(request.text()) == request


def test_training_alone_needs_no_test_clip_and_writes_training_scores(data_folder, tmp_path):
    names = ["ae", "s4", "baseline_mse"]
    session = worked(opened(names, "dev", data_folder, tmp_path, machines=["fan"], splits=("train",)))
    folder, file = session.folder("ae").folder, "train_scores/anomaly_score_fan_section_00_train.csv"
    assert not list(folder.glob("anomaly_score_*.csv"))
    assert len(read_rows(session.folder("baseline_mse").folder / file)) == 18
    of_seeds = [read_rows(folder / "seeds" / seed / file) for seed in "01"]  # each scores what it left out
    assert read_rows(folder / file) == of_seeds[0] | of_seeds[1] and [len(scores) for scores in of_seeds] == [2, 2]
    assert not (tmp_path / "dev" / "s4" / "selected.json").exists()


def test_a_training_clip_that_changes_its_domain_is_noticed(data_folder, tmp_path):
    before = worked(opened(["baseline_mahala"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,)))
    chain = before.chains["baseline_mahala", "fan"]
    flipped = replace(chain, is_target=~chain.is_target)
    assert flipped.training_key != chain.training_key and not flipped.is_done(before.machines[0].test, 0)


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
    prove_here(verifier)
    assert len(evaluate(session, "ae")) == 3
