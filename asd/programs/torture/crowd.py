"""Crowds: several runs at once in one results folder, one of them with another number."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

from asd.programs.torture.pipeline import Pipeline, compared, done

OTHER = ["--set", "detector.training.batch_size=128"]
SAME = 2  # runs of the same numbers


def crowded(pipeline: Pipeline, rounds: int, tell: Callable[[str], None]) -> list[str]:
    """Two runs of the same numbers and one of another at once: each ends whole or is refused by name. The faults."""
    alone = [replace(pipeline, results=pipeline.results / name) for name in ("same", "other")]
    done(alone[0].run("-d", "ae"))
    done(alone[1].run("-d", "ae", *OTHER))
    expected, faults = [own.left() for own in alone], list[str]()
    for i in range(rounds):
        own = replace(pipeline, results=pipeline.results / f"crowd_{i}")
        commands = [*[own.run("-d", "ae")] * SAME, own.run("-d", "ae", *OTHER)]
        runs = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
        said = [run.communicate()[1] for run in runs]
        codes = [run.returncode for run in runs]
        refused = [text for code, text in zip(codes, said, strict=True) if code]
        if not {*codes} <= {0, 2} or not all("results of other numbers" in text for text in refused):
            faults.append(f"round {i}: exit codes {codes}; {' '.join(refused)[-500:]}")
        if all(compared(own.left(), of) for of in expected):
            faults.append(f"round {i}: what lies there is of neither run alone")
        tell(f"crowd {i + 1} of {rounds}: exit codes {codes}, {len(faults)} faults")
    return faults
