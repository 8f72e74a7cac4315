"""What stands for clips in keys: the content of those that are there, or the key of those that a run has recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd.clips import Clip
from asd.fingerprint import digest
from asd.store import content


@dataclass(frozen=True)
class RecordedClips(Sequence[Clip]):
    """Clips that a run has learnt from: their key is recorded, they need not be there and are not read."""

    key: str
    machine: str
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: Any) -> Any:
        """A clip without a file."""
        return Clip(Path(f"recorded clip {range(self.length)[i]}"), self.machine, "")


def clips_key(clips: Sequence[Clip]) -> str:
    """Content of the clips in their order; names do not enter."""
    return clips.key if isinstance(clips, RecordedClips) else digest(*(content(clip.path) for clip in clips))


def are_copies(clips: Sequence[Clip]) -> bool:
    """Whether several clips that are there have one content."""
    there = [] if isinstance(clips, RecordedClips) else clips
    return len(there) > 1 and len({content(clip.path) for clip in there}) == 1
