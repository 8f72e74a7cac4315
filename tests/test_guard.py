"""The guard's three walls and its forensics, each with the mutants it must catch."""

from __future__ import annotations

import array
import contextlib
import copy
import functools
import importlib
import math
import operator
import os
import pickle
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import warnings
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.io.wavfile
import scipy.special
import scipy.stats
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from asd.errors import BadInput
from asd.guard import (
    CrossClipReduction,
    ForbiddenFile,
    TestScores,
    hearing,
    in_training_state,
    mean_of,
    policy,
    released,
    signs,
    signs_of_all,
    state_digest,
    weak_signs_of_all,
)
from asd.guard import files as guard_files
from asd.guard.forensics import decimals

NAMES = [f"section_00_{i:04d}.wav" for i in range(12)]
A = np.random.default_rng(0).gamma(2.0, 1.0, 12)
B = np.random.default_rng(1).gamma(2.0, 1.0, 12)


def sealed(values, names=NAMES):
    return TestScores(dict(zip(names, np.asarray(values).tolist(), strict=True)))


def opened(scores):
    return np.array(list(released(scores).values()))


@pytest.fixture
def a():
    return sealed(A)


# ---- scores: what is element-wise gives the bits that plain arrays give

ELEMENTWISE = {
    "constants": lambda a, b: (2 * a - 1.5) / np.float64(3) + np.float32(0.25) ** 2,
    "constant on the left": lambda a, b: np.float64(2) - a + 1 / a + np.array(0.5),
    "members": lambda a, b: 0.3 * a + 0.7 * b - a * b / (a + b),
    "signs and powers": lambda a, b: -(abs(a) ** 1.5) // 0.1 % 0.7 + (+b),
    "comparison": lambda a, b: (a > 1.0) & ~(b <= 2) | (a == b) ^ (a != 1),
    "ufuncs": lambda a, b: np.log1p(np.exp(-np.sqrt(a))) + np.maximum(a, b) + np.tanh(b),
    "scipy.special": lambda a, b: scipy.special.expit(a) + scipy.special.ndtr(b),
    "where": lambda a, b: np.where(a > 1.2, a, 0.0),
    "decision": lambda a, b: np.where(a + b > 2.5, 1, 0),
    "clip": lambda a, b: np.clip(a, None, 2.0) + np.clip(a, min=0.1, max=b),
    "round": lambda a, b: np.round(a, 2) + np.around(b, decimals=1),
    "finite": lambda a, b: np.isfinite(a) & np.isclose(a, b, rtol=0.1),
    "repaired": lambda a, b: np.nan_to_num(np.where(a > 1, np.nan, a), nan=7.0),
    "two results": lambda a, b: operator.add(*np.modf(a)) + operator.sub(*divmod(b, 0.3)),
    "cast": lambda a, b: (a > 1).astype(int) + (10 * b).astype(int),
    "sum of members": lambda a, b: sum([a, b]) / 2,
}


