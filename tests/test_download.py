"""The download and its tool, against a loopback server that acts like Zenodo, and like the networks in front of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import conftest
import pytest

from asd.download import RELEASES, DownloadError, Request, download, releases, transfer
from asd.errors import BadInput

TOOL = Path(__file__).parents[1] / "tools" / "download.py"
NAMES = {"dev": "dev_fan.zip", "train": "eval_data_Sander_train.zip", "eval": "eval_data_Sander_test.zip"}


def noise(n_bytes: int) -> bytes:
    return random.Random(n_bytes).randbytes(n_bytes)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def machine_zip(machine: str, *splits: str) -> bytes:
    clips = {f"{machine}/{split}/section_00_{i:04d}.wav": noise(20_000 + i) for split in splits for i in range(3)}
    return zipped({f"{machine}/attributes_00.csv": b"file_name,d1p\n", **clips} if "train" in splits else clips)


class Zenodo(ThreadingHTTPServer):
    """Serves `files`; `faults[name]` is a list of misbehaviours, one used up a request, then all is well."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.listed_md5: dict[str, str] = {}  # where the record's list is to be wrong
        self.faults: dict[str, list[str]] = {}
        self.title = ""  # of the record
        self.record: bytes | None = None  # the API's answer, where it is to be odd
        self.asked: list[tuple[str, str | None]] = []  # (file name, Range header)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def listing(self) -> bytes:
        files = [
            {
                "key": name,
                "size": len(content),
                "checksum": "md5:" + self.listed_md5.get(name, hashlib.md5(content).hexdigest()),
                "links": {"self": f"{self.url}/api/records/1/files/{name}/content"},
            }
            for name, content in self.files.items()
        ]
        metadata = {"license": {"id": "cc-by-nc-sa-4.0"}, "title": self.title}
        return json.dumps({"id": 1, "files": files, "metadata": metadata}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Zenodo

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/api/records/"):
            return self.answer(200, self.server.listing() if self.server.record is None else self.server.record)
        name = self.path.rpartition("/")[2].removesuffix("?download=1")
        asked = self.headers.get("Range")
        self.server.asked.append((name, asked))
        faults = self.server.faults.get(name) or [""]
        self.serve(self.server.files[name], faults.pop(0), int(asked[6:-1]) if asked else 0)

    def serve(self, content: bytes, fault: str, start: int) -> None:
        if fault.isdigit():
            return self.answer(int(fault), b"")
        if fault == "page":
            return self.answer(200, b"<html>please log in</html>")
        if fault == "damaged":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fault == "ignores range":
            start = 0
        if fault == "range elsewhere":
            return self.answer(206, content[5:], {"Content-Range": f"bytes 5-{len(content) - 1}/{len(content)}"})
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self.answer(206 if start else 200, content[start:], headers, cut=fault == "cut")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)


