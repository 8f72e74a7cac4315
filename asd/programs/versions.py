"""Versions: what decides the bytes of a result besides its numbers. A job is refused where its host has others."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from asd.errors import BadInput

PACKAGES = ("torch", "numpy", "scipy", "librosa", "scikit-learn", "soundfile")  # librosa: aiSFX's mel filters


def versions_here() -> dict[str, str]:
    """Package -> version."""
    return {name: installed(name) for name in PACKAGES}


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def refuse_others(expected: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Raises BadInput, naming host and what differs, unless this process has what the one that sent the job expects."""
    other = [f"{name} {here.get(name)}, run.py has {of}" for name, of in expected.items() if here.get(name) != of]
    if other:
        raise BadInput(
            f"worker on {socket.gethostname()}: {'; '.join(other)} (its results would be others: every host needs the "
            "same versions, and code that a system uses must not be edited while it runs)"
        )
