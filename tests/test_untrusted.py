"""What others made: names that steer a terminal, servers and records that lie, paths that lead elsewhere, pickles."""

import ast
import gzip
import io
import json
import pickle
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tone_in_noise, tool, write_clip

from asd.download import RELEASES, Request, download, record, transfer
from asd.errors import BadInput, printable
from asd.pretrained import checkpoints
from asd.programs.team import read_team
from asd.store import opened_array
from asd.tables import rendered
from asd.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parent.parent
ESC = "\x1b]0;owned\x07\x1b[2J"


# ---- the terminal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fan\x1b[2J", r"fan\x1b[2J"),
        ("a\rb\tc\x7f\x9b", r"a\rb\tc\x7f\x9b"),
        ("fan\u202egnp", r"fan\u202egnp"),  # the rest would be written from right to left
        ("fan\udcff", r"fan\udcff"),  # a byte of a name that is not UTF-8: cannot be printed
        ("ファン Ω 10 %", "ファン Ω 10 %"),
    ],
)
def test_names_in_errors_do_not_steer_the_terminal(name, shown):
    assert printable(name) == shown and str(BadInput(f"{name}: no such\nfile")) == f"{shown}: no such\nfile"
    shown.encode()
    assert shown in rendered("scores", [["system"], [name]], "text")


