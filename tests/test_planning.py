"""The plan: what is left to do, from a few real steps, without a trace; and a run cut to some hours."""

import pytest
from test_session import opened, worked

import run as command_line
from asd.contracts import Pace
from asd.errors import BadInput
from asd.programs import hours
from asd.programs.developing import develop
from asd.programs.hours import fitted_into
from asd.programs.planning import Estimate, Plan, may_be_long, planned, start, told
from asd.programs.request import Request

START = start


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr("asd.training.REHEARSAL", 0.02)
    monkeypatch.setattr("asd.programs.planning.start", lambda: 0.25)


def test_the_plan_counts_jobs_and_steps_and_leaves_nothing(data_folder, tmp_path):
    session = opened(["adasub", "s1", "baseline_mse"], "dev", data_folder, tmp_path / "results", machines=["fan"])
    plan = planned(session)
    assert {(e.names, e.jobs, e.stored) for e in plan.estimates} == {
        (("adasub", "s1"), 2, 0),
        (("baseline_mse",), 2, 0),
    }
    chain = session.chains["baseline_mse", "fan"]
    n_rows = sum(len(chain.read(clip)[0]) // 512 + 1 - 4 for clip in chain.train)
    (pace,) = next(e.paces for e in plan.estimates if e.names == ("baseline_mse",))
    training = chain.system.detector.training
    assert (pace.epochs, pace.steps) == (training.epochs, -(-(n_rows - int(0.1 * n_rows)) // training.batch_size))
    assert pace.windows == n_rows - int(0.1 * n_rows) and pace.epoch_seconds > 0 and plan.features > 0
    assert not (tmp_path / "results").exists()
    text = told(plan, session)
    assert "adasub, s1" in text and "MB each" in text and "workers" in text


def test_what_the_store_has_is_not_planned_again(data_folder, tmp_path):
    worked(opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,)))
    plan = planned(opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0, 1)))
    assert [(e.jobs, e.stored) for e in plan.estimates] == [(1, 1)] and plan.features == 0
    done = opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,))
    assert "nothing is left to train" in told(planned(done), done)


def test_a_student_that_has_to_be_trained_first_is_rehearsed(data_folder, tmp_path):
    session = opened(["ssd", "ssd_s1"], "dev", data_folder, tmp_path / "results", machines=["fan"], seeds=(0,))
    plan = planned(session)
    (student,) = plan.frontends
    n_clips, recipe = len(session.machine("fan").train), session.chains["ssd", "fan"].system.frontend
    assert student.names == ("ssd", "ssd_s1") and student.jobs == 1 and student.bytes > 0
    targets, training = student.paces
    assert (targets.epochs, targets.windows) == (1, n_clips) and targets.epoch_seconds > 0
    assert training.epochs == recipe.training.epochs and training.windows <= recipe.training.windows_per_epoch
    assert {e.names for e in plan.estimates} == {("ssd",), ("ssd_s1",)} and plan.seconds > student.training > 0
    assert "front-end of ssd, ssd_s1" in told(plan, session) and not (tmp_path / "results").exists()


def test_a_job_counts_what_its_process_takes_to_begin(data_folder, tmp_path):
    session = opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,))
    assert planned(session).estimates[0].scoring > 0.25 and START() > 0.1  # the real one: a process that imports


def test_frontends_are_trained_side_by_side_on_a_cluster_only():
    student = Estimate(("ssd",), 4, 0, (Pace(10, 40, 10_000, 10.0),), 0.0, 5)
    assert Plan((), 0.0, 0, (student,), 2).seconds == 400
    assert Plan((), 0.0, 0, (student,), 2, "tcp://head:8786").seconds == 200


def test_a_long_run_is_estimated_before_it_begins(data_folder, tmp_path, monkeypatch):
    several = [opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0, 1))]
    assert not may_be_long(several[0])
    uncut = ["detector.training.epochs=100000"]
    several.append(opened(["baseline_mse"], "dev", data_folder, tmp_path, uncut, machines=["fan"], seeds=(0, 1)))
    assert may_be_long(several[1])
    monkeypatch.setattr("asd.programs.developing.fit", lambda session: None)
    monkeypatch.setattr("asd.programs.developing.write", lambda session, name: False)
    said = []
    for session in several:
        develop(session.request, said.append)
    assert ["100000 x" in line for line in said].count(True) == 1


def one_job(seconds=100.0, windows=10_000, epochs=10):
    pace = Pace(epochs, 40, windows, seconds / epochs)
    return Plan((Estimate(("ae",), 1, 0, (pace,), 10.0, 5),), 20.0, 5, (), 2)


