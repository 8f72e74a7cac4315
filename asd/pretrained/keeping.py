"""Loaded networks: a checkpoint's path and a device in, the network out, loaded once per process and file content."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from threading import Lock
from typing import TypeVar

import torch

from asd.errors import check
from asd.pretrained.checkpoints import files_at
from asd.store import content
from asd.training import pin

Network = TypeVar("Network")


def kept(load: Callable[[Path, str], Network]) -> Callable[..., Network]:
    """`load(path, device)`, called once however many threads ask; again where the file or folder changes."""
    lock = Lock()

    @cache
    def of_content(_: tuple[str, ...], path: Path, device: str) -> Network:
        check("device", device, device == "cpu" or torch.cuda.is_available(), "cpu, or cuda on a machine with a GPU,")
        return load(path, device)

    @wraps(load)
    def once(path: Path, device: str = "cpu") -> Network:
        pin(device)
        with lock:
            return of_content(tuple(map(content, files_at(path))), path, device)

    return once


def counted(network: torch.nn.Module) -> int:
    """Its parameters."""
    return sum(p.numel() for p in network.parameters())
