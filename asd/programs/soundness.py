"""Soundness: an opened session in, a sentence for each thing that looks wrong with its clips out, before any work.

What cannot be right raises BadInput: a machine whose near channel is dead, a system that needs the far channel where
that is, two test clips of one content with different truth.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asd import data
from asd.errors import BadInput
from asd.programs.channels import refuse_dead_far
from asd.programs.inspection import contradictions
from asd.programs.session import Session

HEARD = 20  # clips of each split, spread over it; `tools/inspect_data.py` hears all
SHOWN = 10  # warnings
Tell = Callable[[str], None]


def warn(session: Session, tell: Tell) -> None:
    """Of what looks wrong with the clips; what cannot be right is refused."""
    for warning in check_soundness(session):
        tell(f"warning: {warning}")


def check_soundness(session: Session) -> list[str]:
    """The warnings, of which there may be none."""
    warnings, dead, problems = [], [], []
    for machine in session.machines:
        with ThreadPoolExecutor(session.request.workers) as pool:
            train, test = (
                list(pool.map(data.sound_of, data.spread(clips, HEARD))) for clips in (machine.train, machine.test)
            )
        dead += [machine.name] * data.far_is_dead(train)
        problems += [*data.sound_problems(train), *contradictions(machine.test, machine.folder)]
        warnings += [*machine.warnings, *data.sound_warnings(train, test)]
        warnings += data.content_warnings(machine.train, machine.test)
    if problems:
        raise BadInput(data.listed(tuple(problems)))
    refuse_dead_far({name: session.behind(name) for name in session.members}, dead)
    return shown(warnings, session)


def shown(warnings: list[str], session: Session) -> list[str]:
    if len(warnings) <= SHOWN:
        return warnings
    left = len(warnings) - SHOWN
    return [*warnings[:SHOWN], f"... and {left} more: `python tools/inspect_data.py {session.request.data}` tells all"]
