"""The record: a release's page on Zenodo in, name, size and MD5 of each of its zips out."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any

from asd.download.items import DownloadError
from asd.download.transfer import CHUNK, open_url, read_some

LONGEST = 8_000_000  # bytes of a record; Zenodo's are some 20 kB
Files = Mapping[str, tuple[int, str]]  # name -> size in bytes, MD5


def read_record(base_url: str, record: int) -> Any:
    """The record as Zenodo's REST API gives it: `files` with `key`, `size`, `checksum`, and `metadata`."""
    url = f"{base_url}/api/records/{record}"
    with open_url(url, {}) as response:
        body = whole_body(response, url)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DownloadError(f"{url}: not JSON but {body[:40]!r}; is a proxy or a login page in between?") from error


def whole_body(response: http.client.HTTPResponse, url: str) -> bytes:
    """Raises DownloadError where it is longer than any record."""
    body = b""
    while chunk := read_some(response, CHUNK):
        body += chunk
        if len(body) > LONGEST:
            raise DownloadError(f"{url}: more than {LONGEST / 1e6:g} MB, a record of a few kB expected; is it Zenodo?")
    return body


def listed_files(record: Any, page: str) -> Files:
    """name -> (size in bytes, MD5), as the record lists them."""
    try:
        return {name_of(file["key"]): (bytes_of(file["size"]), bare_md5(file["checksum"])) for file in record["files"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DownloadError(
            f"{page}: no list of files with `key`, `size` and an `md5:` checksum in the record ({error!r}); was it "
            "closed, or has Zenodo changed its API? Download by hand and unpack as the head of tools/download.py shows"
        ) from error


def check_year(record: Any, year: int, page: str) -> None:
    """Raises DownloadError unless the record's title names the year: zips of several years have the same names."""
    metadata = record.get("metadata")
    title = str(metadata.get("title", "")) if isinstance(metadata, dict) else ""
    if str(year) not in title:
        raise DownloadError(
            f"{page}: the record's title is {title!r}, one with {year} in it expected; this kit knows the records of "
            f"{year} second-hand, from the organisers' download tables: look for the right one on Zenodo by hand"
        )


def licence(record: Any) -> object:
    """What the record says of it, in whatever form."""
    metadata = record.get("metadata")
    return metadata.get("license") if isinstance(metadata, dict) else None


def name_of(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"key {key!r}")
    return key


def bytes_of(size: object) -> int:
    if type(size) is not int or not 0 < size < 2**63:
        raise ValueError(f"size {size!r}")
    return size


def bare_md5(checksum: str) -> str:
    algorithm, _, digits = checksum.partition(":")
    if algorithm != "md5" or not re.fullmatch("[0-9a-f]{32}", digits):
        raise ValueError(f"checksum {checksum}")
    return digits


def expected(name: str, files: Files, known: Mapping[str, str], page: str) -> tuple[int, str]:
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
