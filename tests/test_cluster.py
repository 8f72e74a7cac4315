"""The same jobs on Dask's workers: what they leave, a worker that is killed, a client that is killed."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from test_jobs import is_running, python, wait_for

from asd import jobs
from asd.errors import BadInput
from asd.jobs import JobFailed, run_all

pytest.importorskip("distributed", reason="DASK IS NOT INSTALLED (extra `cluster`): no job ran on a cluster")
from asd.cluster import Cluster  # noqa: E402


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler's file and the processes of its two workers, which find neither the kit nor its folder."""
    folder = tmp_path_factory.mktemp("dask")
    words = ("--no-dashboard", "--scheduler-file", str(folder / "scheduler.json"))

    def start(program, *more):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *words, *more]
        return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)

    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    workers = [start("dask_worker", "--nthreads", "1", "--memory-limit", "0", "--no-nanny") for _ in range(2)]
    wait_for((folder / "scheduler.json").exists, 120)
    yield str(folder / "scheduler.json"), workers
    for process in [*workers, scheduler]:
        process.kill()
        process.wait()


def test_jobs_run_on_both_workers_and_a_failure_does_not_stop_the_others(cluster, tmp_path):
    address, workers = cluster
    tell = "import os, time; print(os.environ['ASD_PARENT'], os.environ['OMP_NUM_THREADS']); time.sleep(0.5)"
    some = [python("fails", "1 / 0"), *(python(f"job{i}", tell) for i in range(4))]
    with pytest.raises(JobFailed, match="(?s)^1 of 5 jobs failed, .*fails: exit code 1 on .*: ZeroDivisionError"):
        run_all(some, Cluster(address, jobs.PATH), tmp_path)
    parents = {(tmp_path / f"job{i}.log").read_text() for i in range(4)}
    assert parents <= {f"{worker.pid} 1\n" for worker in workers}


def test_a_job_ends_with_its_client(cluster, tmp_path):
    address, _ = cluster
    text = (
        "import sys\nfrom pathlib import Path\n"
        "from asd.cluster import Cluster\nfrom asd.jobs import PATH, Job, run_all\n"
        "job = Job('a', (sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'))\n"
        f"run_all([job], Cluster({address!r}, PATH), Path({str(tmp_path)!r}))"
    )
    client = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": jobs.PATH})
    log = tmp_path / "a.log"
    wait_for(lambda: log.exists() and log.read_text().strip(), 120)
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_for(lambda: not is_running(int(log.read_text())), 60)


def test_a_worker_that_is_killed_has_its_job_run_again_and_takes_its_process_along(cluster, tmp_path):
    address, workers = cluster
    note = tmp_path / "begun"
    text = (
        "import os, time\nfrom asd.process import end_with_parent\nend_with_parent()\n"
        f"again = os.path.exists({str(note)!r})\n"
        f"open({str(note)!r}, 'a').write(os.environ['ASD_PARENT'] + ' ' + str(os.getpid()) + '\\n')\n"
        "time.sleep(0 if again else 60)"
    )

    def kill():
        wait_for(lambda: note.exists() and note.read_text().strip(), 120)
        os.kill(int(note.read_text().split()[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    run_all([python("a", text)], Cluster(address, jobs.PATH), tmp_path)
    killer.join()
    (first, orphan), (second, _) = (line.split() for line in note.read_text().splitlines())
    assert first != second and {int(first), int(second)} == {worker.pid for worker in workers}
    wait_for(lambda: not is_running(int(orphan)), 60)


def test_a_scheduler_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("asd.cluster.ANSWER", 0.5)
    with pytest.raises(BadInput, match="--scheduler tcp://127.0.0.1:9: no Dask scheduler answers within 0.5 s"):
        Cluster("tcp://127.0.0.1:9", jobs.PATH)
    with pytest.raises(BadInput, match="--scheduler no.json: no such file; a scheduler file"):
        Cluster("no.json", jobs.PATH)
