"""Channels: systems and machines in; a refusal out where a system needs a microphone that a machine has not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import systems
from asd.data import Machine
from asd.errors import BadInput
from asd.system import System


def check_channels(wanted: Mapping[str, Mapping[str, System]], machines: Sequence[Machine]) -> None:
    """`wanted`: name -> the systems behind it that train, by name. Raises BadInput for a machine of one channel and a
    system that needs two, with those that do run on it.
    """
    single = [machine.name for machine in machines if machine.channels == 1]
    for needs, way_out in in_need(wanted) if single else ():
        raise BadInput(
            f"{needs}, and {', '.join(single)} {'has' if len(single) == 1 else 'have'} one channel, near; "
            f"these systems run on it: {', '.join(systems.on_one_channel())}{way_out}"
        )


def refuse_dead_far(wanted: Mapping[str, Mapping[str, System]], dead: Sequence[str]) -> None:
    """`dead`: machines whose far channel holds one number in all clips. Raises BadInput for a system that needs it."""
    for needs, way_out in in_need(wanted) if dead else ():
        raise BadInput(
            f"{needs}, and that of {', '.join(dead)} is constant in all training clips heard (a dead microphone, or an "
            f"empty channel?){way_out}"
        )


def in_need(wanted: Mapping[str, Mapping[str, System]]) -> Iterator[tuple[str, str]]:
    """Of each name that needs the far channel, that in words, and what makes it run without."""
    for name, behind in wanted.items():
        needing = {system: recipe.far_parts for system, recipe in behind.items() if recipe.far_parts}
        if needing:
            yield f"{name} needs the far channel ({told(name, needing)})", remedy(behind)


def told(name: str, needing: Mapping[str, Sequence[str]]) -> str:
    """The parts that need it, and of an ensemble whose they are."""
    owners = {system: f" of {system}" * (system.partition(":")[0] != name) for system in needing}
    return "; ".join(dict.fromkeys(f"{', '.join(parts)}{owners[system]}" for system, parts in needing.items()))


def remedy(behind: Mapping[str, System]) -> str:
    """What makes it run where nothing but a front-end of one output channel needs the far microphone."""
    only_frontends = all(s.far_parts in ([], [type(s.frontend).__name__]) for s in behind.values())
    return "; or this one behind the near channel alone, --set frontend=Near" * only_frontends