def test_a_plan_cannot_be_shorter_than_its_longest_job():
    assert one_job().seconds == 20 / 2 + 110


def wanted(results):
    return Request.of("dev", ["ae"], data=None, results=results)


def test_windows_are_cut_before_epochs_to_fit_the_hours(tmp_path):
    plan = Plan((Estimate(("ae",), 4, 0, (Pace(10, 40, 10_000, 10.0),), 10.0, 5),), 20.0, 5, (), 2)
    request, text = fitted_into(
        plan, wanted(tmp_path), (10 + 20 + 50) / 3600
    )  # features, scoring, a quarter of the training
    training = request.trained["ae"].detector.training
    assert (training.windows_per_epoch, training.epochs) == (2500, 10) and "windows_per_epoch 2500" in text
    assert request.recipes["ae"].detector.training == training
    request, _ = fitted_into(plan, wanted(tmp_path), (10 + 20 + 2) / 3600)
    training = request.trained["ae"].detector.training
    assert (training.windows_per_epoch, training.epochs) == (hours.FEWEST, 3)  # 100 of 10,000 windows, ten times
    same, text = fitted_into(plan, wanted(tmp_path), 1.0)
    assert same == wanted(tmp_path) and text.startswith("all of it fits into 1 h")
    with pytest.raises(
        BadInput, match="--hours 0.008.*: not enough for an epoch of each training; uncut it takes about 4 min"
    ):
        fitted_into(plan, wanted(tmp_path), 30 / 3600)
    with pytest.raises(BadInput, match="--hours 0.008.*: not enough"):
        fitted_into(Plan((), 200.0, 5, (), 2), wanted(tmp_path), 30 / 3600)  # features alone


def test_what_was_cut_once_is_cut_alike_again(tmp_path):
    hours = (10 + 20 + 50) / 3600
    plan = Plan((Estimate(("ae",), 4, 0, (Pace(10, 40, 10_000, 10.0),), 10.0, 5),), 20.0, 5, (), 2)
    first, _ = fitted_into(plan, wanted(tmp_path), hours)
    slower = Plan((Estimate(("ae",), 4, 0, (Pace(10, 40, 10_000, 30.0),), 10.0, 5),), 20.0, 5, (), 2)
    assert fitted_into(slower, wanted(tmp_path), hours)[0] == first
    assert fitted_into(slower, wanted(tmp_path), 2 * hours)[0] != first
    (tmp_path / "hours.json").write_text("{")
    with pytest.raises(BadInput, match=r"hours.json: not what .* writes \(no JSON"):
        fitted_into(plan, wanted(tmp_path), hours)


def test_rounds_of_jobs_count_whole_and_idle_workers_do_not_help():
    pace = Pace(10, 40, 10_000, 10.0)
    assert Plan((Estimate(("ae",), 17, 0, (pace,), 0.0, 5),), 0.0, 0, (), 16).seconds == 200
    request = Plan((Estimate(("ae",), 1, 0, (pace,), 0.0, 5),), 0.0, 0, (), 16)
    assert hours.cuts(request, 50 / 3600) == {"ae": {"windows_per_epoch": 5000, "epochs": 10}}


def test_what_is_trained_has_its_scores_alone_to_plan(data_folder, tmp_path):
    worked(opened(["adasub"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,)))
    (estimate,) = planned(opened(["s1"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,))).estimates
    assert estimate.jobs == 1 and estimate.paces == () and estimate.training == 0 and estimate.scoring > 0


def test_run_with_plan_prints_and_writes_nothing(data_folder, tmp_path, capsys):
    words = ["-d", "baseline_mse", "--data", str(data_folder), "--results", str(tmp_path / "r"), "--machines", "fan"]
    assert command_line.main([*words, "--plan"]) == 0
    assert "training of" in capsys.readouterr().out and not (tmp_path / "r").exists()
    assert command_line.main([*words, "--hours", "0"]) == 2
    assert "--hours 0: above 0 expected" in capsys.readouterr().err


def test_hours_are_recorded_as_numbers(data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(hours, "FEWEST", 16)
    monkeypatch.setattr("asd.programs.developing.planned", lambda session: one_job(7200.0))
    words = ["-d", "ae", "--data", str(data_folder), "--results", str(tmp_path), "--machines", "fan", "--seeds", "0,"]
    small = ["--set", "detector.network.width=8", "--set", "detector.training.epochs=2", "--workers", "1"]
    assert command_line.main([*words, *small, "--hours", "0.02"]) == 0
    text = (tmp_path / "dev" / "ae" / "system.yaml").read_text()
    assert f"windows_per_epoch: {int((72 - 10 - 10) / 7200 * 10_000)}" in text
