"""Equal contents: clips in, a warning for recordings that are there twice out."""

from __future__ import annotations

from collections.abc import Sequence

from asd.clips import Clip
from asd.store import content


def content_warnings(train: Sequence[Clip], test: Sequence[Clip]) -> list[str]:
    """Training clips among the test clips, and clips that are there more than once within either."""
    of_train, of_test = _by_content(train), _by_content(test)
    common = [key for key in of_train if key in of_test]
    warnings = []
    if common:
        pair = of_train[common[0]][0], of_test[common[0]][0]
        warnings.append(
            f"{pair[0].machine}: {len(common)} training clips are among the test clips, first {_short(pair[0])} = "
            f"{_short(pair[1])} (their scores say nothing; was a folder copied over the other?)"
        )
    for groups in (of_train, of_test):
        if again := [of for of in groups.values() if len(of) > 1]:
            first, second = again[0][:2]
            warnings.append(
                f"{first.machine}: {sum(len(of) - 1 for of in again)} clip(s) are there under two names, first "
                f"{_short(first)} = {_short(second)}"
            )
    return warnings


def _by_content(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(content(clip.path), []).append(clip)
    return groups


def _short(clip: Clip) -> str:
    return f"{clip.path.parent.name}/{clip.path.name}"
