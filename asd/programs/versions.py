"""Versions: what decides the bytes of a result besides its numbers. A job is refused where its host has others."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from asd.errors import BadInput
from asd.fingerprint import digest
from asd.jobs import ROOT

PACKAGES = ("torch", "numpy", "scipy", "librosa", "scikit-learn", "soundfile")
KIT = "the kit's code"  # the hash of it


@cache
def versions_here() -> dict[str, str]:
    """Package -> version, and the hash of the kit's code, as this process first found it."""
    files = sorted(path for folder in ("asd", "systems") for path in (ROOT / folder).rglob("*.py"))
    kit = digest(*(part for path in files for part in (str(path.relative_to(ROOT)).encode(), path.read_bytes())))
    return {**{name: installed(name) for name in PACKAGES}, KIT: kit[:8]}


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def refuse_others(expected: Mapping[str, str]) -> None:
    """Raises BadInput, naming host and package, unless this process has the versions of the one that sent the job."""
    here = versions_here()
    other = [f"{name} {here.get(name)}, run.py has {of}" for name, of in expected.items() if here.get(name) != of]
    if other:
        raise BadInput(
            f"worker on {socket.gethostname()}: {'; '.join(other)} (its results would be others: every host needs the "
            "same versions, and the kit must not be edited while it runs)"
        )
