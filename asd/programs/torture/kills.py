"""Kills: the pipeline's commands killed at random moments and run again, until all have ended by themselves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asd.errors import BadInput
from asd.programs.torture.pipeline import Pipeline, compared

WAYS = ("the process group by SIGKILL", "the parent by SIGKILL", "a worker by SIGKILL", "the parent by SIGTERM")
WAITING = 0.5  # share of the kills that wait for a checkpoint
LOOK = 0.01  # s between two looks at a process
IN_A_ROW = 8  # kills of one command at most, so that a round comes to its end
ALLOWED = (0, 1, 130, 143)  # exit codes of a command that lost a worker, or was asked to end


@dataclass
class Outcome:
    kills: Counter = field(default_factory=Counter)  # way -> how many
    with_checkpoint: int = 0  # kills with a checkpoint on disk
    rounds: int = 0
    faults: list[str] = field(default_factory=list)


def killed(pipeline: Pipeline, wanted: int, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Rounds of the whole pipeline until `wanted` kills have hit; the first round is undisturbed."""
    draw, outcome = random.Random(seed), Outcome()
    undisturbed = replace(pipeline, results=pipeline.results / "undisturbed")
    seconds = [timed(command) for command in undisturbed.commands()]
    expected = undisturbed.left()
    tell(f"undisturbed: {sum(seconds):.0f} s, {len(expected)} files to compare")
    while sum(outcome.kills.values()) < wanted:
        own = replace(pipeline, results=pipeline.results / f"round_{outcome.rounds}")
        for command, usual in zip(own.commands(), seconds, strict=True):
            until_done(own, command, usual, draw, outcome, wanted)
        outcome.rounds += 1
        outcome.faults += [f"round {outcome.rounds}: {fault}" for fault in faults_of(own, expected)]
        tell(f"{sum(outcome.kills.values())} of {wanted} kills, {outcome.rounds} rounds, {len(outcome.faults)} faults")
    return outcome


def faults_of(own: Pipeline, expected: dict[str, str]) -> list[str]:
    leftovers = [f"{path}: left over" for path in own.leftovers()]
    return [*compared(own.left(), expected), *leftovers, *(f"process {pid} goes on" for pid in own.orphans(0))]


def timed(command: Sequence[str]) -> float:
    begun = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise BadInput(f"{' '.join(command)}: exit code {ended.returncode} without any kill; {ended.stderr[-2000:]}")
    return time.monotonic() - begun


def until_done(
    own: Pipeline, command: Sequence[str], usual: float, draw: random.Random, outcome: Outcome, wanted: int
) -> None:
    for _ in range(IN_A_ROW):
        if sum(outcome.kills.values()) >= wanted:
            break
        way, late = draw.choice(WAYS), draw.random() < WAITING
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
            if goes_on(process, draw.uniform(0, usual), own if late else None):
                outcome.with_checkpoint += own.has_checkpoint()
                outcome.kills[way] += kill(process, way)
            process.wait()
            errors.seek(0)
            said = errors.read()
        if process.returncode > 0 and (process.returncode not in ALLOWED or "Traceback" in said):
            outcome.faults.append(f"{' '.join(command[1:4])}, {way}: exit code {process.returncode}, {said[-500:]}")
        outcome.faults += [f"{way}: process {pid} went on" for pid in own.orphans()]
        if process.returncode == 0:
            return
    timed(command)


def goes_on(process: subprocess.Popen, seconds: float, training: Pipeline | None) -> bool:
    """Whether it runs after so many seconds, or, where a pipeline is given, once that has written a checkpoint."""
    begun, end = time.time(), time.monotonic() + seconds
    while not training.has_checkpoint(begun) if training else time.monotonic() < end:
        if process.poll() is not None:
            return False
        time.sleep(LOOK)
    return process.poll() is None


def kill(process: subprocess.Popen, way: str) -> int:
    """1 where there was something to kill."""
    try:
        if way == WAYS[0]:
            os.killpg(process.pid, signal.SIGKILL)
        elif way == WAYS[2]:
            workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if not workers:
                process.kill()
            for worker in workers[:1]:
                os.kill(int(worker), signal.SIGKILL)
        else:
            process.send_signal(signal.SIGKILL if way == WAYS[1] else signal.SIGTERM)
    except (ProcessLookupError, FileNotFoundError):  # it has just ended by itself
        return 0
    return 1
