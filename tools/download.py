"""Fetch a release of DCASE 2026 Task 2 from Zenodo, check every byte, unpack it where the kit reads it.

    python tools/download.py dev | train | eval [--out data/dcase2026t2] [--machines fan ...] [--keep-zips]

Enters: the record's own listing (names, sizes, MD5), compared with the MD5s known to this file.
Leaves: <out>/dev_data/raw/<machine>/{train,test}, <out>/eval_data/raw/<machine>/train (train) and .../test (eval).

A zip lives in <out>/downloads until it is unpacked. A cut connection keeps its `.part`, which the next run goes on
from; a wrong MD5 deletes the `.part`, a bad zip is deleted, and in all three cases the data folders stay as they were.
A train/ or test/ folder that exists is left alone: two releases are never mixed in one folder. Exit code 2: error.
"""

from __future__ import annotations

import argparse
import difflib
import filecmp
import hashlib
import http.client
import json
import re
import shutil
import stat
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from tqdm import tqdm

ZENODO = "https://zenodo.org"
LICENCE = "CC BY-NC-SA 4.0: name the authors, no commercial use, share alike"
AGENT = "dcase2026-task2-kit"  # Zenodo turns some anonymous clients away
TIMEOUT = 60  # s without a byte
TRIES = 5  # connections for one file before giving up
PAUSE = 2.0  # s before the second connection, doubled each time
CHUNK = 1 << 20  # bytes
MAX_RATIO = 20  # unpacked / packed bytes; recorded sound packs 1 to 3 times, a zip bomb 1000 times
CURABLE = (408, 429, 500, 502, 503, 504)  # HTTP answers that another try may cure

DEV = ("ToyCar", "ToyCarEmu", "bearingEmu", "fan", "gearboxEmu", "sliderEmu", "valveEmu")
EVAL = ("BlowerDustCollector", "Sander", "SewingMachine", "ToothBrush", "ToyDrone")
KNOWN_MD5 = {
    "dev_ToyCar_r2.zip": "353201db217e25377a7e7eccf9c1c8a7",
    "eval_data_BlowerDustCollector_train.zip": "e79342948772cf51e50ff601cd9621f3",
    "eval_data_Sander_train.zip": "6cbcfbc65a09c4f3d00b9a55c50502ec",
    "eval_data_SewingMachine_train.zip": "74d08cacba3da88753badd69d19e577b",
    "eval_data_ToothBrush_train.zip": "6fa5f81796b5d37b3ed24bb8eff2ea25",
    "eval_data_ToyDrone_train.zip": "af3e4040ef7c67d7ee920608d0c38d82",
    "eval_data_BlowerDustCollector_test.zip": "ec90d56f189e84e6430fb2878c59cb84",
    "eval_data_Sander_test.zip": "05f81c9a80e91c7b3cea15f8e8559b44",
    "eval_data_SewingMachine_test.zip": "f0a1a96b48006c301e8cec25e9214046",
    "eval_data_ToothBrush_test.zip": "987395506fbb48c570d5d26babcab05e",
    "eval_data_ToyDrone_test.zip": "b36102371c188b630d201d443a00bab2",
}


class DownloadError(ValueError):
    """What was found, what was expected, the likely cause and what to do, in one message."""


class Cut(DownloadError):
    """The connection or the server failed in a way that another try may cure."""


class NoResume(Cut):
    """The server does not go on from the bytes that are here."""


class BadArchive(DownloadError):
    """The zip is as published, but must not or cannot be unpacked."""


@dataclass(frozen=True)
class Release:
    """One Zenodo record of the challenge."""

    title: str
    record: int
    raw: str  # folder below --out that holds one folder a machine
    splits: tuple[str, ...]  # folders that each machine's zip brings
    machines: tuple[str, ...]
    pattern: str  # of the zip's name, {} for the machine

    def zip_name(self, machine: str) -> str:
        name = self.pattern.format(machine)
        return REPLACED.get(name, name)


@dataclass(frozen=True)
class Item:
    """One machine's zip: what the record says of it, and where it goes."""

    machine: str
    url: str
    size: int  # bytes
    md5: str
    zip: Path
    target: Path  # the machine's folder
    splits: tuple[str, ...]

    @property
    def part(self) -> Path:
        return self.zip.with_name(self.zip.name + ".part")


