"""What a machine does to a command: one sentence, an exit code, nothing half-written; the same for every tool."""

import argparse
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from asd.commands import command, spell_out

import pytest
from conftest import tool

import run as program
from asd.__main__ import known
from asd.errors import BadInput
from asd.failures import sentence
from asd.jobs import JobFailed
from asd.store import write_json, written_whole

ROOT = Path(__file__).resolve().parent.parent
TOOLS = sorted([*(ROOT / "tools").glob("*.py"), *(ROOT / "tools" / "studies").glob("*.py"), ROOT / "run.py"])

FAULTS = {
    "bad input": (BadInput("fan: no clip"), 2, "test_commands.py: fan: no clip"),
    "a job": (JobFailed("fan_seed_3: exit code 1"), 1, "test_commands.py: fan_seed_3: exit code 1"),
    "disk full": (OSError(errno.ENOSPC, "No space left", "a/b.csv"), 2, "a/b.csv: No space left (the disk is full"),
    "no permission": (PermissionError(errno.EACCES, "Permission denied", "a"), 2, "a: Permission denied (no perm"),
    "deleted under it": (FileNotFoundError(errno.ENOENT, "No such file", "a"), 2, "moved or deleted while this ran?"),
    "no locks": (OSError(errno.ENOLCK, "No locks available"), 2, "give --results on a local disk"),
    "two names": (OSError(errno.EROFS, "Read-only", "a", None, b"b"), 2, "a -> b: Read-only (the file system cannot"),
    "no number": (OSError("zip is broken"), 2, "test_commands.py: zip is broken"),
    "memory": (MemoryError(), 1, "memory ran out (MemoryError); give fewer --workers"),
    "torch's memory": (RuntimeError("[enforce] can't allocate memory: 9 bytes\nmore"), 1, "9 bytes); give fewer"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "interrupted; what is finished stays"),
}


@pytest.mark.parametrize(("error", "code", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_data_or_machine_is_a_sentence_and_an_exit_code(error, code, told, capsys):
    @command
    def main(argv):
        raise error

    assert main([]) == code
    said = capsys.readouterr().err
    assert told in said and len(said.splitlines()) == 1


def test_a_fault_of_the_code_keeps_its_traceback():
    @command
    def main(argv):
        return [][1]

    with pytest.raises(IndexError):
        main([])
    assert sentence(ValueError("a bug")) is None


def test_what_main_returns_is_the_exit_code():
    assert [command(lambda argv, code=code: code)([]) for code in (None, 0, 2)] == [0, 0, 2]


def test_every_tool_is_such_a_command():
    """Its own `except` could differ; inspect_data tells an error among the problems it has found."""
    for path in TOOLS:
        text = path.read_text()
        assert re.search(r"^@command\ndef main\(argv: Sequence\[str\]\)", text, re.MULTILINE), path
        assert "sys.exit(main())" in text and ("except" not in text or path.stem == "inspect_data"), path


def test_a_reader_that_has_gone_is_no_error():
    line = [sys.executable, str(ROOT / "tools" / "validate.py"), "--help"]
    code = "import sys\nfrom asd.commands import command\n"
    code += "@command\ndef main(argv):\n    [print('x' * 1000) for _ in range(1000)]\nsys.exit(main())"
    process = subprocess.Popen([line[0], "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    process.stdout.read(10)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, b"")


def test_ctrl_c_while_modules_are_imported_is_told_in_a_line():
    code = "import sys; sys.argv = ['tools/omega.py']; import asd.commands; raise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "omega.py: interrupted before it began\n")
    for path in TOOLS:  # ruff keeps that order
        found = re.findall(r"^(?:import|from) (asd|systems|numpy|torch|scipy)(.*)", path.read_text(), re.MULTILINE)
        assert found[0] == ("asd", ".commands import command"), path


def test_once_main_begins_a_hook_that_was_there_before_is_there_again():
    code = "import sys\nsys.excepthook = lambda kind, *_: print('own', kind.__name__)\n"
    code += "from asd.commands import command\n"
    begun = f"{code}command(lambda argv: None)([])\nraise KeyboardInterrupt"
    for text, told in {f"{code}raise KeyError": "own KeyError\n", begun: "own KeyboardInterrupt\n"}.items():
        done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (told, "")


def test_windows_is_refused_in_a_sentence():
    code = "import sys; sys.platform = 'win32'; import asd.commands"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("Windows: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("encoding", "expected"), [("ascii", "Omega = 0.5 ? +-1"), ("cp1252", "Omega = 0.5 ? ±1")])
def test_a_console_that_lacks_a_letter_gets_it_spelt(encoding, expected):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding)
    spell_out(stream, object())
    stream.write("Ω = 0.5 \udcff ±1")
    stream.flush()
    assert raw.getvalue().decode(encoding) == expected


@pytest.fixture
def unwritable(tmp_path):
    """A folder that nobody can write below: a file stands in its place (root may write anywhere else)."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "results"


def test_results_that_cannot_be_written_are_refused_before_work(unwritable, data_folder, capsys):
    assert program.main(["-d", "gmm", "--data", str(data_folder), "--results", str(unwritable)]) == 2
    told = capsys.readouterr().err
    assert "cannot be written" in told and len(told.splitlines()) == 1


def test_tools_tell_where_they_cannot_write(unwritable, capsys):
    assert tool("simulate").main([str(unwritable), "--size", "tiny", "--machines", "fan"]) == 2
    assert capsys.readouterr().err.startswith("simulate.py: ")


def test_a_full_disk_leaves_no_file_and_the_old_one_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_json(path, {"a": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as refused:
        write_json(path, {"a": 2})
    assert refused.value.filename == str(path)
    assert json.loads(path.read_text()) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_what_is_read_while_a_file_is_written_is_not_blamed_on_it(tmp_path):
    with pytest.raises(OSError, match="failed") as refused, written_whole(tmp_path / "out.wav"):
        raise OSError(errno.EIO, "Input/output error: a network drive failed")
    assert refused.value.filename is None and list(tmp_path.iterdir()) == []


def test_an_empty_run_json_is_told(tmp_path):
    from asd.results import ResultFolder

    (tmp_path / "run.json").touch()
    with pytest.raises(BadInput, match=r"run\.json: not what run\.py writes .*delete it, then run again"):
        ResultFolder(tmp_path).unproven("fan")


def test_nothing_needs_a_home_or_a_cache_that_can_be_written():
    """librosa compiles and caches functions, which one mel filter is not worth (test_signal.py compares both)."""
    code = "import sys, numpy; from asd.signal import log_mel; log_mel(numpy.ones((513, 3)), 64); "
    code += "sys.exit('librosa' in sys.modules or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_misspelt_command_is_answered_with_the_nearest():
    with pytest.raises(argparse.ArgumentTypeError, match="no command 'mointor', did you mean 'monitor'"):
        known("mointor")
    assert known("run") == "run"
