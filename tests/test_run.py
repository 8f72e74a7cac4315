"""run.py as a person meets it: whole runs on the tiny data set, killed runs, and mistakes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from conftest import tone_in_noise, write_clip

import run as command_line

RUN = str(Path(__file__).resolve().parent.parent / "run.py")
QUICK = ("--set", "detector.training.epochs=2")


def run(*words, expect=0):
    """The command, its workers in processes of their own; what it printed, or said on its way to a failure."""
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
        code = command_line.main([str(word) for word in words])
    assert code == expect, printed.getvalue() + said.getvalue()
    return printed.getvalue() if expect == 0 else said.getvalue()


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def csvs(results):
    return {p.relative_to(results): p.read_bytes() for p in results.rglob("*.csv") if "training_" not in p.name}


@pytest.fixture(scope="module")
def dev(data_folder, tmp_path_factory):
    """A development run of both baselines: (its results folder, what it printed)."""
    results = tmp_path_factory.mktemp("dev")
    return results, run("-d", "--data", data_folder, "--results", results, *QUICK)


def test_a_development_run_prints_omega_and_writes_every_file(dev):
    results, printed = dev
    table = rows(results / "dev" / "baseline_mse" / "omega.csv")
    assert [row[0] for row in table] == ["machine", "fan", "pump", "harmonic mean"]
    assert f"Ω = {table[-1][4]}" in printed and "baseline_mahala" in printed
    assert f"next: python tools/omega.py {results / 'dev'} --ci" in printed
    for folder in (results / "dev" / "baseline_mse", results / "dev" / "baseline_mse" / "seeds" / "13711"):
        scores = rows(folder / "anomaly_score_fan_section_00_test.csv")
        decisions = rows(folder / "decision_result_fan_section_00_test.csv")
        assert [r[0] for r in scores] == [r[0] for r in decisions] == sorted(r[0] for r in scores)
        assert len(scores) == 16 and {r[1] for r in decisions} <= {"0", "1"}
        assert len(rows(folder / "train_scores" / "anomaly_score_fan_section_00_train.csv")) == 18
    record = json.loads((results / "dev" / "baseline_mse" / "run.json").read_text())
    assert record["machines"]["pump"]["parameters"] == 267_928 and record["threads"] == 1
    assert record["machines"]["pump"]["macs_per_clip"] == 28 * 264_192  # the first training clip: 32 frames
    assert len(rows(results / "dev" / "baseline_mse" / "seeds" / "13711" / "training_fan.csv")) == 3
    assert "epochs: 2" in (results / "dev" / "baseline_mse" / "system.yaml").read_text()


def test_both_baselines_share_one_training(dev):
    results, _ = dev
    assert len(list((results / "store" / "weights").glob("*.npz"))) == 2  # one a machine
    differ = [
        rows(results / "dev" / s / "anomaly_score_fan_section_00_test.csv") for s in ("baseline_mse", "baseline_mahala")
    ]
    assert differ[0] != differ[1]


def test_a_second_run_and_test_only_repeat_the_bytes_without_training(dev, data_folder):
    results, _ = dev
    before, weights = csvs(results), sorted((results / "store" / "weights").iterdir())
    stamps = [p.stat().st_mtime_ns for p in weights]
    run("-d", "--data", data_folder, "--results", results, *QUICK, "--test-only")
    assert csvs(results) == before
    assert [p.stat().st_mtime_ns for p in weights] == stamps


def test_an_evaluation_run_scores_anonymous_clips_and_evaluates_when_they_are_renamed(data_folder, tmp_path):
    printed = run("-e", "baseline_mse", "--data", data_folder, "--results", tmp_path / "a", *QUICK)
    scores = rows(tmp_path / "a" / "eval" / "baseline_mse" / "anomaly_score_drone_section_00_test.csv")
    assert [r[0] for r in scores] == [f"section_00_{i:04d}.wav" for i in range(16)]
    assert "Ω = " in printed
    copy = shutil.copytree(data_folder, tmp_path / "data")
    shutil.rmtree(copy / "eval_data" / "raw" / "drone" / "test_rename")
    assert "Ω = " not in run("-e", "baseline_mse", "--data", copy, "--results", tmp_path / "a", "--no-verify", *QUICK)


def test_training_first_and_testing_later_gives_the_same_bytes(data_folder, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    test = copy / "eval_data" / "raw" / "drone" / "test"
    shutil.move(test, tmp_path / "later")
    words = ("-e", "baseline_mse", "--data", copy, "--no-verify", *QUICK)
    run(*words, "--results", tmp_path / "a", "--train-only")
    shutil.move(tmp_path / "later", test)
    run(*words, "--results", tmp_path / "a", "--test-only")
    run(*words, "--results", tmp_path / "b")
    assert csvs(tmp_path / "a") == csvs(tmp_path / "b")


def test_a_replaced_clip_is_noticed(data_folder, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    words = ("-d", "baseline_mse", "--data", copy, "--machines", "fan", "--results", tmp_path / "r", *QUICK)
    run(*words)
    before = csvs(tmp_path / "r" / "dev")
    write_clip(
        next((copy / "dev_data" / "raw" / "fan" / "train").iterdir()), tone_in_noise(np.random.default_rng(9), 900)
    )
    assert "trained on other clips" in run(*words, "--test-only", expect=2)
    run(*words)
    assert csvs(tmp_path / "r" / "dev") != before


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def test_kill_9_in_mid_training_and_the_same_command_give_the_same_bytes(data_folder, tmp_path):
    words = ["-d", "baseline_mse", "baseline_mahala", "--machines", "fan", "--data", str(data_folder)]
    words += ["--set", "detector.training.epochs=150"]
    run(*words, "--results", tmp_path / "undisturbed")
    process = subprocess.Popen(
        [sys.executable, RUN, *words, "--results", str(tmp_path / "killed")], stdout=subprocess.DEVNULL
    )
    store = tmp_path / "killed" / "store"
    wait_for(lambda: list(store.rglob("checkpoint.pt")))
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 10)  # no orphan goes on
    assert list(store.rglob("checkpoint.pt")) and not list((store / "weights").glob("*.npz"))
    run(*words, "--results", tmp_path / "killed")
    assert csvs(tmp_path / "killed") == csvs(tmp_path / "undisturbed")
    assert not list(store.rglob("checkpoint.pt"))


def test_help_and_list_are_quick_and_need_no_heavy_package():
    code = f"import sys, runpy; sys.argv = ['run.py', '--list']; runpy.run_path({RUN!r}, run_name='__main__')"
    probe = (
        f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules, 'numpy' in sys.modules)); {code}"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=Path(RUN).parent)
    assert "baseline_mse" in done.stdout and done.stdout.splitlines()[-1] == "False False"
    listed = run("--list", "baseline_mse")
    assert "epochs: 100" in listed and "detector.network: OrganisersNet (or ResidualNet)" in listed


def test_a_reader_that_goes_away_is_no_error():
    process = subprocess.Popen(
        [sys.executable, RUN, "--list", "s1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.wait(timeout=60) == 141 and process.stderr.read() == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["baseline_mse"], "-d (development set) or -e (evaluation set) is needed"),
        (["-d", "baseline_mes"], "unknown system 'baseline_mes', did you mean 'baseline_mse'?"),
        (["-d", "--machines", "fam"], "no machine 'fam', did you mean 'fan'?"),
        (["-d", "--set", "detector.training.epoch=3"], "did you mean 'detector.training.epochs'?"),
        (["-d", "--set", "detector.training.epochs"], "expected part.field=value"),
        (["-d", "--seeds", "1,1"], "--seeds 1,1: expected how many"),
        (["-d", "--seeds", "many"], "--seeds many: expected how many"),
        (["-d", "--workers", "0"], "--workers 0: at least 1"),
        (["-d", "--test-only"], "nothing of this kind is there"),
        (["-d", "--set", "epochs=3"], "did you mean 'detector.training.epochs'?"),
        (["-d", "--machines", "fan", "s1"], "--machines fan s1: s1 is a system; systems go before --machines"),
        (["-d", "--seeds", "13711"], "for the one seed 13711 write --seeds 13711,"),
        (["-d", "gmm", "--machines", "fan", "--set", "detector.components=0"], "components 0: at least 1"),
        (["-d", "--data", "nowhere"], "tools/download.py dev"),
        (["-e", "s1", "--verify", "--seeds", "3"], "--verify proves what the results folder records: leave --set"),
        (["-e", "s1", "--verify"], "eval/s1/run.json: no such file; `python run.py -d|-e s1` writes"),
    ],
)
def test_mistakes_on_the_command_line_exit_with_2_and_say_what_to_do(data_folder, tmp_path, words, message, capsys):
    given = [*words, *([] if "--data" in words else ["--data", data_folder]), "--results", tmp_path / "results"]
    assert command_line.main(list(map(str, given))) == 2
    assert message in capsys.readouterr().err


def test_a_short_clip_and_one_with_nan_are_named_before_any_training(data_folder, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    train = sorted((copy / "dev_data" / "raw" / "fan" / "train").iterdir())
    for i, (wave, message) in enumerate(
        [(np.zeros((2, 1000)), "0.0625 s, 2 frames"), (np.full((2, 16_000), np.nan), "not a finite")]
    ):
        keep = train[i].read_bytes()
        write_clip(train[i], wave, subtype="FLOAT")
        told = run("-d", "--machines", "fan", "--data", copy, "--results", tmp_path / "r", *QUICK, expect=2)
        assert message in told and train[i].name in told
        assert not (tmp_path / "r" / "store" / "weights").exists()
        train[i].write_bytes(keep)


def test_a_results_folder_that_cannot_be_written_is_refused(data_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in run("-d", "--data", data_folder, "--results", tmp_path / "file", expect=2)
    locked = Path("/sys/results") if os.geteuid() == 0 else tmp_path / "locked"
    if os.geteuid() != 0:
        locked.mkdir(mode=0o500)
    assert "cannot be written" in run("-d", "--data", data_folder, "--results", locked, expect=2)