@pytest.mark.parametrize("expression", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_elementwise_operations_equal_those_on_plain_arrays_bit_by_bit(expression):
    ours, plain = opened(expression(sealed(A), sealed(B))), expression(A, B)
    assert ours.dtype == plain.dtype
    np.testing.assert_array_equal(ours, plain, strict=True)


def test_in_place_arithmetic_leaves_other_names_for_the_same_scores_alone():
    first = second = sealed(A)
    first += 1
    np.testing.assert_array_equal(opened(first), A + 1)
    np.testing.assert_array_equal(opened(second), A)


def test_an_output_by_position_writes_nothing():
    scores = sealed(A)
    with pytest.raises(ValueError, match="read-only"):
        np.clip(2.0, 0.0, 1.0, scores)
    np.testing.assert_array_equal(opened(scores), A)


def test_released_is_the_mapping_that_went_in_sorted_by_clip():
    scores = dict(zip(reversed(NAMES), A.tolist(), strict=True))
    assert released(TestScores(scores)) == scores
    assert list(released(TestScores(scores))) == NAMES
    assert {type(v) for v in released(sealed(A) > 1).values()} == {bool}
    assert {type(v) for v in released((sealed(A) > 1).astype(int)).values()} == {int}


def test_mean_of_members_equals_the_sum_in_order_bit_by_bit():
    rows = np.random.default_rng(2).normal(0, 1, (7, 12)) * 10.0 ** np.arange(-3, 4)[:, None]
    members = [sealed(row) for row in rows]
    expected = functools.reduce(operator.add, rows, 0.0) / 7
    np.testing.assert_array_equal(opened(mean_of(members)), expected)
    np.testing.assert_array_equal(opened(mean_of([sealed(A > 1), sealed(B > 1)])), ((A > 1) * 1 + (B > 1)) / 2)
    assert not np.array_equal(opened(mean_of(members[::-1])), expected)
    np.testing.assert_array_equal(opened(mean_of([sealed(A), sealed(B)], (3.0, 1.0))), (3.0 * A + B) / 4.0)


# ---- scores: everything else raises and names itself

CROSS_CLIP = [
    *(
        (rf"np\.{f.__name__}:", f)
        for f in (np.mean, np.std, np.var, np.sum, np.prod, np.median, np.ptp, np.min, np.max)
    ),
    *((rf"np\.{f.__name__}:", f) for f in (np.sort, np.argsort, np.argmax, np.argmin, np.cumsum, np.cumprod, np.diff)),
    *((rf"np\.{f.__name__}:", f) for f in (np.unique, np.histogram, np.nonzero, np.flip, np.ravel, np.shape, np.size)),
    *((rf"np\.{f.__name__}:", f) for f in (np.any, np.all, np.average, np.copy, np.bincount, np.gradient, np.squeeze)),
    (r"np\.(percentile|quantile):", lambda a: np.percentile(a, 95)),
    (r"np\.(nan)?quantile:", lambda a: np.nanquantile(a, 0.5)),
    (r"np\.partition:", lambda a: np.partition(a, 3)),
    (r"np\.concatenate:", lambda a: np.concatenate([a, a])),
    (r"np\.stack:", lambda a: np.stack([a, a])),
    (r"np\.take:", lambda a: np.take(a, 0)),
    (r"np\.roll:", lambda a: np.roll(a, 1)),
    (r"np\.interp:", lambda a: np.interp(a, [0, 1], [0, 1])),
    (r"np\.searchsorted:", lambda a: np.searchsorted(a, 1.0)),
    (r"np\.linalg\.norm:", np.linalg.norm),
    (r"np\.fft\.fft:", np.fft.fft),
    (r"np\.where \(its result", lambda a: np.where(a > 1)),
    (r"np\.clip with out=", lambda a: np.clip(a, 0, 1, out=np.zeros(12))),
    (r"np\.clip with a ndarray", lambda a: np.clip(a, 0, A)),
    (r"np\.add\.reduce:", np.add.reduce),
    (r"np\.maximum\.reduce:", np.maximum.reduce),
    (r"np\.add\.accumulate:", np.add.accumulate),
    (r"np\.subtract\.outer:", lambda a: np.subtract.outer(a, a)),
    (r"np\.add\.reduceat:", lambda a: np.add.reduceat(a, [0, 3])),
    (r"np\.add\.at:", lambda a: np.add.at(np.zeros(12), [0], a)),
    (r"np\.matmul \(works on", lambda a: a @ a),
    (r"np\.vecdot \(works on", lambda a: np.vecdot(a, a)),
    (r"np\.\S+ .*\(a Python function", lambda a: np.frompyfunc(lambda x: x, 1, 1)(a)),
    (r"np\.exp with out=", lambda a: np.exp(a, out=np.zeros(12))),
    (r"np\.exp with where=", lambda a: np.exp(a, where=A > 1)),
    (r"np\.add with out=", lambda a: np.zeros(12).__iadd__(a)),
    (r"np\.add with a ndarray", lambda a: a + A),
    (r"np\.multiply with a ndarray", lambda a: A * a),
    (r"np\.add with a ndarray", lambda a: a + np.ones(1)),
    (r"np\.add with a list", lambda a: a + A.tolist()),
    (r"np\.add with a list", lambda a: A.tolist() + a),
    (r"np\.greater with a tuple", lambda a: a > (1, 2)),
    (r"np\.\S+ with a Tensor", lambda a: torch.ones(12) + a),
    (r"np\.where with a list", lambda a: np.where(a > 1, [1] * 12, 0)),
    *((rf"^\.{n}:", operator.attrgetter(n)) for n in ("mean", "std", "sum", "min", "max", "argmax", "argmin", "sort")),
    *(
        (rf"^\.{n}:", operator.attrgetter(n))
        for n in ("argsort", "cumsum", "var", "ptp", "prod", "any", "all", "ravel")
    ),
    *((rf"^\.{n}:", operator.attrgetter(n)) for n in ("reshape", "transpose", "T", "flat", "shape", "size", "dtype")),
    *((rf"^\.{n}:", operator.attrgetter(n)) for n in ("tolist", "tobytes", "item", "values", "items", "data", "copy")),
    (r"\.astype\(", lambda a: a.astype(object)),
    (r"indexing:", lambda a: a[3]),
    (r"indexing:", lambda a: a[1:4]),
    (r"indexing:", lambda a: a[a > 1]),
    (r"indexing:", lambda a: a[NAMES[0]]),
    (r"indexing:", lambda a: operator.setitem(a, 0, 1.0)),
    (r"indexing:", lambda a: operator.delitem(a, 0)),
    (r"iteration:", list),
    (r"iteration:", iter),
    (r"iteration:", reversed),
    (r"iteration:", sorted),
    (r"iteration:", max),
    (r"iteration:", sum),
    (r"iteration:", statistics.mean),
    (r"iteration:", lambda a: [*a]),
    (r"iteration:", lambda a: dict(zip(NAMES, a, strict=True))),
    (r"iteration:", lambda a: array.array("d", a)),
    (r"iteration:", lambda a: np.fromiter(a, float)),
    (r"`in`:", lambda a: 1.0 in a),
    (r"len\(\):", len),
    (r"len\(\):", operator.length_hint),
    (r"len\(\):", lambda a: random.choice(a)),
    (r"bool\(\)", bool),
    (r"bool\(\)", lambda a: 1 if a > 2 else 0),
    (r"bool\(\)", lambda a: max(a, a + 1)),
    (r"bool\(\)", lambda a: sorted([a, a + 1])),
    (r"bool\(\)", lambda a: 0 < a < 1),
    (r"float\(\):", float),
    (r"float\(\):", math.sqrt),
    (r"float\(\):", lambda a: "%.3f" % a),  # noqa: UP031
    (r"float\(\):", complex),
    (r"int\(\):", int),
    (r"int\(\):", lambda a: range(a)),
    (r"int\(\):", math.floor),
    (r"round\(\)", round),
    (r"format '.3f':", lambda a: f"{a:.3f}"),
    (r"conversion to an array", np.asarray),
    (r"conversion to an array", np.array),
    (r"conversion to an array", lambda a: np.array([a, a])),
    (r"conversion to an array", lambda a: np.mean([a, a], axis=0)),
    (r"conversion to an array", lambda a: np.vectorize(abs)(a)),
    (r"conversion to an array", scipy.stats.rankdata),
    (r"conversion to an array", lambda a: np.random.default_rng(0).permutation(a)),
    (r"conversion to an array", lambda a: operator.setitem(np.zeros(12), slice(None), a)),
    (r"refused", scipy.stats.zscore),
    (r"refused", pd.Series),
    (r"refused", lambda a: pd.DataFrame({"a": a})),
    (r"refused", lambda a: pd.Series(A) + a),
    (r"refused", pd.Index),
    (r"refused", torch.tensor),
    (r"refused", torch.as_tensor),
    (r"refused", torch.asarray),
    (r"refused", torch.Tensor),
    (r"refused", lambda a: torch.tensor([a, a])),
    (r"access to the memory", bytes),
    (r"access to the memory", np.from_dlpack),
    (r"copy or pickle", copy.copy),
    (r"copy or pickle", copy.deepcopy),
    (r"copy or pickle", pickle.dumps),
]


@pytest.mark.parametrize(("named", "operation"), CROSS_CLIP)
def test_what_looks_across_clips_is_refused_by_name_and_rule(named, operation, a):
    with pytest.raises(CrossClipReduction, match=named) as caught:
        operation(a)
    assert "no statistic over evaluation clips" in str(caught.value) and "mean_of(members)" in str(caught.value)


@pytest.mark.parametrize("operation", [memoryview, hash, np.frombuffer, torch.from_numpy, torch.mean, vars])
def test_what_python_itself_refuses_gives_nothing_away(operation, a):
    with pytest.raises(TypeError):
        operation(a)


def test_the_text_of_scores_holds_no_number(a):
    assert not any(c.isdigit() for c in f"{a!r}{a}{a:}")
    assert repr(sealed(A[:9], NAMES[:9])) == repr(a)


@pytest.mark.parametrize("combine", [operator.add, np.maximum, lambda x, y: np.where(x > 1, y, 0)])
def test_scores_of_other_clips_do_not_meet(combine, a):
    with pytest.raises(BadInput, match=rf"{NAMES[11]} only left, none only right"):
        combine(a, sealed(A[:11], NAMES[:11]))
    with pytest.raises(BadInput, match=f"none only left, other.wav only right|{NAMES[11]} only left, other.wav"):
        combine(a, sealed(A, [*NAMES[:11], "other.wav"]))


@pytest.mark.parametrize("values", [{}, [1.0], {"a.wav": [1.0, 2.0]}, {"a.wav": "1"}, {3: 1.0}, pd.Series(A)])
def test_only_one_number_a_clip_name_comes_in(values):
    with pytest.raises(BadInput, match="TestScores"):
        TestScores(values)


@pytest.mark.parametrize("members", [[], [A, B]])
def test_mean_of_wants_test_scores(members):
    with pytest.raises(BadInput, match="mean_of"):
        mean_of(members)


def z_scored(a):
    return (a - a.mean()) / a.std()


def z_scored_by_numpy(a):
    return (a - np.mean(a)) / np.std(a)


def min_max_scaled(a):
    return (a - np.min(a)) / (np.max(a) - np.min(a))


def rank_fusion(a):
    return scipy.stats.rankdata(a) + scipy.stats.rankdata(2 * a)


def rank_by_double_argsort(a):
    return np.argsort(np.argsort(a)) / len(a)


def cut_at_test_percentile(a):
    return (a > np.percentile(a, 90)).astype(int)


def softmax_over_clips(a):
    return np.exp(a) / np.sum(np.exp(a))


def compared_by_broadcast(a):
    return (a[:, None] > a[None, :]).sum(1)


MUTANTS = [z_scored, z_scored_by_numpy, min_max_scaled, rank_fusion, rank_by_double_argsort]
MUTANTS += [cut_at_test_percentile, softmax_over_clips, compared_by_broadcast]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_normalisation_over_test_clips_cannot_be_written(mutant, a):
    with pytest.raises(CrossClipReduction):
        mutant(a)


# ---- files


@pytest.fixture(scope="module", autouse=True)
def decoders():
    """librosa.load starts processes to find its decoders, once; that is refused while files are guarded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("audioread").available_backends()
        importlib.import_module("audioread.rawread")


@pytest.fixture
def machine(tmp_path):
    """raw/fan with one clip in train/ and two in test/, an array and a tensor file among them."""
    for split, n in (("train", 1), ("test", 2)):
        folder = tmp_path / "raw" / "fan" / split
        folder.mkdir(parents=True)
        for i in range(n):
            soundfile.write(folder / f"{i}.wav", np.zeros((160, 2)), 16_000, subtype="PCM_16")
        np.save(folder / "x.npy", np.zeros(40))
        torch.save(torch.zeros(4), folder / "x.pt")
    return tmp_path / "raw" / "fan"


def fit_policy(machine):
    return policy(protected=[machine.parent], allowed=[machine / "train"])


def through_descriptor(folder):
    place = os.open(folder / "0.wav", os.O_RDONLY)
    os.close(place)


def there_and_back(folder):
    outside = folder.parent.parent.parent / "moved.wav"
    os.rename(folder / "0.wav", outside)
    os.rename(outside, folder / "0.wav")


def program(folder):
    with contextlib.suppress(RuntimeError), warnings.catch_warnings():  # there is none in the file
        warnings.simplefilter("ignore")  # deprecated, but there
        torch.jit.load(str(folder / "x.pt"))


def in_another_thread(folder):
    caught = []

    def work():
        try:
            open(folder / "0.wav", "rb").close()
        except ForbiddenFile as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


PEEKS = {
    "open": lambda folder: open(folder / "0.wav", "rb").close(),
    "open bytes": lambda folder: open(os.fsencode(folder / "0.wav"), "rb").close(),
    "open text": lambda folder: open(f"/{folder}/0.wav", "rb").close(),
    "os.open": through_descriptor,
    "read_bytes": lambda folder: (folder / "0.wav").read_bytes(),
    "detour": lambda folder: (folder / ".." / folder.name / "0.wav").read_bytes(),
    "np.load": lambda folder: np.load(folder / "x.npy"),
    "np.load mmap": lambda folder: np.load(folder / "x.npy", mmap_mode="r"),
    "np.memmap": lambda folder: np.memmap(folder / "x.npy", mode="r"),
    "np.fromfile": lambda folder: np.fromfile(folder / "0.wav", dtype="i2"),
    "pandas": lambda folder: pd.read_csv(folder / "0.wav", encoding="latin-1", on_bad_lines="skip"),
    "torch.load": lambda folder: torch.load(folder / "x.pt", weights_only=True),
    "torch.load mmap": lambda folder: torch.load(folder / "x.pt", mmap=True, weights_only=True),
    "torch.from_file": lambda folder: torch.from_file(str(folder / "x.npy"), size=4),
    "storage": lambda folder: torch.UntypedStorage.from_file(str(folder / "x.npy"), False, 4),
    "soundfile.read": lambda folder: soundfile.read(folder / "0.wav"),
    "soundfile.info": lambda folder: soundfile.info(str(folder / "0.wav")),
    "SoundFile": lambda folder: soundfile.SoundFile(file=os.fsencode(folder / "0.wav")).close(),
    "librosa": lambda folder: librosa.load(folder / "0.wav", sr=None),
    "scipy": lambda folder: scipy.io.wavfile.read(folder / "0.wav"),
    "listdir": os.listdir,
    "scandir": lambda folder: os.scandir(folder).close(),
    "glob": lambda folder: list(folder.glob("*.wav")),
    "iterdir": lambda folder: list(folder.iterdir()),
    "hard link": lambda folder: os.link(folder / "0.wav", folder.parent.parent.parent / "hard.wav"),
    "rename": there_and_back,
    "torch.jit": program,
    "thread": in_another_thread,
    "write": lambda folder: soundfile.write(folder / "new.wav", np.zeros((160, 2)), 16_000),
}


@pytest.mark.parametrize("peek", PEEKS.values(), ids=PEEKS)
def test_a_fit_that_looks_at_the_test_folder_is_caught(peek, machine):
    refused = rf"{machine}/.*refused; below .*raw only .*train may be opened"
    with pytest.raises(ForbiddenFile, match=refused), fit_policy(machine):
        peek(machine / "test")


@pytest.mark.parametrize("peek", PEEKS.values(), ids=PEEKS)
def test_the_training_folder_and_all_outside_stay_open(peek, machine, tmp_path):
    elsewhere = tmp_path / "a" / "b" / "elsewhere"
    elsewhere.parent.mkdir(parents=True)
    os.rename(machine / "test", elsewhere)
    with fit_policy(machine) as files:
        peek(machine / "train")
        (tmp_path / "hard.wav").unlink(missing_ok=True)
        peek(elsewhere)
    assert files.violations == []


def test_without_a_policy_everything_is_as_before(machine):
    with fit_policy(machine):
        pass
    for peek in PEEKS.values():
        peek(machine / "test")
    assert subprocess.run(["true"]).returncode == 0


def test_a_swallowed_refusal_is_raised_at_the_end(machine):
    told = r"went on all the same:\n.*test/0\.wav: open refused"
    with pytest.raises(ForbiddenFile, match=told), fit_policy(machine) as files:
        with contextlib.suppress(ValueError):
            soundfile.read(machine / "test" / "0.wav")
        assert len(files.violations) == 1


def test_a_refusal_hidden_behind_another_error_is_told_and_an_interrupt_is_not_hidden(machine):
    def hide(error):
        try:
            (machine / "test" / "0.wav").read_bytes()
        except ForbiddenFile:
            raise error from None

    with pytest.raises(ForbiddenFile, match="went on all the same"), fit_policy(machine):
        hide(OSError("no such file"))
    with pytest.raises(KeyboardInterrupt), fit_policy(machine):
        hide(KeyboardInterrupt())


def test_a_second_use_starts_without_the_violations_of_the_first(machine):
    files = fit_policy(machine)
    with pytest.raises(ForbiddenFile), files:
        os.listdir(machine / "test")
    with files:
        os.listdir(machine / "train")
    assert files.violations == []


def test_symbolic_and_relative_paths_do_not_get_around_it(machine, tmp_path, monkeypatch):
    (tmp_path / "alias").symlink_to(machine)
    (machine / "train" / "inner.wav").symlink_to(machine / "test" / "0.wav")
    (machine / "train" / "all").symlink_to(tmp_path)
    monkeypatch.chdir(machine / "train")
    for path in ("../test/0.wav", "inner.wav", "all/raw/fan/test/0.wav", tmp_path / "alias" / "test" / "0.wav"):
        with pytest.raises(ForbiddenFile, match="refused"), fit_policy(machine):
            Path(path).read_bytes()
    with fit_policy(machine):
        Path("0.wav").read_bytes()
        (tmp_path / "alias" / "train" / "0.wav").read_bytes()
    monkeypatch.chdir(machine / "test")
    with pytest.raises(ForbiddenFile, match="os.listdir refused"), fit_policy(machine):
        os.listdir()


def test_a_data_set_of_links_is_guarded_at_both_ends(machine, tmp_path):
    """test/ lies on another disk; the training clip is itself a link into a pool."""
    disk, pool = tmp_path / "disk", tmp_path / "pool"
    pool.mkdir()
    os.rename(machine / "test", disk)
    (machine / "test").symlink_to(disk)
    os.rename(machine / "train" / "0.wav", pool / "0.wav")
    (machine / "train" / "0.wav").symlink_to(pool / "0.wav")
    (machine / "train" / "1.wav").symlink_to(machine / "test" / "1.wav")
    for path in (machine / "test" / "0.wav", disk / "0.wav", machine / "train" / "1.wav"):
        with pytest.raises(ForbiddenFile, match=f"{path}: open refused"), fit_policy(machine):
            Path(path).read_bytes()
    with fit_policy(machine):
        soundfile.read(machine / "train" / "0.wav")
        (pool / "0.wav").read_bytes()


def test_a_link_put_there_while_the_policy_holds_is_guarded_by_its_place(machine, tmp_path):
    (tmp_path / "0.wav").touch()
    files = fit_policy(machine)  # has looked for links
    (machine / "test" / "late.wav").symlink_to(tmp_path / "0.wav")
    with pytest.raises(ForbiddenFile, match="late.wav: open refused"), files:
        (machine / "test" / "late.wav").read_bytes()


def test_scoring_opens_its_own_clip_and_no_other(machine):
    first, second = machine / "test" / "0.wav", machine / "test" / "1.wav"
    with policy(protected=[machine.parent], allowed=[]) as files:
        for clip in (first, second):
            files.allow_only(clip)
            soundfile.read(clip)
    with pytest.raises(ForbiddenFile, match=rf"{first}: open refused; below .* only {second} may"), files:
        soundfile.read(second)
        soundfile.read(first)


def removed_in_its_folder(path):
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.remove(path.name, dir_fd=place)
    finally:
        os.close(place)


CHANGES = {
    "open": lambda path: path.write_bytes(b"x"),
    "os.open": lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)),
    "soundfile": lambda path: soundfile.write(path, np.zeros(8), 16_000, format="WAV"),
    "torch.save": lambda path: torch.save(torch.zeros(1), path),
    "sqlite3": lambda path: sqlite3.connect(path).close(),
    "mkstemp": lambda path: os.close(tempfile.mkstemp(dir=path.parent)[0]),
    "os.rename from": lambda path: os.rename(path, path.with_name("other")),
    "os.replace to": lambda path: os.replace(path.with_name("mine"), path),
    "os.remove": lambda path: path.unlink(),
    "os.remove in a folder": removed_in_its_folder,
    "os.truncate": lambda path: os.truncate(path, 1),
    "os.symlink": lambda path: os.symlink("the mean is 0.5", path.with_name("link")),
    "os.link": lambda path: os.link(path, path.with_name("link")),
    "os.utime": lambda path: os.utime(path, (1, 2)),
    "os.chmod": lambda path: path.chmod(0o600),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("place", ["raw/fan/test", "elsewhere", "numba", "__pycache__"])
def test_while_test_clips_are_heard_nothing_changes(change, place, machine, tmp_path):
    """Not even the clip that is heard."""
    clip = tmp_path / place / "0.wav"
    clip.parent.mkdir(exist_ok=True)
    before = (machine / "test" / "0.wav").read_bytes()
    clip.write_bytes(before)
    clip.with_name("mine").touch()
    names = set(os.listdir(clip.parent))
    with (
        pytest.raises(ForbiddenFile, match="refused while test clips are heard"),
        hearing([machine.parent], [clip.parent]),
    ):
        change(clip)
    assert clip.read_bytes() == before and set(os.listdir(clip.parent)) == names


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_store_changes_while_test_clips_are_heard(change, machine, tmp_path):
    store = tmp_path / "disk" / "store"
    store.mkdir(parents=True)
    (tmp_path / "raw" / "store").symlink_to(store)
    for name in ("0.wav", "mine"):
        (store / name).write_bytes(b"x")
    with hearing([machine.parent], [machine / "test"], writable=[machine.parent / "store"]):
        change(machine.parent / "store" / "0.wav")
        os.listdir(store)


def test_compiled_code_and_devices_are_no_place_to_keep_anything(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiled"))
    places = [tmp_path / "compiled", tmp_path / "env" / "lib" / "__pycache__"]
    for place in places:
        place.mkdir(parents=True)
    with hearing(protected=[machine.parent], allowed=[]):
        for place in places:
            (place / "module.1").write_bytes(b"")
            os.replace(place / "module.1", place / "module")
        open(os.devnull, "w").close()
        with tempfile.TemporaryFile(dir=tmp_path) as file:
            os.truncate(file.fileno(), 8)
        sqlite3.connect(":memory:").close()
    with fit_policy(machine):
        (tmp_path / "kept").write_text("a fit has heard no test clip")


INTO = {
    "os.rename": lambda mine, clip: os.rename(mine, clip),
    "os.link": lambda mine, clip: os.link(mine, clip.with_name("new.wav")),
    "os.symlink": lambda mine, clip: os.symlink(mine, clip.with_name("new.wav")),
    "os.remove": lambda mine, clip: os.remove(clip),
    "os.truncate": lambda mine, clip: os.truncate(clip, 0),
}


@pytest.mark.parametrize("event", INTO)
def test_recordings_out_of_reach_do_not_change(event, machine, tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(ForbiddenFile, match=rf"\.wav: {event} refused; below"), fit_policy(machine):
        INTO[event](tmp_path / "mine", machine / "test" / "0.wav")


def test_a_test_file_left_open_by_number_is_recognised(machine, monkeypatch):
    monkeypatch.chdir(machine)
    place = os.open(machine / "test" / "0.wav", os.O_RDONLY)
    ends = os.pipe()
    try:
        with pytest.raises(ForbiddenFile, match="0.wav: open refused"), fit_policy(machine):
            os.fdopen(place, "rb", closefd=False).close()
        with fit_policy(machine):
            os.fdopen(ends[0], "rb", closefd=False).close()
    finally:
        for number in (place, *ends):
            os.close(number)


STARTS = {
    "subprocess.Popen": lambda: subprocess.run(["true"]),
    "os.system": lambda: os.system("true"),
    "os.fork": lambda: os.fork() or os._exit(0),
    "os.posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "os.exec": lambda: os.execv("/no/such/program", ["none"]),
    "_posixsubprocess.fork_exec": lambda: get_context("spawn").Process(target=max, args=(1, 2)).start(),
}


@pytest.mark.parametrize("event", STARTS)
def test_no_process_starts_while_files_are_guarded(event, machine):
    with pytest.raises(ForbiddenFile, match=f"{event} .*no process may be started"), fit_policy(machine):
        STARTS[event]()


def test_one_policy_at_a_time(machine):
    second = fit_policy(machine)
    with fit_policy(machine) as files:
        with pytest.raises(BadInput, match="one at a time"), second:
            pass
        with pytest.raises(ForbiddenFile, match="refused"):
            (machine / "test" / "0.wav").read_bytes()
        files.violations.clear()


def test_a_library_loaded_after_the_first_policy_is_covered_by_the_second(machine, monkeypatch):
    reader = ModuleType("reader_in_c")
    reader.read = len
    monkeypatch.setattr(guard_files, "OPENERS", (guard_files.Opener("reader_in_c", "read", 0, "path"),))
    with fit_policy(machine):
        monkeypatch.setitem(sys.modules, "reader_in_c", reader)
        assert reader.read(str(machine / "test" / "0.wav"))
    with pytest.raises(ForbiddenFile, match="0.wav: open refused"), fit_policy(machine):
        reader.read(str(machine / "test" / "0.wav"))


def test_the_guard_does_not_load_torch():
    root = Path(__file__).resolve().parent.parent
    code = "import sys, asd.guard; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


# ---- state


class Scaler:
    """An ordinary fitted part, with a memo and two slots of C state."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.lock = threading.Lock()
        self.itself = [self]

    @cached_property
    def largest(self):
        return self.numbers.max()

    def score(self, x):
        return float(x - self.largest)


class RunningMean(Scaler):
    def score(self, x):
        self.numbers = 0.9 * self.numbers + 0.1 * x
        return 0.0


class InPlace(Scaler):
    def score(self, x):
        self.numbers += x
        return 0.0


class OnTheClass(Scaler):
    seen: list[float] = []

    def score(self, x):
        self.seen.append(x)
        return 0.0


class InADefault:
    def __init__(self, numbers):
        def score(x, seen=[]):  # noqa: B006
            seen.append(x)
            return sum(seen)

        self.score = score


class InAKeyword:
    def __init__(self, numbers):
        def score(x, *, seen=[]):  # noqa: B006
            seen.append(x)
            return sum(seen)

        self.score = score


class InAnObjectArray:
    def __init__(self, numbers):
        self.seen = np.array([[], {}], dtype=object)

    def score(self, x):
        self.seen[1][x] = x
        return 0.0


class Slotted:
    __slots__ = ("__count",)

    def __init__(self, numbers):
        self.__count = 0

    def score(self, x):
        self.__count += 1
        return 0.0


class Drawing(Scaler):
    def __init__(self, numbers, generator):
        super().__init__(numbers)
        self.draw = generator

    def score(self, x):
        return self.draw()


class Closed:
    def __init__(self, numbers):
        total = 0.0

        def score(x):
            nonlocal total
            total += x
            return total

        self.score = score


class Network(Scaler):
    def __init__(self, numbers, training):
        self.layers = {"net": torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)).train(training)}

    def score(self, x):
        return self.layers["net"](torch.full((4, 3), x)).sum().item()


