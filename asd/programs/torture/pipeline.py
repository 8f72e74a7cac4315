"""The pipeline: a checkout and a folder in; commands from fit to report, and the bytes that they must leave, out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from asd.errors import BadInput
from asd.programs.session import PROBE
from asd.results import CLAIM, LOCK

ROOT = Path(__file__).resolve().parents[3]
SHORT = {
    "ae": ["detector.training.epochs=4", "detector.training.windows_per_epoch=2048"],
    "ssd": ["detector.training.epochs=4", "frontend.training.epochs=2", "frontend.student.units=8"],
}
TIMED = ("training_", "omega_by_seed")  # files that tell seconds, or are of a part of the pipeline alone


@dataclass(frozen=True)
class Pipeline:
    """In `folder`: data, made once; results and a package, made anew for each round."""

    folder: Path
    results: Path
    workers: int = 2

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def out(self) -> Path:
        return self.results / "package"

    def run(self, kind: str, system: str, *more: str) -> list[str]:
        sets = [word for text in SHORT[system] for word in ("--set", text)]
        places = ["--data", str(self.data), "--results", str(self.results), "--workers", str(self.workers)]
        return _python("run.py", kind, system, *places, "--seeds", "2", *sets, *more)

    def commands(self) -> list[list[str]]:
        """Fit, score and prove on both sets, package, evaluate, report."""
        runs = [self.run(kind, system) for kind in ("-d", "-e") for system in SHORT]
        places = ["--data", str(self.data), "--results", str(self.results), "--out", str(self.out)]
        of_eval = [str(self.results / "eval" / system) for system in SHORT]
        truth = ["--ground-truth", str(self.data)]
        report = ["--data", str(self.data), *truth, "--draws", "50", "--out", str(self.results / "report.html")]
        return [
            *runs,
            _python("tools/package.py", "--team", str(self.folder / "team" / "team.yaml"), *places),
            _python("tools/evaluate.py", str(self.out / "Example_EXU_task2.zip"), *truth),
            _python("tools/report.py", *of_eval, *report),
        ]

    def left(self) -> dict[str, str]:
        """Name -> hash of every file whose bytes must not depend on what happened on the way."""
        paths = [*self.results.glob("*/*/**/*.csv"), *self.results.glob("*/*/system.yaml"), *self.out.glob("*.zip")]
        kept = [path for path in paths if not path.name.startswith(TIMED)]
        return {str(p.relative_to(self.results)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(kept)}

    def leftovers(self) -> list[Path]:
        """Half-written files, and work under way that no longer is."""
        scratch = self.results / "store" / "scratch"
        hidden = [p for p in self.results.rglob(".*") if p.name not in (LOCK, CLAIM, PROBE)]
        return [*hidden, *(p for p in scratch.rglob("*") if p.is_file())]

    def has_checkpoint(self, since: float = 0.0) -> bool:
        """Written since then, in seconds of the clock."""
        return any(_written(path) >= since for path in self.results.glob("store/scratch/*/*/checkpoint.pt"))

    def orphans(self, patience: float = 10.0) -> list[int]:
        """Processes that still name the results folder, `patience` seconds after their parent was killed."""
        end = time.monotonic() + patience
        while (found := _processes_of(self.results)) and time.monotonic() < end:
            time.sleep(0.1)
        return found


def prepared(folder: Path) -> None:
    """Simulated data of a machine a set, and a team of the two systems. What is there already stays."""
    for split, machine in (("", "fan"), ("--eval", "blower")):
        words = [word for word in ("tools/simulate.py", str(folder / "data"), split) if word]
        place = folder / "data" / ("eval_data" if split else "dev_data") / "raw" / machine
        if not place.exists():
            done(_python(*words, "--size", "tiny", "--machines", machine))
    team = yaml.safe_load((ROOT / "submission" / "example" / "team.yaml").read_text(encoding="utf-8"))
    described = team["systems"][0]
    team["systems"] = [{**described, "system": name, "abbreviation": name} for name in SHORT]
    (folder / "team").mkdir(exist_ok=True)
    (folder / "team" / "team.yaml").write_text(yaml.safe_dump(team), encoding="utf-8")
    report = (ROOT / "submission" / "example" / team["report"]).read_bytes()
    (folder / "team" / team["report"]).write_bytes(report)


def done(command: Sequence[str], expect: int = 0) -> str:
    """Run it; what it printed. Raises BadInput where it ends otherwise than expected."""
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ended.returncode != expect:
        raise BadInput(f"{' '.join(command)}: exit code {ended.returncode}, {expect} expected; {ended.stderr[-2000:]}")
    return ended.stdout + ended.stderr


def compared(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """What differs, in words."""
    return [
        f"{name}: {'missing' if name not in found else 'not expected' if name not in expected else 'other bytes'}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    ]


def _python(script: str, *words: str) -> list[str]:
    return [sys.executable, str(ROOT / script), *words]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # just deleted
        return -1.0


def _processes_of(results: Path) -> list[int]:
    """Of this host's processes, those whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(results).encode() in line and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found
