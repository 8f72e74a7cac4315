"""Several runs in one results folder: one set of numbers at a time, no mixed rows, no other run's Ω."""

import subprocess
import sys
import threading

import pytest
from test_session import QUICK, opened, worked

import run as command_line
from asd import locks
from asd.errors import BadInput
from asd.jobs import PATH
from asd.programs.packaging import same_making
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import evaluate
from asd.results import ResultFolder, read_record
from asd.store import Store, write_json

RECORD = {"numbers": 3}
CLIPS = {"train": "t", "test": "x", "n_train": 2, "n_test": 1}


def of_data(folder, **departing):
    return {"folder": folder, **CLIPS, **departing}


@pytest.fixture
def holder(tmp_path):
    """A process that claims the numbers {"width": 8} in tmp_path/ae, for as long as its input is open."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom asd.results import ResultFolder\n"
        "with ResultFolder(Path(sys.argv[1])).claimed({'width': 8}):\n"
        "    print('claimed', flush=True)\n    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ae")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": PATH}
    )
    assert process.stdout.readline() == "claimed\n"
    yield process
    process.kill()
    process.wait()


def test_runs_of_other_numbers_are_refused_by_name_while_one_is_under_way(tmp_path, holder):
    folder = ResultFolder(tmp_path / "ae")
    with folder.claimed({"width": 8}):
        pass
    message = rf"ae: process {holder.pid} on .*, since ..:.., makes results of other numbers here \(width 8, here 16\)"
    with pytest.raises(BadInput, match=message), folder.claimed({"width": 16}):
        pass
    holder.kill()
    holder.wait()
    with folder.claimed({"width": 16}), pytest.raises(BadInput, match="width 16, here 8"), folder.claimed({"width": 8}):
        pass


def test_a_lock_is_one_process_at_a_time_and_a_file_system_without_is_refused(tmp_path, monkeypatch):
    with locks.locked(tmp_path / "lock"), open(tmp_path / "lock") as other:
        assert not locks._locks(other, locks.fcntl.LOCK_EX | locks.fcntl.LOCK_NB)

    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    refused = r"lock: this file system has no locks \(No locks available\), .* give another folder with --results"
    with pytest.raises(BadInput, match=refused), locks.locked(tmp_path / "lock"):
        pass


def test_two_runs_never_do_the_same_work_at_once(tmp_path):
    store, seen = Store(tmp_path), []

    def work(name):
        with store.scratch("weights", RECORD) as folder:
            seen.append((name, folder.is_dir()))

    with store.scratch("weights", RECORD):
        other = threading.Thread(target=work, args=["other"])
        other.start()
        other.join(0.2)
        seen.append(("first", True))
    other.join(5)
    assert seen == [("first", True), ("other", True)] and list((tmp_path / "scratch" / "weights").iterdir()) == []


def test_rows_of_a_second_data_folder_replace_all_or_nothing(tmp_path):
    folder = ResultFolder(tmp_path / "ae")
    folder.begin({"width": 8})
    for machine in ("fan", "pump"):
        record = {"members": [], "parameters": 0, "macs_per_clip": 0, "threshold": 0.0, "data": of_data("/a")}
        record["training_seconds"] = 0.0
        folder.record({}, machine, record)
    assert folder.begin({"width": 8}, {"fan": of_data("/b")}) == ""  # the same clips, moved
    assert folder.begin({"width": 8}, {"fan": of_data("/a", test="y")}) == "rows of other clips replaced: fan"
    assert folder.begin({"width": 8}, {"fan": of_data("/b", test="", n_test=0)}) == ""  # trained alone
    other = of_data("/b", train="u")
    with pytest.raises(BadInput, match="rows of pump are of /a, not of /b, and would stay .*rm -r .*ae$"):
        folder.begin({"width": 8}, {"fan": other})
    with pytest.raises(BadInput, match="rows of fan, pump are of /a, not of /b"):
        folder.begin({"width": 8}, {"valve": other})
    assert folder.begin({"width": 8}, {"fan": other, "pump": other}) == "rows of other clips replaced: fan, pump"
    assert "other numbers, seeds or members removed (fan, pump); the store" in folder.begin(
        {"width": 9}, {"fan": other}
    )


@pytest.fixture(scope="module")
def array(data_folder, tmp_path_factory):
    """Results of a job array over machines, with its two Ω tables."""
    results = tmp_path_factory.mktemp("array")
    runs = [worked(of_machine(data_folder, results, machine)) for machine in ("fan", "pump")]
    return results, [evaluate(run, "stats_maha") for run in runs]


def of_machine(data_folder, results, machine, *sets):
    fields = {"data": data_folder, "results": results, "machines": [machine], "device": "cpu"}
    return Session(Request.of("dev", ["stats_maha"], sets, **fields))


def test_omega_is_of_all_that_the_folder_holds_and_never_of_another_runs_numbers(array, data_folder):
    results, tables = array
    assert [row[0] for row in tables[1]] == ["machine", "fan", "pump", "harmonic mean"] and tables[0] == tables[1]
    assert (results / "dev" / "stats_maha" / "omega.csv").read_text().count("\n") == 4
    other = of_machine(data_folder, results, "fan", "calibration.quantile=0.8")
    with pytest.raises(BadInput, match="system.yaml: the results are of other numbers, seeds or members"):
        evaluate(other, "stats_maha")


def test_a_package_is_of_scores_that_the_same_numbers_and_code_have_made(array, tmp_path):
    results, *_ = array
    dev = results / "dev" / "stats_maha"
    same_making(dev, dev)
    record = read_record(dev)
    for key, message in (
        ("made_by", "made by other code"),
        ("numbers", "not what fan's scores"),
        ("files", "not those"),
    ):
        other = {**record, "machines": {**record["machines"], "fan": {**record["machines"]["fan"], key: "0"}}}
        write_json(dev / "run.json", other)
        with pytest.raises(BadInput, match=message):
            same_making(dev, dev)
        write_json(dev / "run.json", record)


def test_a_run_is_refused_before_any_work_where_another_has_the_folder(data_folder, tmp_path, capsys):
    with ResultFolder(tmp_path / "dev" / "ae").claimed({"recipe": {}}):
        words = ["-d", "ae", "--data", data_folder, "--results", tmp_path, "--machines", "fan", "--set", QUICK[0]]
        assert command_line.main([*map(str, words)]) == 2
    assert "dev/ae: process" in capsys.readouterr().err and not (tmp_path / "store" / "features").exists()


def test_quick_results_say_so(data_folder, tmp_path):
    session = opened(["ae"], "dev", data_folder, tmp_path, machines=["fan"])
    plain = session.resolved("ae")
    assert "quick" not in plain
    object.__setattr__(session.request, "quick", True)
    assert session.resolved("ae") == {**plain, "quick": True}