KEEPING = {
    "running mean": lambda: RunningMean(np.zeros(3)),
    "array changed in place": lambda: InPlace(np.zeros(3)),
    "tensor changed in place": lambda: InPlace(torch.zeros(3)),
    "list on the class": lambda: OnTheClass(np.zeros(3)),
    "private slot": lambda: Slotted(None),
    "closure": lambda: Closed(None),
    "mutable default": lambda: InADefault(None),
    "mutable keyword": lambda: InAKeyword(None),
    "array of objects": lambda: InAnObjectArray(None),
    "NumPy generator": lambda: Drawing(np.zeros(3), np.random.default_rng(0).random),
    "Python generator": lambda: Drawing(np.zeros(3), random.Random(0).random),
    "partial": lambda: Drawing(np.zeros(3), functools.partial(torch.rand, 1, generator=torch.Generator())),
    "batch norm in training": lambda: Network(None, True),
}
KEEPING_NOTHING = {
    "plain": lambda: Scaler(np.arange(3.0)),
    "tensor": lambda: Scaler(torch.arange(3.0)),
    "batch norm in evaluation": lambda: Network(None, False),
    "nearest neighbours": lambda: Neighbours(),
}


class Neighbours:
    def __init__(self):
        self.tree = NearestNeighbors(n_neighbors=2, algorithm="kd_tree").fit(
            np.random.default_rng(0).normal(0, 1, (50, 2))
        )

    def score(self, x):
        return float(self.tree.kneighbors([[x, x]])[0].mean())