@pytest.fixture
def zenodo() -> Iterator[Zenodo]:
    with Zenodo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, without pauses, knowing no MD5 (the served zips are not the real ones)."""
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    monkeypatch.setattr(releases, "KNOWN_MD5", {})
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return conftest.tool("download")


@pytest.fixture
def run(tool: ModuleType, zenodo: Zenodo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """run("dev", ...) -> exit code, out and err of one call for one machine of the release, saved below tmp_path."""

    def call(release: str, *options: str) -> SimpleNamespace:
        machine = "fan" if release == "dev" else "Sander"
        argv = [release, "--out", str(tmp_path), "--base-url", zenodo.url, "--machines", machine, *options]
        code = tool.main(argv)
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


def serve(zenodo: Zenodo, release: str = "dev", content: bytes | None = None) -> bytes:
    splits = {"dev": ("train", "test"), "train": ("train",), "eval": ("test",)}[release]
    content = machine_zip("fan" if release == "dev" else "Sander", *splits) if content is None else content
    zenodo.files[NAMES[release]] = content
    return content


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


PART = "downloads/dev_fan.zip.part"
UNPACKED = ["dev_data/raw/fan/attributes_00.csv"] + [
    f"dev_data/raw/fan/{split}/section_00_{i:04d}.wav" for split in ("test", "train") for i in range(3)
]


# ---- all is well


def test_dev_is_unpacked_in_place_and_nothing_else_stays(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    result = run("dev")
    assert (result.code, result.err) == (0, "")
    assert files_below(tmp_path) == UNPACKED
    assert (tmp_path / UNPACKED[1]).read_bytes() == noise(20_000)
    assert not list(tmp_path.rglob(".unpacking*"))


def test_plan_and_licence_are_said_before_the_first_byte(zenodo: Zenodo, run: Any) -> None:
    serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["404"]
    out = run("dev").out
    assert "CC BY-NC-SA 4.0" in out and "cc-by-nc-sa-4.0" in out
    assert "dev_fan.zip  0.1 MB" in out and "1 files, 0.1 MB" in out
    assert f"{zenodo.url}/records/19336329" in out


@pytest.mark.parametrize("order", [("train", "eval"), ("eval", "train")])
def test_train_and_eval_of_one_machine_merge(zenodo: Zenodo, run: Any, tmp_path: Path, order: tuple[str, str]) -> None:
    for release in order:
        serve(zenodo, release)
        assert run(release).code == 0
    folder = tmp_path / "eval_data/raw/Sander"
    assert sorted(path.name for path in folder.iterdir()) == ["attributes_00.csv", "test", "train"]
    assert len(list(folder.glob("*/*.wav"))) == 6


def test_toycar_comes_from_the_corrected_zip(zenodo: Zenodo, tool: ModuleType, tmp_path: Path) -> None:
    zenodo.files["dev_ToyCar_r2.zip"] = machine_zip("ToyCar", "train", "test")
    argv = ["dev", "--out", str(tmp_path), "--base-url", zenodo.url, "--machines", "ToyCar"]
    assert tool.main(argv) == 0
    assert (tmp_path / "dev_data/raw/ToyCar/train").is_dir()


def test_all_machines_of_a_release_by_default(zenodo: Zenodo, tool: ModuleType, tmp_path: Path) -> None:
    zenodo.files = {f"eval_data_{m}_test.zip": machine_zip(m, "test") for m in RELEASES[2026]["eval"].machines}
    assert tool.main(["eval", "--out", str(tmp_path), "--base-url", zenodo.url]) == 0
    assert sorted(path.name for path in (tmp_path / "eval_data/raw").iterdir()) == sorted(
        RELEASES[2026]["eval"].machines
    )


def test_unpacked_machine_is_left_and_said_so(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    run("dev")
    mine = tmp_path / "dev_data/raw/fan/train/section_00_0000.wav"
    mine.write_bytes(b"mine")
    zenodo.asked.clear()
    result = run("dev")
    assert result.code == 0 and zenodo.asked == []
    assert "fan/train: already there (3 clips), left as it is" in result.out and "nothing to download" in result.out
    assert mine.read_bytes() == b"mine"


def test_keep_zips_keeps_and_reuses_the_zip(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    run("dev", "--keep-zips")
    assert (tmp_path / "downloads/dev_fan.zip").read_bytes() == content
    (tmp_path / "dev_data").rename(tmp_path / "aside")
    assert run("dev").code == 0
    assert len(zenodo.asked) == 1 and (tmp_path / UNPACKED[0]).exists()


def test_as_a_program(zenodo: Zenodo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    serve(zenodo)
    argv = [sys.executable, str(TOOL), "dev", "--machines", "fan", "--base-url", zenodo.url]
    first = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (first.returncode, first.stderr) == (0, "")
    assert files_below(tmp_path / "data/dcase2026t2") == UNPACKED
    bad = subprocess.run([*argv, "--machines", "fun"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert bad.returncode == 2
    assert "no machine 'fun', did you mean 'fan'?" in bad.stderr and "Traceback" not in bad.stderr


# ---- resuming


def test_cut_connection_is_resumed_in_the_same_run(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["cut", "cut"]
    assert run("dev").code == 0
    half, rest = len(content) // 2, len(content) - len(content) // 2
    ranges = [None, f"bytes={half}-", f"bytes={half + rest // 2}-"]
    assert [asked for _, asked in zenodo.asked] == ranges
    assert files_below(tmp_path) == UNPACKED


def test_network_that_stays_cut_keeps_the_part_for_the_next_run(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["cut"] * 5
    result = run("dev")
    assert result.code == 2
    have = (tmp_path / PART).stat().st_size
    assert f"{have:,} of {len(content):,} bytes after 5 connections" in result.err and PART in result.err
    assert files_below(tmp_path) == [PART]
    assert (tmp_path / PART).read_bytes() == content[:have]
    assert run("dev").code == 0
    assert zenodo.asked[-1] == ("dev_fan.zip", f"bytes={have}-")
    assert files_below(tmp_path) == UNPACKED


@pytest.mark.parametrize(
    ("fault", "ranges"),
    [
        ("", ["bytes=30000-"]),
        ("ignores range", ["bytes=30000-"]),
        ("416", ["bytes=30000-", None]),
        ("range elsewhere", ["bytes=30000-", None]),
        ("503", ["bytes=30000-", "bytes=30000-"]),
    ],
)
def test_part_is_gone_on_from_whatever_the_server_does(
    zenodo: Zenodo, run: Any, tmp_path: Path, fault: str, ranges: list[str | None]
) -> None:
    content = serve(zenodo)
    (tmp_path / "downloads").mkdir()
    (tmp_path / PART).write_bytes(content[:30_000])
    zenodo.faults["dev_fan.zip"] = [fault]
    result = run("dev")
    assert (result.code, result.err) == (0, "")
    assert [asked for _, asked in zenodo.asked] == ranges
    assert files_below(tmp_path) == UNPACKED


def test_complete_part_needs_no_connection(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    (tmp_path / "downloads").mkdir()
    (tmp_path / PART).write_bytes(content)
    assert run("dev").code == 0
    assert zenodo.asked == [] and files_below(tmp_path) == UNPACKED


def test_part_larger_than_the_file_is_thrown_away(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    (tmp_path / "downloads").mkdir()
    (tmp_path / PART).write_bytes(content + b"x")
    assert run("dev").code == 0
    assert zenodo.asked == [("dev_fan.zip", None)] and files_below(tmp_path) == UNPACKED


# ---- what must be refused


def refused(result: SimpleNamespace, tmp_path: Path, *said: str) -> None:
    assert result.code == 2
    assert result.err.startswith("download.py: ") and len(result.err.splitlines()) == 1
    for words in said:
        assert words in result.err
    assert files_below(tmp_path) == []
    assert not list(tmp_path.glob("*_data/raw/*"))


def test_wrong_bytes_leave_nothing(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    content = serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["damaged"]
    refused(run("dev"), tmp_path, "dev_fan.zip.part: MD5 ", f"{hashlib.md5(content).hexdigest()} expected", "run again")
    assert run("dev").code == 0
    assert zenodo.asked == [("dev_fan.zip", None)] * 2


def test_damaged_kept_zip_is_refused_and_left_to_its_owner(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/dev_fan.zip").write_bytes(b"an older release")
    result = run("dev")
    assert result.code == 2 and "dev_fan.zip: MD5 " in result.err and "remove the file" in result.err
    assert files_below(tmp_path) == ["downloads/dev_fan.zip"]


def test_missing_file_is_not_asked_for_twice(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["404"]
    refused(run("dev"), tmp_path, "dev_fan.zip?download=1: HTTP 404", "withdrawn?")
    assert len(zenodo.asked) == 1


def test_login_page_instead_of_the_zip(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    zenodo.faults["dev_fan.zip"] = ["page"]
    refused(run("dev"), tmp_path, "26 bytes offered", "login page")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>", "not JSON but b'<html>'"),
        (b'{"files": null}', "no list of files"),
        (b"[]", "no list of files"),
        (b'{"files": [{"key": "dev_fan.zip", "size": 3, "checksum": "sha1:%032d"}]}' % 0, "checksum sha1:00"),
        (b'{"files": []}', "no file dev_fan.zip"),
    ],
)
def test_odd_record(zenodo: Zenodo, run: Any, tmp_path: Path, answer: bytes, said: str) -> None:
    zenodo.record = answer
    refused(run("dev"), tmp_path, said, zenodo.url)
    assert zenodo.asked == []


def test_changed_record_is_refused_until_trusted(
    zenodo: Zenodo, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = serve(zenodo)
    monkeypatch.setattr(releases, "KNOWN_MD5", {2026: {"dev_fan.zip": "0" * 32}})
    refused(run("dev"), tmp_path, hashlib.md5(content).hexdigest(), f"knows {'0' * 32}", "--trust-record")
    assert zenodo.asked == []
    assert run("dev", "--trust-record").code == 0


def test_no_server(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["dev", "--out", str(tmp_path), "--base-url", "http://127.0.0.1:9"]) == 2
    assert "is there a network" in capsys.readouterr().err


@pytest.mark.parametrize("free", [0, 150_000])
def test_full_disk_is_refused_before_the_first_byte(
    zenodo: Zenodo, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    content = serve(zenodo)
    assert len(content) < 150_000 < 2 * len(content)  # room for the zip is not yet room for its clips
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    refused(run("dev"), tmp_path, "MB free, at least 0.2 MB needed")
    assert zenodo.asked == []


def test_disk_that_fills_up_before_unpacking_keeps_the_verified_zip(
    zenodo: Zenodo, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(zenodo)
    free = [10**9, 1000]
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free.pop(0)))
    result = run("dev")
    assert result.code == 2 and "raw/.unpacking_fan: 0.0 MB free, at least 0.1 MB needed" in result.err
    assert files_below(tmp_path) == ["downloads/dev_fan.zip"]


def test_half_a_machine_is_refused(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    (tmp_path / "dev_data/raw/fan/train").mkdir(parents=True)
    result = run("dev")
    assert result.code == 2 and "has train/ but not all of train, test/" in result.err
    assert zenodo.asked == [] and files_below(tmp_path) == []


def test_two_releases_are_never_mixed(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo, "train")
    run("train")
    before = files_below(tmp_path)
    serve(zenodo, "eval", machine_zip("Sander", "train", "test"))
    result = run("eval")
    assert result.code == 2 and "train is there already and differs" in result.err
    assert files_below(tmp_path) == sorted([*before, "downloads/eval_data_Sander_test.zip"])


@pytest.mark.parametrize(("table", "code"), [(b"file_name,d1p\n", 0), (b"file_name,d1v\n", 2)])
def test_a_file_of_both_zips_must_be_the_same_file(
    zenodo: Zenodo, run: Any, tmp_path: Path, table: bytes, code: int
) -> None:
    serve(zenodo, "train")
    run("train")
    members = {"Sander/attributes_00.csv": table, "Sander/test/section_00_0000.wav": noise(20_000)}
    serve(zenodo, "eval", zipped(members))
    assert run("eval").code == code
    folder = tmp_path / "eval_data/raw/Sander"
    assert (folder / "test").exists() == (code == 0)
    assert (folder / "attributes_00.csv").read_bytes() == b"file_name,d1p\n"


# ---- zips that must not be unpacked

GOOD = {f"fan/{split}/section_00_0000.wav": noise(20_000) for split in ("train", "test")}


def link_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("fan/train/link.wav")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def twice_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for name, content in [*GOOD.items(), *GOOD.items()]:
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    content = bytearray(zipped(GOOD, zipfile.ZIP_STORED))
    for signature, flag_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flag_at] |= 1
    return bytes(content)


def damaged_member_zip() -> bytes:
    content = bytearray(zipped(GOOD, zipfile.ZIP_STORED))
    content[10_000] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({**GOOD, "fan/../../evil.wav": b"x"}), "'fan/../../evil.wav' leads out of the folder"),
        (zipped({**GOOD, "../evil.wav": b"x"}), "'../evil.wav' leads out of the folder"),
        (zipped({**GOOD, "/evil.wav": b"x"}), "'/evil.wav' leads out of the folder"),
        (zipped({**GOOD, "C:\\evil.wav": b"x"}), "leads out of the folder"),
        (zipped({**GOOD, "fan\\..\\..\\evil.wav": b"x"}), "leads out of the folder"),
        (link_zip(), "'fan/train/link.wav' is a link"),
        (zipped({**GOOD, "valveEmu/train/a.wav": b"x"}), "'valveEmu/train/a.wav' is not in fan/"),
        (zipped({**GOOD, "readme.txt": b"x"}), "'readme.txt' is not in fan/"),
        (zipped({**GOOD, "fan/train/bomb.wav": bytes(5_000_000)}), "at most 20 times expected"),
        (twice_zip(), "duplicate file names"),
        (encrypted_zip(), "cannot be unpacked"),
        (damaged_member_zip(), "Bad CRC-32"),
        (noise(30_000), "File is not a zip file"),
        (machine_zip("fan", "train", "test")[:50_000], "cannot be unpacked"),
        (machine_zip("fan", "train"), "no .wav in fan/test/"),
        (machine_zip("ToyCar", "train", "test"), "is not in fan/"),
    ],
)  # fmt: skip
def test_bad_zip_leaves_nothing(zenodo: Zenodo, run: Any, tmp_path: Path, content: bytes, said: str) -> None:
    serve(zenodo, content=content)
    refused(run("dev", "--keep-zips"), tmp_path, "dev_fan.zip: ", said)
    assert not (tmp_path.parent / "evil.wav").exists()


def test_what_macos_adds_is_skipped(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    litter = {"__MACOSX/fan/train/._section_00_0000.wav": b"x", "fan/.DS_Store": b"x", "fan/train/._a.wav": b"x"}
    serve(zenodo, content=zipped({**GOOD, **litter}))
    assert run("dev").code == 0
    assert files_below(tmp_path / "dev_data/raw") == sorted(GOOD)


def test_leftovers_of_a_killed_run_go(zenodo: Zenodo, run: Any, tmp_path: Path) -> None:
    serve(zenodo)
    old = tmp_path / "dev_data/raw/.unpacking_fan/fan/train"
    old.mkdir(parents=True)
    (old / "section_00_9999.wav").write_bytes(b"half")
    assert run("dev").code == 0
    assert files_below(tmp_path) == UNPACKED


# ---- the table of the challenge


def test_known_md5s_belong_to_files_of_the_releases() -> None:
    names = {release.zip_name(machine) for release in RELEASES[2026].values() for machine in release.machines}
    known = releases.KNOWN_MD5[2026]
    assert len(names) == 17
    assert set(known) == {n for n in names if n.startswith("eval_data_")} | {"dev_ToyCar_r2.zip"}
    assert len(set(known.values())) == 11


def test_the_table_of_releases_is_the_organisers(shared: Path) -> None:
    with open(shared / "fixtures" / "releases.csv", newline="") as file:
        expected = {tuple(row) for row in list(csv.reader(file))[1:]}
    found = {
        (str(year), name, machine, str(release.record), release.zip_name(machine))
        for year, of_year in RELEASES.items()
        for name, release in of_year.items()
        for machine in release.machines
    }
    assert found == expected


def test_an_older_year_is_fetched_into_its_own_folder(
    zenodo: Zenodo,
    tool: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    zenodo.files = {"eval_data_RoboticArm_train_r2.zip": machine_zip("RoboticArm", "train")}
    zenodo.title = "DCASE 2024 Challenge Task 2 Additional Training Dataset"
    argv = ["train", "--year", "2024", "--base-url", zenodo.url, "--machines", "RoboticArm"]
    assert tool.main(argv) == 0
    assert (tmp_path / "data/dcase2024t2/eval_data/raw/RoboticArm/train/section_00_0000.wav").exists()
    out = capsys.readouterr().out
    assert f"DCASE 2024 Task 2, additional training set: {zenodo.url}/records/11259435" in out and "second-hand" in out
    assert tool.main([*argv, "--machines", "fan"]) == 2
    assert "additional training set of 2024: no machine 'fan'" in capsys.readouterr().err


@pytest.mark.parametrize("title", ["", "DCASE 2024 Challenge Task 2 Development Dataset"])
def test_a_record_of_another_year_is_refused_although_its_files_have_the_same_names(
    zenodo: Zenodo, run: Any, tmp_path: Path, title: str
) -> None:
    serve(zenodo)
    zenodo.title = title
    refused(run("dev", "--year", "2023"), tmp_path, f"title is '{title}', one with 2023 in it expected", "second-hand")
    assert zenodo.asked == []


# ---- without the tool


def test_a_notebook_is_told_each_step_and_gets_the_kits_error(
    zenodo: Zenodo, tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(zenodo)
    said: list[str] = []
    download(Request(RELEASES[2026]["dev"], tmp_path, ["fan"], zenodo.url, {}), said.append)
    assert files_below(tmp_path) == UNPACKED and capsys.readouterr().out == ""
    assert "1 files, 0.1 MB" in said[0] and said[-1].endswith("train and test unpacked from dev_fan.zip")
    with pytest.raises(BadInput, match="development set of 2026: no machine 'fun', did you mean 'fan'"):
        download(Request(RELEASES[2026]["dev"], tmp_path, ["fun"], zenodo.url, {}), said.append)
    with pytest.raises(DownloadError, match="the record lists MD5"):
        known = {NAMES["train"]: "0" * 32}
        serve(zenodo, "train")
        download(Request(RELEASES[2026]["train"], tmp_path, ["Sander"], zenodo.url, known), said.append)
