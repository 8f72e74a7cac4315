"""The record: a release's page on Zenodo in, name, size and MD5 of each of its zips out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from asd.download.items import DownloadError
from asd.download.transfer import CHUNK, open_url, read_some

Files = Mapping[str, tuple[int, str]]  # name -> size in bytes, MD5


def read_record(base_url: str, record: int) -> Any:
    """The record as Zenodo's REST API gives it: `files` with `key`, `size`, `checksum`, and `metadata`."""
    url = f"{base_url}/api/records/{record}"
    with open_url(url, {}) as response:
        body = b"".join(iter(lambda: read_some(response, CHUNK), b""))
    try:
        return json.loads(body)
    except ValueError as error:
        raise DownloadError(f"{url}: not JSON but {body[:40]!r}; is a proxy or a login page in between?") from error


def listed_files(record: Any, page: str) -> Files:
    """name -> (size in bytes, MD5), as the record lists them."""
    try:
        return {file["key"]: (int(file["size"]), bare_md5(file["checksum"])) for file in record["files"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DownloadError(
            f"{page}: no list of files with `key`, `size` and an `md5:` checksum in the record ({error!r}); was it "
            "closed, or has Zenodo changed its API? Download by hand and unpack as the head of tools/download.py shows"
        ) from error


def check_year(record: Any, year: int, page: str) -> None:
    """Raises DownloadError unless the record's title names the year: zips of several years have the same names."""
    title = str((record.get("metadata") or {}).get("title", "")) if isinstance(record, dict) else ""
    if str(year) not in title:
        raise DownloadError(
            f"{page}: the record's title is {title!r}, one with {year} in it expected; this kit knows the records of "
            f"{year} second-hand, from the organisers' download tables: look for the right one on Zenodo by hand"
        )


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