@pytest.mark.parametrize("make", KEEPING.values(), ids=KEEPING)
def test_what_a_scorer_keeps_from_a_clip_changes_its_digest(make):
    scorer = make()
    before = state_digest({"scorers": (scorer,)})
    scorer.score(0.5)
    assert state_digest({"scorers": (scorer,)}) != before


@pytest.mark.parametrize("make", KEEPING_NOTHING.values(), ids=KEEPING_NOTHING)
def test_ordinary_scoring_and_memos_leave_the_digest(make):
    scorer = make()
    before = state_digest([scorer])
    scorer.score(0.5)
    scorer.score(-1.0)
    assert state_digest([scorer]) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(4, "f4"), np.zeros(2, "f8")),
        (0.0, -0.0),
        (1, True),
        (1, 1.0),
        ("1", 1),
        ([1, 2], [2, 1]),
        ([1, 2], (1, 2)),
        ({"a": 1}, {"b": 1}),
        ({1}, {1, 2}),
        (torch.zeros(2), np.zeros(2, "f4")),
        (torch.zeros((), dtype=torch.bfloat16), torch.ones((), dtype=torch.bfloat16)),
        (np.array([[1]], dtype=object), np.array([[2]], dtype=object)),
        (torch.nn.Linear(1, 1).train(), torch.nn.Linear(1, 1).eval()),
        (functools.partial(max, 1), functools.partial(max, 2)),
    ],
    ids=str,
)
def test_states_that_differ_have_different_digests(one, other):
    if isinstance(one, torch.nn.Module):
        other.load_state_dict(one.state_dict())
    assert state_digest(one) != state_digest(other)


