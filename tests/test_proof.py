"""The proof by re-derivation, against systems that break the rule on purpose: each must be caught."""

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.stats import rankdata

import systems
from asd.detectors import AutoEncoder
from asd.errors import BadInput
from asd.frontends import RefSub
from asd.frontends.transfer import FittedReferenced
from asd.programs.fitting import extract, work
from asd.programs.proving import prove_here
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import write
from asd.score_files import DECISION, SCORE, file_name, read_rows

QUICK = ["detector.training.epochs=1", "detector.network.width=16"]
PEEK: list[Path] = []  # clips a dishonest fit opens


@dataclass(frozen=True)
class Mutant(AutoEncoder):
    """An autoencoder whose scorers are wrapped by `spoil`."""

    def fit_scorer(self, trained, seed, features, is_target):
        return self.spoil(super().fit_scorer(trained, seed, features, is_target))

    def restore(self, trained, arrays):
        return self.spoil(super().restore(trained, arrays))


@dataclass
class Wrapped:
    """A scorer that passes everything on."""

    scorer: object
    kept: list = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.scorer, name)


class RunningMean(Wrapped):
    def score(self, feature):
        self.kept.append(self.scorer.score(feature))
        return self.kept[-1] / np.mean(self.kept)


class KeepsRunningMean(Mutant):
    def spoil(self, scorer):
        return RunningMean(scorer)


COUNTER = count()


class ByIndex(Wrapped):
    def score(self, feature):
        return self.scorer.score(feature) + 1e-6 * next(COUNTER)


class ScoresByIndex(Mutant):
    def spoil(self, scorer):
        return ByIndex(scorer)


class LeavesBatchNormTraining(Mutant):
    def spoil(self, scorer):
        scorer.network.train()
        return scorer


class Peeks(Mutant):
    def spoil(self, scorer):
        for path in PEEK:
            soundfile.read(path)
        return scorer


@dataclass(frozen=True)
class LearnsFromTestClips(RefSub):
    """Estimates G from every clip it is called with."""

    def restore(self, arrays):
        return Learning(self, arrays["transfer"].copy())


class Learning(FittedReferenced):
    def __call__(self, wave):
        self.transfer[:] = 0.9 * self.transfer + 0.1 * self.recipe.transfer.fit([wave])
        return super().__call__(wave)


def session(recipe, data_folder, results, **departing):
    fields = {"device": "cpu", "machines": ["drone"], "seeds": (0,), "may_select": False, **departing}
    return Session(Request("eval", data_folder, results, {"mine": recipe}, {"mine": recipe}, **fields))


def written(recipe, data_folder, results):
    """A finished results folder of the recipe, and the session that would verify it."""
    first = session(recipe, data_folder, results)
    extract(first)
    work(first)
    write(first, "mine")
    return session(recipe, data_folder, results, may_train=False, splits=("train",))


def recipe(detector=None, frontend=None):
    honest = systems.load("refsub", QUICK)
    numbers = {f: getattr(honest.detector, f) for f in ("scaling", "network", "training", "scoring")}
    changes = {"detector": detector(**numbers)} if detector else {}
    return replace(honest, **changes, **({"frontend": frontend} if frontend else {}))


@pytest.fixture(scope="module")
def proven(data_folder, tmp_path_factory):
    results = tmp_path_factory.mktemp("honest")
    return written(recipe(), data_folder, results), results / "eval" / "mine"


@pytest.fixture
def honest(proven):
    """(the session that verifies, its results folder); what a test does to the files is undone."""
    kept = {path: path.read_bytes() for path in proven[1].rglob("*.csv")}
    yield proven
    for path, content in kept.items():
        path.write_bytes(content)


def test_an_honest_system_is_proven(honest):
    prove_here(honest[0])


