"""Clips unlike their siblings by header or name: what a short copy or a lost clip may be all that is seen of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from asd.clips import ANONYMOUS, ClipName
from asd.data.machines import ClipInfo

MOST = 0.9  # share of a machine's clips that makes a length its usual one; chosen


def length_warnings(infos: Sequence[ClipInfo]) -> list[str]:
    """Clips of another length than nearly all of their machine; nothing where lengths differ anyway."""
    clips = [info for info in infos if info.split != "supplemental"]
    counts = Counter(info.n_samples for info in clips)
    if not counts:
        return []
    usual, n = counts.most_common(1)[0]
    odd = [info for info in clips if info.n_samples != usual]
    if not odd or n < MOST * len(clips):
        return []
    shown = ", ".join(f"{i.split}/{i.clip.path.name} {i.n_samples / i.rate:g} s" for i in odd[:3])
    return [
        f"{odd[0].clip.machine}: {len(odd)} clips of another length than the {usual / odd[0].rate:g} s of {n} others: "
        f"{shown}{' ...' * (len(odd) > 3)} (was a copy cut short?)"
    ]


def number_warnings(infos: Sequence[ClipInfo]) -> list[str]:
    """Gaps in the numbers of a split; they run over its domains and conditions, or anew in each."""
    return [warning for split in ("train", "test") for warning in _gaps([i for i in infos if i.split == split])]


def _gaps(infos: Sequence[ClipInfo]) -> Iterator[str]:
    groups: dict[str, list[int]] = {}
    for info in infos:
        kind, number = _numbered(info.clip.path.name)
        groups.setdefault(kind, []).append(number)
    everything = sorted(number for of in groups.values() for number in of)
    if len(set(everything)) == len(everything):  # one series for all
        groups = {"": everything}
    for kind, of in groups.items() if infos else ():
        missing = sorted(set(range(min(of), max(of) + 1)) - set(of))
        if missing:
            what = f"{infos[0].clip.machine}/{infos[0].split}{' ' * bool(kind)}{kind}"
            yield (
                f"{what}: {len(missing)} of the numbers {min(of):04d} to {max(of):04d} are not there, first "
                f"{missing[0]:04d} (is the download complete?)"
            )


def _numbered(name: str) -> tuple[str, int]:
    """Domain and condition, and the number."""
    if match := ANONYMOUS.fullmatch(name):
        return "", int(match[2])
    parsed = ClipName.parse(name)
    return f"{parsed.domain} {parsed.condition}", parsed.number