def test_equal_states_have_equal_digests_however_they_are_stored():
    shared = np.arange(3.0)
    assert state_digest([shared, shared]) == state_digest([shared, shared.copy()])
    assert state_digest({"a": 1, "b": {3, 1, 2}}) == state_digest({"b": {2, 3, 1}, "a": 1})
    assert state_digest(np.arange(6.0).reshape(2, 3).T) == state_digest(np.arange(6.0).reshape(2, 3).T.copy())
    assert state_digest(Scaler(shared)) == state_digest(Scaler(shared.copy()))
    assert state_digest([]) == state_digest([]) != state_digest(())


def test_modules_left_in_training_state_are_named():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)).eval()
    fitted = {"scorers": [Scaler(network)]}
    assert in_training_state(fitted) == []
    network[1].train()
    assert in_training_state(fitted) == ["['scorers'][0].numbers.1"]
    assert in_training_state(torch.nn.Linear(1, 1)) == ["."]


# ---- forensics


def by_name(values):
    return {f"section_00_{i:04d}.wav": v for i, v in enumerate(np.asarray(values).tolist())}


def gamma(n, seed=0):
    return np.random.default_rng(seed).gamma(2.0, 1.5, n)


def averaged_ranks(n):
    """Half of the clips share their score with another."""
    scores = gamma(n)
    scores[: n // 2] = scores[n // 4 : n // 4 + n // 2].round(0)
    return scipy.stats.rankdata(scores)


RANKS = {
    "1..N": lambda r, n: r,
    "0..N-1": lambda r, n: r - 1,
    "/N": lambda r, n: r / n,
    "/(N-1)": lambda r, n: (r - 1) / (n - 1),
    "middle": lambda r, n: (r - 0.5) / n,
    "reversed": lambda r, n: n + 1 - r,
    "reversed share": lambda r, n: 1 - r / n,
    "negative": lambda r, n: -r,
    "percent": lambda r, n: 100 * r / n,
    "float32": lambda r, n: (r / n).astype(np.float32),
    "printed": lambda r, n: (r / n).round(6),
}


@pytest.mark.parametrize("n", [16, 200])
@pytest.mark.parametrize("form", RANKS.values(), ids=RANKS)
def test_ranks_are_seen(form, n):
    for ranks in (scipy.stats.rankdata(gamma(n)), averaged_ranks(n)):
        (sign,) = [s for s in signs(by_name(form(ranks, n)), None) if "ranks" in s]
        assert "evenly spaced" in sign


@pytest.mark.parametrize("printed", [lambda z: z, lambda z: z.round(6), lambda z: z.round(4), np.float32])
@pytest.mark.parametrize(("ddof", "kind"), [(0, "population"), (1, "sample")])
def test_z_scores_are_seen(printed, ddof, kind):
    for n in (16, 200):
        values = gamma(n) + 100
        z = printed((values - values.mean()) / values.std(ddof=ddof))
        assert [kind in s or n == 200 for s in signs(by_name(z), None) if "z-scores" in s] == [True]


def z_scored_plain(x):
    return (x - x.mean()) / x.std()


def min_max_plain(x):
    return (x - x.min()) / np.ptp(x)


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


RANKED = scipy.stats.rankdata
FUSIONS = {  # of two systems' scores of the same clips; what the sign says
    "z-scores": (lambda a, b: (z_scored_plain(a) + z_scored_plain(b)) / 2, "mean .* z-scores"),
    "z-scores weighted": (lambda a, b: 0.37 * z_scored_plain(a) + 0.63 * z_scored_plain(b), "mean .* z-scores"),
    "z-scores printed": (lambda a, b: (z_scored_plain(a) + z_scored_plain(b)).round(6), "mean .* z-scores"),
    "z-scores printed short": (lambda a, b: (z_scored_plain(a) + z_scored_plain(b)).round(4), "all 3 .* z-scores"),
    "z-scores float32": (lambda a, b: (z_scored_plain(a) / 2 + z_scored_plain(b) / 2).astype("f4"), "mean .* z-scores"),
    "ranks": (lambda a, b: (RANKED(a) + RANKED(b)) / 2, "weighted sum of several systems' ranks"),
    "rank sum": (lambda a, b: RANKED(a) + RANKED(b), "weighted sum of several systems' ranks"),
    "ranks weighted": (
        lambda a, b: (0.37 * RANKED(a) + 0.63 * RANKED(b)) / len(a),
        "ranks/N from ., or a wei",
    ),
    "ranks from 0": (lambda a, b: (RANKED(a) + RANKED(b) - 2) / (len(a) - 1), "ranks/.* from ., or a weighted sum"),
    "ranks reversed": (lambda a, b: 1 - (RANKED(a) + RANKED(b)) / 2 / len(a), "ranks/N from ., or a wei"),
    "reciprocal ranks": (lambda a, b: 1 / (60 + RANKED(-a)) + 1 / (60 + RANKED(-b)), "reciprocal ranks"),
    "softmax": (lambda a, b: softmax(a) / 2 + softmax(b) / 2, "a softmax over the clips"),
    "over the mean": (lambda a, b: a / a.mean() + 0 * b, "divided by their mean"),
    "min-max": (lambda a, b: (min_max_plain(a) + min_max_plain(b)) / 2, "exactly 0 or 1, as where several"),
    "min-max weighted": (lambda a, b: 0.3 * min_max_plain(a) + 0.7 * min_max_plain(b), "exactly 0 or 1, as where"),
    "min-max sum": (lambda a, b: min_max_plain(a) + min_max_plain(b), "exactly 0 or 2, as where several"),
}


def two_systems(n, seed):
    """Scores of the same clips; the systems agree on the highest clip alone."""
    a = gamma(n, seed)
    b = 3 * a**0.5 + np.random.default_rng(seed).uniform(0.1, 0.3, n) * (a < a.max())
    return a, b - b.max() * (np.arange(n) == np.argsort(a)[1])


@pytest.mark.parametrize(("fusion", "sign"), FUSIONS.values(), ids=FUSIONS)
def test_sums_of_scores_normalised_over_the_test_clips_are_seen(fusion, sign):
    machines = {m: (by_name(fusion(*two_systems(n, n))), None) for m, n in (("fan", 50), ("pump", 200), ("saw", 81))}
    assert re.search(sign, [*signs_of_all(machines), *weak_signs_of_all(machines)][0])


def test_sums_of_scores_as_they_are_show_no_sign():
    machines = {m: (by_name(sum(two_systems(n, n))), None) for m, n in (("fan", 50), ("pump", 200), ("saw", 81))}
    assert signs_of_all(machines) == weak_signs_of_all(machines) == []


@pytest.mark.parametrize("law", ["counts", "shares", "scaled by the training clips", "shares of training clips"])
def test_scores_on_a_scale_like_ranks_show_no_sign(law):
    rng = np.random.default_rng(4)

    def scores(n):
        train, test = np.sort(rng.gamma(2, 1, 990)), rng.gamma(2, 1, n) * rng.choice([1, 1.5], n)
        scaled = np.clip((test - train[0]) / (train[-1] - train[0]), 0, 1)
        shares = {"counts": rng.binomial(n, 0.5, n), "shares": rng.binomial(n, 0.5, n) / n}
        return {**shares, "scaled by the training clips": scaled}.get(law, np.searchsorted(train, test) / 990)

    for _ in range(20):
        machines = {m: (by_name(scores(200)), None) for m in ("fan", "pump", "saw")}
        assert signs_of_all(machines) == []


def test_the_challenges_own_baseline_shows_no_sign(shared):
    table = pd.read_csv(shared / "fixtures" / "official_baseline_mse_dev_scores.csv").groupby("machine_type")
    machines = {m: (dict(zip(rows.file_id, rows.anomaly_score, strict=True)), None) for m, rows in table}
    assert len(machines) == 7 and signs_of_all(machines) == weak_signs_of_all(machines) == []


@pytest.mark.parametrize("printed", [lambda x: x, lambda x: x.round(6), np.float32])
def test_min_max_is_seen(printed):
    values = gamma(40)
    scaled = printed((values - values.min()) / (values.max() - values.min()))
    assert [s for s in signs(by_name(scaled), None) if "min-max" in s]


def cut(values, p):
    return by_name((values > np.percentile(values, p)).astype(int))


@pytest.mark.parametrize("p", [50, 75, 90, 95, 99])
def test_a_cut_at_a_test_percentile_is_a_weak_sign_on_one_machine_and_a_sign_on_all(p):
    one, other = gamma(200), gamma(200, 1)
    found = signs(by_name(one), cut(one, p))
    assert [s.startswith("weak sign") and f"{p}th percentile" in s for s in found] == [True]
    machines = {"fan": (by_name(one), cut(one, p)), "pump": (by_name(other), cut(other, p))}
    (sign,) = signs_of_all(machines)
    assert sign.startswith("all 2 machines") and f"{p}th percentile" in sign
    assert signs_of_all({"fan": machines["fan"]}) == []
    assert signs_of_all({**machines, "valve": (by_name(one), cut(one, 80))}) == []
    assert signs_of_all({**machines, "valve": (by_name(one), None)}) == []


def test_signs_of_all_tells_the_machine():
    ranks = scipy.stats.rankdata(gamma(20))
    machines = {"fan": (by_name(gamma(20)), None), "pump": (by_name(ranks), None)}
    assert [s.split(":")[0] for s in signs_of_all(machines)] == ["pump"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([1, 2, 7, 8, 16, 50, 200]),
    law=st.sampled_from(["gamma", "normal", "constant", "few", "doubled", "saturated", "bounded", "integers"]),
    places=st.sampled_from([None, 6, 3, 1]),
)
def test_ordinary_scores_show_no_sign(seed, n, law, places):
    rng = np.random.default_rng(seed)
    values = {
        "gamma": lambda: rng.gamma(2.0, 1.5, n),
        "normal": lambda: rng.normal(0, 1, n),
        "constant": lambda: np.full(n, 0.5) + 1e-9 * (rng.random(n) < 0.1),
        "few": lambda: rng.integers(0, 3, n) / 2,
        "doubled": lambda: np.repeat(rng.gamma(2.0, 1.5, (n + 1) // 2), 2)[:n],
        "saturated": lambda: np.clip(rng.normal(0.5, 1, n), 0, 1),
        "bounded": lambda: rng.random(n),
        "integers": lambda: rng.poisson(20, n),
    }[law]()
    values = values if places is None else np.round(values, places)
    scores = by_name(values)
    assert signs(scores, None) == [] or (law == "saturated" and n < 20)
    trained = by_name((values > 1.234 * np.median(rng.gamma(2.0, 1.5, 1000))).astype(int))
    other = by_name(rng.gamma(2.0, 1.5, n))
    assert not any(
        "percentile" in s for s in signs_of_all({"fan": (scores, trained), "pump": (other, by_name([0] * n))})
    )


@pytest.mark.parametrize("n", [2, 3, 7])
def test_a_handful_of_clips_says_nothing(n):
    assert signs(by_name(np.arange(1.0, n + 1)), by_name(np.arange(n) >= n / 2)) == []
    assert signs(by_name(np.arange(1.0, 9)), None) != []


def test_a_saturating_score_is_not_taken_for_min_max():
    values = np.clip(np.random.default_rng(0).normal(0.5, 1, 60), 0, 1)
    assert (values.min(), values.max()) == (0, 1) and signs(by_name(values), None) == []


def test_one_clip_on_a_side_is_no_percentile_and_coarse_print_no_min_max():
    scores = gamma(16)
    assert signs(by_name(scores), by_name(scores == scores.max())) == []
    assert len(signs(by_name(scores), by_name(scores >= np.sort(scores)[-4]))) == 1
    assert signs(by_name([0.0, 1.0, 0.12, 0.37, 0.41, 0.58, 0.83, 0.9, 0.95]), None) == []
    assert len(signs(by_name([0.0, 1.0, 0.12001, 0.37, 0.41, 0.58, 0.83, 0.9, 0.95]), None)) == 1


def test_decimals_are_those_printed():
    assert [decimals(v) for v in (3.0, 0.25, 1e-7, 1500.0, 0.123457, -2.5)] == [0, 2, 7, 0, 6, 1]


def test_forensics_refuses_what_is_no_finished_file():
    with pytest.raises(BadInput, match="not finite"):
        signs({"a.wav": float("nan")}, None)
    with pytest.raises(BadInput, match="2 scores and 1 decisions"):
        signs({"a.wav": 1.0, "b.wav": 2.0}, {"a.wav": 1})