def test_a_clip_and_a_machine_of_hostile_names_are_told_on_one_line(tmp_path, capsys):
    folder = tmp_path / "dev_data" / "raw" / f"fan{ESC}"
    for name in (f"x\nall is well{ESC}.wav", "y\udcff.wav"):
        write_clip(folder / "train" / "a.wav", tone_in_noise(np.random.default_rng(0), 400, 0.1))
        (folder / "train" / "a.wav").rename(folder / "train" / name)
    assert tool("inspect_data").main([str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err and "\nall is well" not in err
    assert r"x\nall is well\x1b]0;owned\x07\x1b[2J.wav" in err and r"y\udcff.wav" in err


def test_a_package_of_hostile_names_is_told_without_steering(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(f"task2/{ESC}/a\nb.csv", "x")
        archive.writestr("../../evil.csv", "x")
    assert tool("validate").main([str(tmp_path / "x.zip")]) == 2
    out = capsys.readouterr().out
    assert "\x1b" not in out and "a\\nb.csv" in out and "(zip-slip)" in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"] and not (tmp_path.parent / "evil.csv").exists()


# ---- paths and values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", ["../paper.pdf", "/etc/hostname", "a/../../paper.pdf"])
def test_the_report_lies_beside_its_yaml(tmp_path, report):
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-")
    text = (ROOT / "submission" / "example" / "team.yaml").read_text()
    given = next(line for line in text.splitlines() if line.startswith("report:"))
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "team.yaml").write_text(text.replace(given, f"report: {report}"))
    with pytest.raises(BadInput, match=r"report: .* lies outside .*; copy the PDF beside team.yaml"):
        read_team(tmp_path / "team" / "team.yaml")


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [touch owned]", "!!python/name:os.system a: 1"])
def test_yaml_makes_no_objects(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadInput, match="x.yaml:1: not yaml"):
        read_yaml(tmp_path / "x.yaml")
    assert not (tmp_path / "owned").exists()


class Owned:
    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("made", ["pickle", "array", "torch"])
def test_nothing_is_unpickled(tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    if made == "array":
        np.save("x.npy", np.array([Owned()], dtype=object))
    elif made == "torch":
        torch.save({"a": Owned()}, "x.pt")
    else:
        Path("x.pt").write_bytes(pickle.dumps(Owned()))
    with pytest.raises((BadInput, ValueError)):
        opened_array(Path("x.npy")) if made == "array" else checkpoints.read(Path("x.pt"), checkpoints.AST)
    assert not Path("owned").exists()


UNSAFE = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load"}
ONLY_WITH = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False", "yaml.load": "Loader=_NoDoubles"}
WORDS = {*UNSAFE, *ONLY_WITH, "shell", *(f"{name}(" for name in CALLS)}


def dangers(source):
    """Imports and calls of a file that make objects or programs of what others wrote."""
    for node in ast.walk(ast.parse(source)) if any(word in source for word in WORDS) else ():
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
            yield from UNSAFE & {name.split(".")[0] for name in names}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called, told = ast.unparse(node.func), {ast.unparse(keyword) for keyword in node.keywords}
            if called in CALLS or "shell=True" in told or not {ONLY_WITH.get(called)} <= {None, *told}:
                yield called


@pytest.mark.parametrize("folder", ["asd", "systems", "tools"])
def test_no_code_unpickles_evaluates_or_calls_a_shell(folder):
    found = {str(path): list(dangers(path.read_text())) for path in (ROOT / folder).rglob("*.py")}
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_a_danger_would_be_seen():
    bad = "from pickle import loads\nsubprocess.run('ls', shell=True)\ntorch.load(p)\nnp.load(p, allow_pickle=True)"
    assert list(dangers(bad)) == ["pickle", "subprocess.run", "torch.load", "np.load"]


# ---- the download ----------------------------------------------------------------------------------------------------


class Hostile(BaseHTTPRequestHandler):
    """Answers /api/records/... with whatever the test has put on the server."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        status, headers, body = self.server.answer
        self.send_response_only(status, headers.pop("reason", None))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for part in body:
                self.wfile.write(part)
                self.server.sent += len(part)
        except ConnectionError:
            self.server.sent += 0


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as found:
        found.daemon_threads, found.sent = True, 0
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def asked(server, folder, status=200, headers=None, body=()):
    """The sentence that one download from that answer ends with."""
    server.answer = (status, headers or {}, body)
    url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(BadInput) as error:
        download(Request(RELEASES[2026]["dev"], folder, ["fan"], url, {}), lambda text: None)
    assert list(folder.iterdir()) == [] and len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("file:///etc/passwd", "is not allowed"),
        ("ftp://127.0.0.1/x", "sent on to ftp://127.0.0.1/x, http or https expected"),
        ("http://[::1", "is --base-url right?"),
        ("/api/records/again", "infinite loop"),
    ],
)
def test_redirects_lead_nowhere_else(server, tmp_path, target, told):
    assert told in asked(server, tmp_path, 302, {"Location": target})


def test_https_is_not_left():
    handler, ask = transfer.SafeRedirects(), transfer.urllib.request.Request("https://zenodo.org/x")
    with pytest.raises(BadInput, match="sent on to http://zenodo.org/y, https expected; not followed"):
        handler.redirect_request(ask, None, 302, "", {}, "http://zenodo.org/y")


@pytest.mark.parametrize("base", ["file:///etc", "ftp://127.0.0.1", "zenodo.org", "http://[::1"])
def test_other_addresses_are_refused(tmp_path, base):
    with pytest.raises(BadInput, match="begins with http:// or https://|is --base-url right"):
        download(Request(RELEASES[2026]["dev"], tmp_path, ["fan"], base, {}), print)


def test_an_endless_record_is_cut_off(server, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "LONGEST", 100_000)
    endless = (b" " * 65_536 for _ in range(10_000))
    assert "more than 0.1 MB, a record of a few kB expected" in asked(server, tmp_path, body=endless)
    assert server.sent < 100_000_000


def test_a_compressed_record_is_not_unpacked(server, tmp_path):
    bomb = gzip.compress(bytes(1_000_000))
    told = asked(server, tmp_path, headers={"Content-Encoding": "gzip"}, body=[bomb])
    assert "not JSON but b'\\x1f\\x8b" in told


def listing(**changes):
    return {"key": "dev_fan.zip", "size": 10, "checksum": "md5:" + "0" * 32} | changes


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" * 200_000, "not JSON but"),
        (b'{"files": [{"key": "dev_fan.zip", "size": 1e999, "checksum": "md5:%032d"}]}' % 0, "size inf"),
        *((json.dumps({"files": [listing(size=s)]}).encode(), f"size {s!r}") for s in (-1, 0, 0.5, True, "9", 10**30)),
        (json.dumps({"files": [listing(key=7)]}).encode(), "key 7"),
        (json.dumps({"files": [listing(key=f"../{ESC}")]}).encode(), r"(there: ../\x1b]0;owned\x07\x1b[2J)"),
        (b"", "not JSON"),
    ],
)
def test_records_that_lie_are_refused(server, tmp_path, body, told):
    assert told in asked(server, tmp_path, body=[body])


@pytest.mark.parametrize("metadata", [[], None, "x", {"license": ESC, "title": [1]}])
def test_what_a_record_says_beside_its_files_is_shown_or_ignored(server, tmp_path, metadata):
    server.answer = (200, {}, [json.dumps({"files": [listing()], "metadata": metadata}).encode()])
    said = []
    url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(BadInput):  # the zip is no zip
        download(Request(RELEASES[2026]["dev"], tmp_path, ["fan"], url, {}), said.append)
    assert "\x1b" not in said[0] and "licence" in said[0]


@pytest.mark.parametrize("length", ["-1", "many", "999999999999999999999"])
def test_lengths_that_lie_are_refused(server, tmp_path, length):
    url = f"http://127.0.0.1:{server.server_port}/x"
    item = transfer.Item("fan", url, 10, "0" * 32, tmp_path / "x.zip", tmp_path, ())
    server.answer = (200, {"Content-Length": length}, [b"x" * 10])
    with pytest.raises(BadInput, match=rf"{length} bytes offered, 10 expected"):
        transfer.fetch(item)


def test_a_status_line_does_not_steer_the_terminal(server, tmp_path):
    assert r"HTTP 404 \x1b[2Jgone" in asked(server, tmp_path, 404, {"reason": "\x1b[2Jgone"})


@pytest.mark.parametrize("name", ["fan/train/" + "a" * 300 + ".wav", f"fan/train/{ESC}.wav", "fan/train/\u202e.wav"])
def test_members_whose_names_no_folder_should_hold_are_refused(tmp_path, name):
    from asd.download.archive import BadArchive, unpack

    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, "x")
    (tmp_path / "x.zip").write_bytes(held.getvalue())
    item = transfer.Item("fan", "", 10_000, "", tmp_path / "x.zip", tmp_path / "fan", ("train",))
    with pytest.raises(BadArchive, match=r"control characters|is longer than 255 bytes") as error:
        unpack(item)
    assert "\x1b" not in str(error.value) and list(tmp_path.iterdir()) == []
