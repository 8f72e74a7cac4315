"""Fetch a release of DCASE Task 2, 2023 to 2026, from Zenodo, check every byte, unpack it where the kit reads it.

    python tools/download.py dev | train | eval [--year 2025] [--out data/dcase2025t2] [--machines fan ...]

Leaves: <out>/dev_data/raw/<machine>/{train,test}, <out>/eval_data/raw/<machine>/train (train) and .../test (eval).
A call that was stopped or cut is resumed by the same call. Exit code 2: error.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd.commands import command

from asd.download import NEWEST, RELEASES, ZENODO, Request, download, releases
from asd.text_files import given


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("release", choices=RELEASES[NEWEST], help="development, additional training, or evaluation set")
    parser.add_argument("--year", type=int, choices=RELEASES, default=NEWEST, help="of the challenge (%(default)s)")
    parser.add_argument("--out", type=given, help="data folder (data/dcase<year>t2)")
    parser.add_argument("--machines", nargs="+", metavar="MACHINE", help="only these (default: all of the release)")
    parser.add_argument("--base-url", default=ZENODO, help="a mirror of Zenodo's addresses (%(default)s)")
    parser.add_argument("--keep-zips", action="store_true", help="leave the zips in <out>/downloads")
    parser.add_argument(
        "--trust-record", action="store_true", help="take the record's MD5s where this kit knows others"
    )
    return parser


@command
def main(argv: Sequence[str]) -> None:
    args = command_line().parse_args(argv)
    known_md5 = {} if args.trust_record else releases.KNOWN_MD5.get(args.year, {})
    release, out = RELEASES[args.year][args.release], args.out or Path(f"data/dcase{args.year}t2")
    request = Request(release, out, args.machines, args.base_url, known_md5, args.keep_zips)
    download(request, say=functools.partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