@pytest.mark.parametrize(
    ("mutant", "message"),
    [
        (recipe(KeepsRunningMean), "something is kept from one clip to the next"),
        (recipe(ScoresByIndex), "re-derived from the clip alone"),
        (recipe(LeavesBatchNormTraining), "in training state while it scores"),
        (recipe(frontend=LearnsFromTestClips()), "something is kept from one clip to the next"),
    ],
    ids=["running mean", "index", "batch norm", "G from test clips"],
)
def test_a_system_that_uses_more_than_its_clip_is_caught(mutant, message, data_folder, tmp_path):
    with pytest.raises(BadInput, match=message):
        prove_here(written(mutant, data_folder, tmp_path))


def test_a_fit_that_peeks_at_test_clips_is_stopped(data_folder, tmp_path, monkeypatch):
    clip = data_folder / "eval_data" / "raw" / "drone" / "test" / "section_00_0003.wav"
    monkeypatch.setattr("test_proof.PEEK", [clip])
    first = session(recipe(Peeks), data_folder, tmp_path)
    extract(first)
    with pytest.raises(BadInput, match="section_00_0003.wav"):
        work(first)


def test_a_front_end_that_peeks_while_it_is_fitted_is_stopped(data_folder, tmp_path, monkeypatch):
    clip = data_folder / "eval_data" / "raw" / "drone" / "test" / "section_00_0003.wav"
    monkeypatch.setattr(RefSub, "fit", lambda self, waves: soundfile.read(clip))
    with pytest.raises(BadInput, match="section_00_0003.wav"):
        extract(session(recipe(), data_folder, tmp_path))


def z_score(x):
    return (x - x.mean()) / x.std()


def min_max(x):
    return (x - x.min()) / np.ptp(x)


def named(x):
    return x + 1e-9 * np.arange(len(x))


@pytest.mark.parametrize("rule", [z_score, min_max, rankdata, named])
def test_scores_that_were_normalised_over_the_test_clips_are_caught(honest, rule):
    verifier, folder = honest
    path = folder / file_name(SCORE, "drone")
    scores = read_rows(path)
    values = rule(np.array(list(scores.values())))
    path.write_text("".join(f"{n},{v!r}\n" for n, v in zip(scores, values.tolist(), strict=True)))
    with pytest.raises(BadInput, match="anomaly_score_drone_section_00_test.csv:[12]: .* re-derived"):
        prove_here(verifier)


def test_decisions_at_a_percentile_of_the_test_scores_are_caught(honest):
    verifier, folder = honest
    path = folder / file_name(DECISION, "drone")
    kept, scores = path.read_bytes(), read_rows(folder / file_name(SCORE, "drone"))
    for percentile in (10, 90):  # whatever the true threshold decides, one of the two differs
        threshold = np.percentile(list(scores.values()), percentile)
        path.write_text("".join(f"{name},{int(score > threshold)}\n" for name, score in scores.items()))
        if path.read_bytes() != kept:
            with pytest.raises(BadInput, match="decision_result_drone_section_00_test.csv:"):
                prove_here(verifier)


@pytest.mark.parametrize("spoil", [lambda t: t.replace("\n", "\r\n"), lambda t: t + "\n", lambda t: t[:-1]])
def test_a_single_byte_more_or_less_is_caught(honest, spoil):
    verifier, folder = honest
    path = folder / "seeds" / "0" / file_name(SCORE, "drone")
    path.write_bytes(spoil(path.read_text()).encode())
    with pytest.raises(BadInput, match="seeds/0/anomaly_score_drone"):
        prove_here(verifier)


def test_scoring_cannot_open_another_test_clip(honest, data_folder, monkeypatch):
    verifier, _ = honest
    other = data_folder / "eval_data" / "raw" / "drone" / "test" / "section_00_0000.wav"
    plain = FittedReferenced.__call__

    def nosy(self, wave):
        soundfile.read(other)
        return plain(self, wave)

    monkeypatch.setattr(FittedReferenced, "__call__", nosy)
    with pytest.raises(BadInput, match="section_00_0000.wav"):
        prove_here(verifier)