RELEASES = {
    "dev": Release("development set", 19336329, "dev_data/raw", ("train", "test"), DEV, "dev_{}.zip"),
    "train": Release("additional training set", 20151556, "eval_data/raw", ("train",), EVAL, "eval_data_{}_train.zip"),
    "eval": Release("evaluation set", 20437238, "eval_data/raw", ("test",), EVAL, "eval_data_{}_test.zip"),
}
REPLACED = {"dev_ToyCar.zip": "dev_ToyCar_r2.zip"}  # a corrected zip, which still unpacks as ToyCar/


# ---- the plan


def chosen_machines(release: Release, wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in release.machines:
            near = difflib.get_close_matches(name, release.machines, n=1, cutoff=0.4)
            hint = f", did you mean '{near[0]}'?" if near else ""
            raise DownloadError(f"{release.title}: no machine '{name}'{hint} (there: {', '.join(release.machines)})")
    return list(dict.fromkeys(wanted or release.machines))


def is_unpacked(folder: Path, splits: Sequence[str]) -> bool:
    """Whether all of `splits` are in the machine's folder, said aloud. Raises DownloadError when only some are."""
    there = [split for split in splits if (folder / split).exists()]
    if there and len(there) < len(splits):
        raise DownloadError(
            f"{folder}: has {', '.join(there)}/ but not all of {', '.join(splits)}/; it was unpacked by halves "
            "and would be mixed with another release: move it away and run again"
        )
    for split in there:
        n_clips = sum(1 for _ in (folder / split).glob("*.wav"))
        print(f"{folder / split}: already there ({n_clips} clips), left as it is; to fetch it again, move it away")
    return bool(there)


def read_record(base_url: str, record: int) -> Any:
    """The record as Zenodo's REST API gives it: `files` with `key`, `size`, `checksum`, and `metadata`."""
    url = f"{base_url}/api/records/{record}"
    with open_url(url, {}) as response:
        body = b"".join(iter(lambda: read_some(response, CHUNK), b""))
    try:
        return json.loads(body)
    except ValueError as error:
        raise DownloadError(f"{url}: not JSON but {body[:40]!r}; is a proxy or a login page in between?") from error


def listed_files(record: Any, page: str) -> dict[str, tuple[int, str]]:
    """name -> (size in bytes, MD5), as the record lists them."""
    try:
        return {file["key"]: (int(file["size"]), bare_md5(file["checksum"])) for file in record["files"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DownloadError(
            f"{page}: no list of files with `key`, `size` and an `md5:` checksum in the record ({error!r}); was it "
            "closed, or has Zenodo changed its API? Download by hand and unpack as this file's head shows"
        ) from error


def bare_md5(checksum: str) -> str:
    algorithm, _, digits = checksum.partition(":")
    if algorithm != "md5" or not re.fullmatch("[0-9a-f]{32}", digits):
        raise ValueError(f"checksum {checksum}")
    return digits


def expected(name: str, files: dict[str, tuple[int, str]], known: dict[str, str], page: str) -> tuple[int, str]:
    """Size and MD5 of one zip, once the record and the kit agree on it."""
    if name not in files:
        raise DownloadError(f"{page}: no file {name} (there: {', '.join(files)}); was it renamed? Read the record")
    size, md5 = files[name]
    if known.get(name, md5) != md5:
        raise DownloadError(
            f"{name}: the record lists MD5 {md5}, this kit knows {known[name]}; the record was changed since, or the "
            f"answer is not Zenodo's. Read {page} and, if the change is announced there, add --trust-record"
        )
    return size, md5


def announce(release: Release, page: str, record: Any, items: Sequence[Item]) -> None:
    """Nothing is downloaded silently: files, sizes, places and the licence, before the first byte."""
    print(f"DCASE 2026 Task 2, {release.title}: {page}")
    print(f"licence {LICENCE} (the record says: {record.get('metadata', {}).get('license')})")
    for item in items:
        print(f"  {item.zip.name}  {megabytes(item.size)}, {megabytes(held(item.part))} here  -> {item.target}")
    print(f"  {len(items)} files, {megabytes(sum(item.size for item in items))}", flush=True)


def check_space(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DownloadError(
            f"{folder}: {megabytes(free)} free, at least {megabytes(need)} needed; make room, give another --out, "
            "or take some --machines at a time"
        )


def least_space(items: Sequence[Item]) -> int:
    """Bytes certainly needed: sound unpacks to no less than its zip, and one zip lies beside what is unpacked."""
    sizes = [item.size for item in items]
    return sum(sizes) + max(sizes) - sum(held(item.part) + held(item.zip) for item in items)


def megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"


def held(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# ---- the network


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, **headers})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise http_error(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise Cut(f"{url}: {error}; is there a network, and does a proxy need https_proxy?") from error


def http_error(url: str, error: urllib.error.HTTPError) -> DownloadError:
    said = f"{url}: HTTP {error.code} {error.reason}"
    if error.code == 416:
        return NoResume(said)
    if error.code in CURABLE:
        return Cut(f"{said}; the server is busy, try again later")
    return DownloadError(f"{said}; was the file moved or withdrawn? Open the record in a browser")


def read_some(response: http.client.HTTPResponse, n_bytes: int) -> bytes:
    try:
        return response.read(n_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise Cut(f"{error}") from error


def fetch(item: Item) -> None:
    """Leave the verified zip at `item.zip`."""
    if item.zip.exists():
        check_md5(item.zip, item.md5)
        return
    item.zip.parent.mkdir(parents=True, exist_ok=True)
    receive(item)
    try:
        check_md5(item.part, item.md5)
    except DownloadError:
        item.part.unlink()
        raise
    item.part.replace(item.zip)


def receive(item: Item) -> None:
    """Fill `item.part` up to the listed size, over as many as TRIES connections."""
    for attempt in range(TRIES):
        try:
            return receive_rest(item)
        except Cut as error:
            cause = error
        if isinstance(cause, NoResume):
            item.part.unlink(missing_ok=True)
        if attempt + 1 < TRIES:
            time.sleep(PAUSE * 2**attempt)
    raise DownloadError(
        f"{item.url}: {held(item.part):,} of {item.size:,} bytes after {TRIES} connections, the last one: {cause}. "
        f"Run again when the network is back: it goes on from {item.part}"
    )


def receive_rest(item: Item) -> None:
    """One connection: go on from the bytes that are here, or from zero where the server ignores the range."""
    if held(item.part) > item.size:
        item.part.unlink()  # another file's, or an older release's
    if (have := held(item.part)) == item.size:
        return
    with open_url(item.url, {"Range": f"bytes={have}-"} if have else {}) as response:
        start = start_of(response, item, have)
        with item.part.open("ab" if start else "wb") as file, progress(item, start) as bar:
            while chunk := read_some(response, min(CHUNK, item.size - file.tell())):
                bar.update(file.write(chunk))
    if (have := held(item.part)) < item.size:
        raise Cut(f"the connection ended at byte {have:,}")


def start_of(response: http.client.HTTPResponse, item: Item, have: int) -> int:
    """The byte that the answer begins with: `have` for 206, 0 for 200."""
    if response.status == 206:
        said = response.headers.get("Content-Range", "none")
        if not said.startswith(f"bytes {have}-"):
            raise NoResume(f"bytes from {have} asked for, Content-Range {said} given")
        return have
    length = int(response.headers.get("Content-Length", item.size))
    if length != item.size:
        raise DownloadError(
            f"{item.url}: {length:,} bytes offered, {item.size:,} expected from the record's list; is a proxy or a "
            "login page in between? Open the address in a browser"
        )
    return 0


def progress(item: Item, start: int) -> tqdm[Any]:
    return tqdm(total=item.size, initial=start, desc=item.zip.name, unit="B", unit_scale=True, disable=None)


def check_md5(path: Path, expected_md5: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != expected_md5:
        raise DownloadError(
            f"{path}: MD5 {digest.hexdigest()}, {expected_md5} expected from the record; the bytes were damaged on "
            "the way, or are an older release. Nothing was unpacked; remove the file if it is still there and run again"
        )


# ---- the zip


def unpack(item: Item) -> None:
    """Check, extract beside the target, move into place: all of it or nothing."""
    try:
        with workshop(item.target.with_name(f".unpacking_{item.machine}")) as folder:
            extract(item, folder)
            check_splits(folder / item.machine, item)
            place(folder / item.machine, item)
    except BadArchive:
        item.zip.unlink()
        raise
    print(f"{item.target}: {' and '.join(item.splits)} unpacked from {item.zip.name}", flush=True)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """An empty folder that does not outlive the block; what a killed run left there goes too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def extract(item: Item, folder: Path) -> None:
    try:
        with zipfile.ZipFile(item.zip) as archive:
            members = [info for info in archive.infolist() if not is_litter(info.filename)]
            check_members(members, item)
            check_space(folder, sum(info.file_size for info in members))
            for info in tqdm(members, desc=f"unpack {item.zip.name}", disable=None):
                archive.extract(info, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: encrypted, odd method
        raise BadArchive(
            f"{item.zip.name}: cannot be unpacked ({error}) although its MD5 is the record's; the published file "
            "itself is faulty: ask the organisers"
        ) from error


def is_litter(name: str) -> bool:
    """What macOS adds to a zip."""
    parts = PureWindowsPath(name).parts
    return "__MACOSX" in parts or any(part == ".DS_Store" or part.startswith("._") for part in parts)


def check_members(members: Sequence[zipfile.ZipInfo], item: Item) -> None:
    """Raises BadArchive unless every member is an ordinary file or folder of sane size inside <machine>/."""
    faults = [fault for info in members if (fault := member_fault(info, item.machine))]
    if len({info.filename for info in members}) < len(members):
        faults.append("two members of one name")
    if (unpacked := sum(info.file_size for info in members)) > MAX_RATIO * item.size:
        faults.append(f"{megabytes(unpacked)} unpacked from {megabytes(item.size)}, at most {MAX_RATIO} times expected")
    if faults:
        raise BadArchive(
            f"{item.zip.name}: {len(faults)} unsafe or unexpected members, the first: {faults[0]}. Nothing was "
            "unpacked; the published file is not what the challenge describes: ask the organisers"
        )


def member_fault(info: zipfile.ZipInfo, machine: str) -> str | None:
    path = PureWindowsPath(info.filename)  # knows both slashes and drive letters
    if path.anchor or ".." in path.parts:
        return f"'{info.filename}' leads out of the folder"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"'{info.filename}' is a link or a device, not a file"
    if path.parts[:1] != (machine,):
        return f"'{info.filename}' is not in {machine}/"
    return None


def check_splits(source: Path, item: Item) -> None:
    for split in item.splits:
        if not any((source / split).glob("*.wav")):
            raise BadArchive(f"{item.zip.name}: no .wav in {item.machine}/{split}/; is this another release's zip?")


def place(source: Path, item: Item) -> None:
    """Move every entry into the machine's folder; an entry that is there already must be the same file."""
    entries = sorted(source.iterdir(), key=lambda entry: entry.name in item.splits)  # splits last: they say it is done
    new = [entry for entry in entries if not is_same_file(entry, item.target / entry.name)]
    if clash := [entry.name for entry in new if (item.target / entry.name).exists()]:
        raise DownloadError(
            f"{item.target}: {', '.join(clash)} is there already and differs from that in {item.zip.name}; nothing "
            "was changed. Move it away and run again"
        )
    item.target.mkdir(exist_ok=True)
    for entry in new:
        entry.rename(item.target / entry.name)


def is_same_file(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)


# ---- the program


def planned(args: argparse.Namespace, release: Release, machines: Sequence[str]) -> list[Item]:
    """The zips to fetch, announced, with room for them on the disk."""
    base_url = args.base_url.rstrip("/")
    page = f"{base_url}/records/{release.record}"
    record = read_record(base_url, release.record)
    files = listed_files(record, page)
    known = {} if args.trust_record else KNOWN_MD5
    items = []
    for machine in machines:
        name = release.zip_name(machine)
        size, md5 = expected(name, files, known, page)
        place_of = args.out / "downloads" / name, args.out / release.raw / machine
        items.append(Item(machine, f"{page}/files/{name}?download=1", size, md5, *place_of, release.splits))
    announce(release, page, record, items)
    args.out.mkdir(parents=True, exist_ok=True)
    check_space(args.out, least_space(items))
    return items


def download(args: argparse.Namespace) -> None:
    release = RELEASES[args.release]
    wanted = chosen_machines(release, args.machines)
    missing = [machine for machine in wanted if not is_unpacked(args.out / release.raw / machine, release.splits)]
    if not missing:
        print("nothing to download")
        return
    for item in planned(args, release, missing):
        fetch(item)
        unpack(item)
        if not args.keep_zips:
            item.zip.unlink()


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parse.add_argument("release", choices=RELEASES, help="development, additional training, or evaluation set")
    parse.add_argument("--out", type=Path, default=Path("data/dcase2026t2"), help="data folder (%(default)s)")
    parse.add_argument("--machines", nargs="+", metavar="MACHINE", help="only these (default: all of the release)")
    parse.add_argument("--base-url", default=ZENODO, help="a mirror of Zenodo's addresses (%(default)s)")
    parse.add_argument("--keep-zips", action="store_true", help="leave the zips in <out>/downloads")
    parse.add_argument("--trust-record", action="store_true", help="take the record's MD5s where this kit knows others")
    return parse


def main(argv: Sequence[str] | None = None) -> int:
    try:
        download(parser().parse_args(argv))
    except (DownloadError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; run again to go on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
