"""What the guard stops and what not: each row of the table in asd/README.md as a system's whole file, run through `-e`.

The proof runs in this process, with the system's module loaded anew, so that a mutant costs no more than its clips.
"""

import importlib
import json
import re
import sys
from itertools import count
from textwrap import indent

import pytest

import run as program
import systems
from asd import fingerprint
from asd.programs import proving
from asd.programs.request import Request
from asd.programs.session import Session

FILE = '''"""A system that breaks the rule, or means to."""

import ctypes
import os
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from asd.calibration import NormalStandardised, Standardised
from asd.features import LogMel
from asd.frontends import Near
from asd.system import System

TEST = Path({test!r})
KEPT = Path({kept!r})
STORE = Path({store!r})
SEEN = []


@dataclass(frozen=True)
class Distance:
    min_frames: int = 5

    def fit(self, features, is_target):
        return Fitted(np.mean([f.mean(0) for f in features], axis=0))


class Distances:
    seen = []

    def __init__(self, mean):
        self.mean, self.calls = mean, 0
        self.begin()

    def begin(self):
        pass

    def score(self, feature):
        return self.spoilt(float(np.abs(feature.mean(0) - self.mean).mean()))

    def spoilt(self, score):
        return score


class Fitted(Distances):
    {scorer}


@dataclass(frozen=True)
class Scale(Standardised):
    def __call__(self, score):
        {scale}


@dataclass(frozen=True)
class Calibration(NormalStandardised):
    def fit(self, train_scores):
        return Scale(float(np.mean(train_scores)), float(np.std(train_scores)))


SYSTEM = System(Near(), LogMel(), Distance(), Calibration())
'''
NUMBERS = count()
UNHEARD = "self.train_scores = 1.0 + np.arange(18)"  # so that no fit scores training clips, under its own policy
PLAIN = "return super().__call__(score)"


def scoring(*lines):
    """Lines of a scorer's method that turns a score into another."""
    return {"scorer": "def spoilt(self, score):\n" + indent("\n".join(lines), "    ")}


def beginning(line, *lines):
    """A line that runs while the scorer is fitted, and those of its scoring."""
    return {"scorer": f"def begin(self):\n    {line}\n\n" + scoring(*lines or ("return score",))["scorer"]}


def scaling(*lines):
    """Of the calibration, which is handed the test scores in the guard's array, and the training scores in another."""
    return {"scale": "\n".join(lines)}


