"""Worker processes: what they leave, how they fail, and what a person is told meanwhile."""

import os
import signal
import subprocess
import sys
import time

import pytest

from asd import jobs, progress
from asd.errors import BadInput
from asd.jobs import Job, JobFailed, Processes, run_all
from asd.programs.versions import refuse_others, versions_here
from asd.progress import Progress, share_done


def python(name, text):
    return Job(name, (sys.executable, "-c", text))


def test_all_jobs_run_and_their_logs_stay(tmp_path):
    run_all([python(f"job{i}", f"print('made {i}')") for i in range(3)], Processes(2), tmp_path)
    assert [(tmp_path / f"job{i}.log").read_text() for i in range(3)] == [f"made {i}\n" for i in range(3)]


def test_bad_input_is_told_as_it_is_and_anything_else_with_its_log(tmp_path):
    with pytest.raises(BadInput, match="^fan: no clip$"):
        run_all([python("a", "import sys; print('fan: no clip'); sys.exit(2)")], Processes(1), tmp_path)
    with pytest.raises(JobFailed, match="b: exit code 1 on .*, log .*b.log: ZeroDivisionError"):
        run_all([python("b", "1 / 0")], Processes(1), tmp_path)


KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def test_a_job_that_is_killed_is_begun_again_and_told_as_such_in_the_end(tmp_path, capsys):
    once = f"from pathlib import Path; p = Path({str(tmp_path / 'tried')!r})\nif not p.exists():\n p.touch()\n {KILLED}"
    with pytest.raises(JobFailed, match=r"always: ended by signal SIGKILL on .*: by the system, if .* MB"):
        run_all([python("once", once), python("always", KILLED)], Processes(1), tmp_path)
    told = capsys.readouterr().err
    assert [told.count(f"{name}: ended by signal SIGKILL") for name in ("once", "always")] == [1, 3]
    assert told.count("begun again") == 3


def test_failures_are_told_in_a_line_and_do_not_stop_the_others(tmp_path, capsys):
    with pytest.raises(JobFailed, match="(?s)^2 of 3 jobs failed, .*command goes on from it:\nfails: .*\nrefuses: "):
        refuses = python("refuses", "import sys; print('no'); sys.exit(2)")
        run_all([python("fails", "1 / 0"), refuses, python("works", "print('done')")], Processes(1), tmp_path)
    assert (tmp_path / "works.log").read_text() == "done\n"
    assert "failed: fails: exit code 1 on" in capsys.readouterr().err


def test_one_line_tells_how_far_the_whole_run_is(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO", "asd.progress")
    monkeypatch.setattr(jobs, "LOOK", 0.05)
    monkeypatch.setattr(progress, "TELL", 0.2)
    text = "import time; print('epoch 1 of 4: training loss 1', flush=True); time.sleep(1.5)"
    run_all([python("quick", ""), python("fan_seed_3", text)], Processes(1), tmp_path)
    lines = [line for line in caplog.messages if "fan_seed_3" in line]
    assert lines[-1].startswith("1 of 2 jobs done, about ") and "left; running: fan_seed_3 (epoch 1 of 4)" in lines[-1]


def test_progress_is_of_the_last_epoch_told(tmp_path):
    log = tmp_path / "a.log"
    assert share_done(log) == (0, 0)
    log.write_text("epoch 1 of 2: training loss 1\nsomething\nepoch 2 of 2: x\nepoch 1 of 9: training loss 3\n")
    assert share_done(log) == (1, 9)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(tmp_path, how):
    """As run.py does: SIGTERM ends the workers on the way out, and one whose parent was killed ends by itself."""
    child = (
        "import os, sys, time\n"
        "from asd.process import end_with_parent\n"
        "end_with_parent()\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    parent = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from asd.jobs import Job, Processes, run_all\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"run_all([Job('a', (sys.executable, '-c', {child!r}))], Processes(1), Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], env={**os.environ, "PYTHONPATH": jobs.PATH})
    log = tmp_path / "a.log"
    wait_for(lambda: log.exists() and log.read_text().strip())
    worker = int(log.read_text())
    process.send_signal(how)
    assert process.wait(timeout=10) == (143 if how == signal.SIGTERM else -signal.SIGKILL)
    wait_for(lambda: not is_running(worker))


def is_running(pid):
    """A zombie that nobody collects is not."""
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=10):
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)


def test_a_worker_with_other_versions_refuses_its_job_by_name():
    here = versions_here()
    refuse_others({"torch": here["torch"]}, here)
    with pytest.raises(BadInput, match=r"worker on .*: torch .*, run.py has 1.0; code of ae None, run.py has abc \("):
        refuse_others({"torch": "1.0", "code of ae": "abc"}, here)


def test_the_time_left_is_of_jobs_of_the_same_kind(tmp_path, monkeypatch):
    now = iter([0, 0, 10, 40, 130])
    monkeypatch.setattr("asd.progress.time.monotonic", lambda: next(now))
    kinds = {"long_0": "long", "short_0": "short", "short_1": "short", "long_1": "long"}
    shown = Progress({name: tmp_path / name for name in kinds}, kinds)
    (tmp_path / "long_0").touch()
    (tmp_path / "short_0").touch()
    look = lambda *left: (shown.look(left, ""), shown.seconds_left(left, 2))[1]  # noqa: E731
    assert look(*kinds) == 0  # nothing is known
    (tmp_path / "long_0").write_text("epoch 1 of 10: loss\n")
    assert look("long_0", "short_1", "long_1") == (90 + 10 + 100) / 2  # short_0 took 10 s, long_0 will take 100
    (tmp_path / "long_0").write_text("epoch 4 of 10: loss\n")
    (tmp_path / "short_1").touch()
    assert look("long_0", "short_1", "long_1") == 100  # no less than the longest that has not begun
    assert look("long_1") == 130  # as long as long_0 has taken


def test_the_length_of_a_job_that_failed_tells_nothing(tmp_path, monkeypatch):
    now = iter([0, 0, 3])
    monkeypatch.setattr("asd.progress.time.monotonic", lambda: next(now))
    shown = Progress({name: tmp_path / name for name in "abc"}, dict.fromkeys("abc", ""))
    (tmp_path / "a").touch()
    shown.look("abc", "")
    shown.failed("a")
    shown.look("bc", "")
    assert shown.seconds_left("bc", 1) == 0
