"""The transfer: an item in, its zip on disk out, checked by MD5; a cut connection is resumed where it ended.

What is there of a zip lies in <zip>.part and is kept for the next run, unless its bytes are wrong.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

from asd.download.items import DownloadError, Item, held

AGENT = "dcase2026-task2-kit"  # Zenodo turns some anonymous clients away
TIMEOUT = 60  # s without a byte
TRIES = 5  # connections for one file before giving up
PAUSE = 2.0  # s before the second connection, doubled each time
CHUNK = 1 << 20  # bytes
SCHEMES = ("http", "https")
CURABLE = (408, 429, 500, 502, 503, 504)  # HTTP answers that another try may cure


class Cut(DownloadError):
    """The connection or the server failed in a way that another try may cure."""


class NoResume(Cut):
    """The server does not go on from the bytes that are here."""


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Only to http or https, and never from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = ("https",) if req.type == "https" else SCHEMES
        if urllib.parse.urlsplit(newurl).scheme not in allowed:
            raise DownloadError(f"{req.full_url}: sent on to {newurl}, {' or '.join(allowed)} expected; not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """Nothing but HTTP is spoken: no file of this machine, no FTP."""
    if not url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        raise DownloadError(f"{url}: an address that begins with http:// or https:// expected")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": AGENT, **headers})
        return urllib.request.build_opener(SafeRedirects).open(request, timeout=TIMEOUT)
    except DownloadError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise http_error(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise Cut(f"{url}: {error}; is there a network, and does a proxy need https_proxy?") from error
    except ValueError as error:  # the address, or one it was sent on to, is none
        raise DownloadError(f"{url}: {error}; is --base-url right?") from error


def http_error(url: str, error: urllib.error.HTTPError) -> DownloadError:
    said = f"{url}: HTTP {error.code} {' '.join(str(error.reason).split())}"
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
    offered = response.headers.get("Content-Length", str(item.size))
    if offered.strip() != str(item.size):
        raise DownloadError(
            f"{item.url}: {offered} bytes offered, {item.size:,} expected from the record's list; is a proxy or a "
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