STOPPED = {  # by type, by proof, by what may be opened
    "z-score": (scaling("return (score - score.mean()) / score.std()"), "no statistic over evaluation clips"),
    "percentile": (scaling("return np.where(score > np.percentile(score, 90), 1.0, 0.0)"), "np.percentile: refused"),
    "ranks": (scaling("return np.argsort(np.argsort(score)) / 16"), "np.argsort: refused"),
    "running mean on the scorer": (
        scoring("self.mean = 0.9 * self.mean", "return score"),
        "something is kept from one clip to the next",
    ),
    "list on the class": (scoring("self.seen.append(score)", "return score - np.mean(self.seen)"), "something is kept"),
    "list in the module": (scoring("SEEN.append(score)", "return score - np.mean(SEEN)"), "re-derived from the clip"),
    "chance": (scoring("return score + np.random.default_rng().random()"), "re-derived from the clip alone"),
    "fit opens a test clip": (beginning("soundfile.read(TEST / 'section_00_0003.wav')"), "0003.wav: open refused"),
    "fit lists the test clips": (
        beginning("self.mean = self.mean * len(os.listdir(TEST))"),
        "test: os.listdir refused",
    ),
    "scoring opens another clip": (
        scoring("return score - np.abs(soundfile.read(TEST / 'section_00_0003.wav')[0]).mean()"),
        "0003.wav: open refused",
    ),
    "a process is started": (scoring("subprocess.run(['true'])", "return score"), "no process may be started"),
    "a file of the clips so far": (
        scoring("KEPT.open('a').write(f'{score} ')", "return score - np.mean([*map(float, KEPT.read_text().split())])"),
        "writing refused while test clips are heard",
    ),
    "the highest score so far in a cache": (
        scoring(
            "high = max(score, float(np.load(KEPT)) if KEPT.exists() else 0.0)",
            "np.save(KEPT, high)",
            "return score / high",
        ),
        "writing refused while test clips are heard",
    ),
    "a cache written by torch": (scoring("torch.save(torch.tensor(score), KEPT)", "return score"), "writing refused"),
    "text in a symbolic link": (
        scoring("os.symlink(f'{score}', KEPT.with_name(f'link{score}'))", "return score"),
        "os.symlink, writing refused",
    ),
    "text in names of folders": (
        scoring("os.mkdir(KEPT.with_name(f'folder{score}'))", "return score"),
        "os.mkdir, writing refused",
    ),
    "a file in the store": (
        beginning(UNHEARD, "(STORE / 'mean').write_text(f'{score}')", "return score"),
        "mean: open, writing",
    ),
    "a file among the store's scores": (
        beginning(UNHEARD, "(STORE / 'scores' / 'mean').write_text(f'{score}')", "return score"),
        "mean: open refused",  # by the proof
    ),
    "text in the clips' folder": (
        scoring("(TEST / 'mean').write_text(f'{score}')", "return score"),
        "mean: open, writing refused|mean: open refused",
    ),
    "a data base": (scoring("sqlite3.connect(KEPT)", "return score"), "sqlite3.connect|writing refused"),
    "a file kept open since fit": (
        beginning("self.file = KEPT.open('w+')", "self.file.write(f'{score} ')", "self.file.flush()", "return score"),
        "something is kept from one clip to the next",
    ),
}
UNSEEN = {  # what nothing here can tell from an honest system
    "a number found by looking at the test scores": scoring("return score - 0.3142"),
    "a file made beforehand, from the test clips": scoring("return score - float(Path(__file__).stat().st_size > 0)"),
    "text in pipes with names": scoring(
        "pipe = KEPT.with_name(f'pipe{score}')", "pipe.exists() or os.mkfifo(pipe)", "return score"
    ),
    "sizes of other clips' files": scoring("return score - 1e-9 * (TEST / 'section_00_0003.wav').stat().st_size"),
    "another clip read through C": scoring(
        "libc = ctypes.CDLL(None)",
        "place = libc.open(os.fsencode(TEST / 'section_00_0003.wav'), 0)",
        "content = ctypes.create_string_buffer(2000)",
        "libc.read(place, content, 2000)",
        "libc.close(place)",
        "return score - float(np.frombuffer(content.raw[44:], '<i2').mean())",
    ),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("rule")  # one store: the mutants share their features


@pytest.fixture
def run(results, data_folder, tmp_path, monkeypatch, capsys):
    """The exit code and the error of `run.py -e` (or `of`) on a system of this file."""
    monkeypatch.setattr(systems, "HERE", tmp_path)
    monkeypatch.setattr(systems, "__path__", [str(tmp_path), *systems.__path__])
    of_the_kit = fingerprint._path_of
    monkeypatch.setattr(fingerprint, "_path_of", lambda module: in_folder(tmp_path, module) or of_the_kit(module))
    monkeypatch.setattr(proving, "run", lambda jobs, *_: [proven_here(job) for job in jobs])
    monkeypatch.setattr(program, "cpus", lambda: 1)

    def called(scorer="pass", scale=PLAIN, of=("-e",)):
        name = f"mutant{next(NUMBERS)}"  # the kit keeps what it has read of a module
        parts = {"scorer": indent(scorer, "    ").lstrip(), "scale": indent(scale, "        ").lstrip()}
        test = data_folder / "eval_data" / "raw" / "drone" / "test"
        places = {"{test!r}": repr(str(test)), "{kept!r}": repr(str(tmp_path / "kept.npy"))}
        places |= {"{store!r}": repr(str(results / "store"))}
        text = FILE
        for mark, value in {**places, **{f"{{{part}}}": value for part, value in parts.items()}}.items():
            text = text.replace(mark, value)
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        words = [of[0], name, *of[1:], "--data", str(data_folder), "--results", str(results), "--workers", "1"]
        code = program.main(words)
        return code, capsys.readouterr().err

    return called


def in_folder(folder, module):
    path = folder / f"{module.removeprefix('systems.')}.py"
    return path if path.exists() else None


def proven_here(job):
    """A proof's share, as a fresh process would do it: the system's module is loaded anew."""
    request = json.loads(job.command[-1])
    for name in request["recipes"]:
        sys.modules.pop(f"systems.{name}")
    proving.prove_here(Session(Request.parsed(job.command[-1])))


def test_the_file_they_depart_from_is_proven(run):
    assert run() == (0, "")


@pytest.mark.parametrize(("parts", "message"), STOPPED.values(), ids=STOPPED)
def test_what_the_guard_stops(parts, message, run):
    code, error = run(**parts)
    assert code == 2 and re.search(message, error), error


DEV = ("-d", "--machines", "fan")  # ends without a proof


@pytest.mark.parametrize("name", ["a file of the clips so far", "text in names of folders", "a file in the store"])
def test_what_the_guard_stops_while_the_development_set_is_scored(name, run):
    parts, message = STOPPED[name]
    code, error = run(**parts, of=DEV)
    assert code == 2 and re.search(message, error), error


def test_where_features_and_scores_go_the_proof_alone_stops_a_file(run):
    assert run(**STOPPED["a file among the store's scores"][0], of=DEV) == (0, "")


@pytest.mark.parametrize("parts", UNSEEN.values(), ids=UNSEEN)
def test_what_the_guard_does_not_see(parts, run):
    """It passes: asd/README.md says so, and who mends it changes the table."""
    assert run(**parts) == (0, "")
