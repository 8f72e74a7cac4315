"""Clips at the ends of what is possible: finite, distinct scores of sane size, or one sentence; never a traceback.

A few kinds of systems stand for all here. `ASD_EXTREMES=<file> pytest tests/test_extremes.py` tries all and adds the
outcomes to the file (half an hour of one core). tests/test_contracts.py has odd test clips for all systems.
"""

import math
import os
import shutil

import numpy as np
import pytest
from conftest import clip_names, tone_in_noise, write_clip

import systems
from asd.calibration import GammaStandardised, GammaThreshold, NormalStandardised
from asd.errors import BadInput
from asd.frontends import Canceller
from asd.programs.fitting import extract
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.soundness import check_soundness
from asd.programs.writing import write

SANE = 1e6  # a score above it says nothing of the clip
TABLE = os.environ.get("ASD_EXTREMES", "")


def every(change):
    """The change made to all clips."""
    return lambda clips: {name: change(wave) for name, wave in clips.items()}


def first(change, split="train"):
    """The change made to the first clip of a split."""

    def changed(clips):
        name = next(n for n in sorted(clips) if f"_{split}_" in n)
        return {**clips, name: change(clips[name])}

    return changed


def kept(fits):
    return lambda clips: {name: wave for name, wave in clips.items() if "_test_" in name or fits(name)}


def identical(clips):
    """Every training clip the same recording."""
    wave = clips[min(n for n in clips if "_train_" in n)]
    return {name: wave if "_train_" in name else own for name, own in clips.items()}


def of_three_lengths(clips):
    return {
        name: np.tile(w, 2)[:, : int(w.shape[1] * (1, 1.3, 1.7)[i % 3])] for i, (name, w) in enumerate(clips.items())
    }


def broken(wave):
    return np.where(np.arange(wave.shape[1]) == 99, np.nan, wave)


EXTREMES = {
    "silence, one training clip": first(np.zeros_like),
    "silence, one test clip": first(np.zeros_like, "test"),
    "silence, all clips": every(np.zeros_like),
    "far silent": every(lambda w: w * [[1], [0]]),
    "near silent": every(lambda w: w * [[0], [1]]),
    "identical channels": every(lambda w: w[[0, 0]]),
    "swapped channels": every(lambda w: w[[1, 0]]),
    "clipping": every(lambda w: np.clip(20 * w, -1, 1)),
    "identical training clips": identical,
    "one training clip": kept(lambda name: "source_train_normal_0000" in name),
    "no target clips": kept(lambda name: "_source_" in name),
    "one NaN": first(broken),
    "three lengths": of_three_lengths,
}


LEFT_TO_ALL = ("silence, one training clip", "swapped channels", "clipping", "no target clips")  # a fit each
FEW = [("stats_maha", extreme) for extreme in EXTREMES if extreme not in LEFT_TO_ALL]
FEW += [("baseline_mse", "identical training clips"), ("baseline_mahala", "no target clips")]
ALL = [(name, extreme) for name in systems.names() if not systems.lacks(name) for extreme in EXTREMES]
WANTED = ALL if TABLE else FEW


def healthy():
    rng = np.random.default_rng(11)
    names = [pair for split in ("train", "test") for pair in clip_names(split)]
    return {name: tone_in_noise(rng, hertz) for name, hertz in names if int(name.split("_")[5][:4] or 0) < 4}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Extreme -> a data folder of it, written when first asked for."""
    root, made = tmp_path_factory.mktemp("extremes"), {}

    def folder(extreme):
        if extreme not in made:
            made[extreme] = root / str(len(made))
            for name, wave in EXTREMES[extreme](healthy()).items():
                split = "train" if "_train_" in name else "test"
                subtype = "PCM_16" if np.isfinite(wave).all() else "FLOAT"  # floats' headers hold the time of writing
                write_clip(made[extreme] / "dev_data" / "raw" / "fan" / split / name, wave, subtype=subtype)
        return made[extreme]

    yield folder
    shutil.rmtree(root)


def outcome(system, data):
    """The range of the test scores, or the sentence that refuses the data."""
    results = data / "results"
    fields = {"data": data, "results": results, "machines": ["fan"], "seeds": (3, 1), "device": "cpu"}
    try:
        session = Session(Request.of("dev", [system], quick=True, **fields))
        check_soundness(session)
        extract(session)
        write(session, system)
    except BadInput as error:
        return str(error)
    return list(session.folder(system).scores("fan", "00").values())


def is_right(found, extreme):
    """A sentence, or finite scores of sane size, unlike for clips that differ."""
    if isinstance(found, str):
        return 0 < len(found.splitlines()[0]) < 600 and "Traceback" not in found
    clips = {wave.tobytes() for name, wave in EXTREMES[extreme](healthy()).items() if "_test_" in name}
    return all(map(math.isfinite, found)) and max(map(abs, found)) < SANE and len(set(found)) == len(clips)


@pytest.mark.parametrize(("system", "extreme"), WANTED)
def test_an_extreme_is_scored_or_refused_in_a_sentence(system, extreme, folders):
    found = outcome(system, folders(extreme))
    fine = is_right(found, extreme)
    if TABLE:
        told = found.splitlines()[0] if isinstance(found, str) else f"{min(found):.4g} .. {max(found):.4g}"
        with open(TABLE, "a", encoding="utf-8") as file:
            file.write(f"{extreme}\t{system}\t{'ok' if fine else 'WRONG'}\t{told}\n")
    assert fine, found


def test_copies_of_one_channel_leave_the_canceller_nothing():
    wave = tone_in_noise(np.random.default_rng(0), 400).astype(np.float32)
    for gain in (1, 0.3):
        with pytest.raises(BadInput, match="explains the near one altogether"):
            Canceller().fit([np.stack([wave[0], gain * wave[0]])])
    assert Canceller().fit([wave]) == Canceller().fit([0 * wave]) == Canceller()


@pytest.mark.parametrize("calibration", [GammaStandardised(), GammaThreshold(), NormalStandardised()])
def test_training_scores_that_differ_by_rounding_alone_set_no_scale(calibration):
    scores = 7 + 1e-6 * np.random.default_rng(0).normal(size=40)
    with pytest.raises(BadInput, match="are all training clips the same recording"):
        calibration.fit(scores)
        calibration.threshold(scores, np.arange(40) < 20)
