"""Keys: what a stored file's name depends on, what it does not, and what an error tells when it is not there."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import write_clip
from test_session import opened, worked

import systems
from asd import data, fingerprint
from asd.detectors import AutoEncoder, SelectiveMahalanobis
from asd.encoders import FromFile
from asd.epochs import Training
from asd.errors import BadInput
from asd.fingerprint import code
from asd.frontends import AdaSub
from asd.system import Chain
from asd.system.differences import told

ROOT = Path(__file__).resolve().parent.parent

MODULE = '''
"""A module."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

FLOOR = 1e-3
UNUSED = 5


@dataclass(frozen=True)
class Part:
    """A part."""

    power: float = 2.0

    def __post_init__(self) -> None:
        if self.power < 0:
            raise ValueError(f"power {self.power}: at least 0 expected")

    def __call__(self, x: np.ndarray, gain: float = 1.5) -> np.ndarray:
        # a comment
        if len(x) == 0:
            told = "no samples"
            raise ValueError(f"{told}: at least one expected")
        assert x.ndim == 1, "one channel"
        warnings.warn("careful")
        for _ in tqdm(range(2), desc="working", unit="clip"):
            x = helped(x)
        return gain * np.maximum(x, FLOOR) ** self.power


def helped(x: np.ndarray) -> np.ndarray:
    """Doubled."""
    return x + x


def unused(x):
    return x - 1
'''

SAME = {
    "a comment": ("# a comment", "# another comment"),
    "a docstring": ('"""Doubled."""', '"""Twice as much."""'),
    "no docstring": ('    """Doubled."""\n', ""),
    "an error text": ("at least 0 expected", "zero or more expected"),
    "a refusal's own lines": ('told = "no samples"', 'told = "an empty clip"'),
    "a further check": (
        "        assert x.ndim",
        "        if x.ndim > 1:\n            raise ValueError\n        assert x.ndim",
    ),
    "an assertion": ('assert x.ndim == 1, "one channel"', 'assert x.ndim < 2, "mono"'),
    "a warning": ('warnings.warn("careful")', 'warnings.warn("look out")'),
    "a progress bar": ('desc="working", unit="clip"', 'desc="at work", unit="file", disable=None'),
    "a type hint": ("gain: float = 1.5", "gain = 1.5"),
    "formatting": (
        "return gain * np.maximum(x, FLOOR) ** self.power",
        "return (gain * np.maximum(x,\n FLOOR)**self.power)",
    ),
    "what is not used": ("return x - 1", "return x - 2"),
    "an unused constant": ("UNUSED = 5", "UNUSED = 6"),
}
OTHER = {
    "a check that also sets": (
        "        assert",
        "        if not (gain := gain * 2):\n            raise ValueError\n        assert",
    ),
    "a refusal that is caught": (
        "            x = helped(x)",
        "            try:\n                if len(x) > 3:\n                    raise ValueError\n"
        "                x = helped(x)\n            except ValueError:\n                x = x",
    ),
    "a __post_init__ that sets": (
        "        if self.power < 0",
        '        object.__setattr__(self, "power", 3.0)\n        if self.power < 0',
    ),
    "a constant of the class": ("    power: float = 2.0", "    power: float = 2.0\n    more: ClassVar[int] = 3"),
    "an operator": ("return x + x", "return x * x"),
    "a default": ("gain: float = 1.5", "gain: float = 1.6"),
    "a constant": ("FLOOR = 1e-3", "FLOOR = 1e-4"),
    "a library's function": ("np.maximum", "np.minimum"),
    "where a name comes from": ("import numpy as np", "import numpy.ma as np"),
}


@pytest.fixture
def coded(tmp_path, monkeypatch):
    """The hash of the class Part in a module of that text."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(text):
        (tmp_path / "some_part.py").write_text(text)
        fingerprint._source.cache_clear(), fingerprint._reached.cache_clear(), fingerprint._code.cache_clear()
        return fingerprint._code(frozenset([("some_part", "Part")]))

    return of


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_cannot_change_a_result_keeps_the_key(coded, change):
    assert change[0] in MODULE
    assert coded(MODULE) == coded(MODULE.replace(*change))


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_can_change_a_result_changes_the_key(coded, change):
    assert change[0] in MODULE
    assert coded(MODULE) != coded(MODULE.replace(*change))


def test_a_definition_may_move_to_another_module(tmp_path, monkeypatch, coded):
    before = coded(MODULE)
    helper = MODULE[MODULE.index("def helped") : MODULE.index("def unused")]
    (tmp_path / "some_part_helper.py").write_text(f"import numpy as np\n{helper}")
    monkeypatch.setattr(fingerprint, "_is_ours", lambda module, importer: module.startswith("some_part"))
    moved = MODULE.replace(helper, "").replace(
        "import numpy as np\n", "import numpy as np\nfrom some_part_helper import helped\n"
    )
    assert coded(moved) == before
    (tmp_path / "some_part_helper.py").write_text(f"import numpy as np\n{helper.replace('x + x', 'x * 3')}")
    assert coded(moved) != before


def test_defaults_of_a_part_made_by_code_are_in_the_key(coded):
    """Those of the part itself are among its numbers."""
    made = (
        MODULE.replace("x = helped(x)", "x = helped(x) * Gain().db")
        + "\n\n@dataclass(frozen=True)\nclass Gain:\n    db: float = 2.0\n"
    )
    assert coded(made) != coded(made.replace("db: float = 2.0", "db: float = 3.0"))
    assert coded(made) == coded(made.replace("power: float = 2.0", "power: float = 3.0"))


def test_numbers_nested_numbers_and_kinds_of_parts_are_in_a_fingerprint():
    parts = [
        AutoEncoder(),
        AutoEncoder(context=4),
        AutoEncoder(training=Training(epochs=99)),
        AutoEncoder(scoring=SelectiveMahalanobis()),
    ]
    assert len({(fingerprint.canonical(fingerprint.numbers(part)), code(part)) for part in parts}) == 4
    assert fingerprint.numbers(AutoEncoder()) == fingerprint.numbers(AutoEncoder())
    assert fingerprint.numbers(SelectiveMahalanobis()) == {"part": "SelectiveMahalanobis"}


def test_the_code_of_a_part_is_that_of_all_it_reaches_and_no_more():
    def reached(start):
        todo, seen = [start], set()
        while todo:
            symbol = todo.pop()
            if symbol not in seen and symbol[0] not in fingerprint.NEUTRAL:
                seen.add(symbol)
                todo += fingerprint._reached(*symbol)[1]
        return seen

    of_training = reached(("asd.detectors.autoencoder", "DenseTraining"))
    assert {
        ("asd.training", "optimise"),
        ("asd.detectors.vectors", "Vectors"),
        ("asd.training", "_one_epoch"),
    } <= of_training
    assert ("asd.macs", "macs") not in of_training
    assert not [symbol for symbol in of_training if symbol[0] == "asd.detectors.scoring"]
    assert {("asd.signal", "stft"), ("asd.frontends.transfer", "floor_ratio")} <= reached(
        ("asd.frontends.subtraction", "AdaSub")
    )


# ---- a golden that every supported Python gives ----------------------------------------------------------------------

GOLDEN = "7feeac884fdcd84c77040020f1572de6"
PRINT = "import asd.fingerprint as f; print(f._code(frozenset([('golden_module', 'Part')])))"


def other_pythons():
    """Interpreters of the supported versions that are on this machine."""
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    found = {}
    for version in ("3.11", "3.12", "3.13", "3.14"):
        for path in (p for place in places if (p := shutil.which(f"python{version}", path=place))):
            if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
                found.setdefault(version, path)
    return found


def test_every_supported_python_gives_the_golden_hash(tmp_path):
    """The module's text is MODULE above; the hash was made once and changes only if keys are meant to change."""
    (tmp_path / "golden_module.py").write_text(MODULE)
    places = os.pathsep.join([str(ROOT), str(tmp_path)])
    given = {}
    for version, python in {"this one": sys.executable, **other_pythons()}.items():
        done = subprocess.run([python, "-c", PRINT], capture_output=True, text=True, env={"PYTHONPATH": places})
        given[version] = done.stdout.strip() or done.stderr
    assert set(given.values()) == {GOLDEN}, given


# ---- the chain's keys ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    def __call__(self, clip):
        return data.read_wave(clip)


def test_the_reader_of_clips_is_in_every_key(data_folder, tmp_path):
    session = opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,))
    chain = session.chains["baseline_mse", "fan"]
    other = replace(chain, read=Reader())
    clips = session.machines[0].test
    assert chain.frontend_record != other.frontend_record
    assert chain.store.path("features", chain.block(clips).record) != other.store.path(
        "features", other.block(clips).record
    )
    assert chain.training_key != other.training_key


def test_scoring_is_in_the_key_of_scores_and_not_in_that_of_weights(data_folder, tmp_path):
    session = opened(["adasub", "s1", "ledoit_wolf"], "dev", data_folder, tmp_path, machines=["fan"])
    chains: list[Chain] = [session.chains[name, "fan"] for name in ("adasub", "s1", "ledoit_wolf")]
    assert len({chain.training_key for chain in chains}) == 1
    assert len({json.dumps(chain.scorer_record(0)) for chain in chains}) == 3


def test_front_ends_with_equal_statistics_share_what_they_learn(data_folder, tmp_path):
    session = opened(["adasub", "refsub"], "dev", data_folder, tmp_path, machines=["fan"])
    one, other = (session.chains[name, "fan"] for name in ("adasub", "refsub"))
    assert one.frontend_record == other.frontend_record
    assert one.block(one.train).record != other.block(other.train).record
    changed = replace(one, system=replace(one.system, frontend=AdaSub(floor=0.2)))
    assert changed.frontend_record == one.frontend_record and changed.training_key != one.training_key


def test_noise_clips_are_in_the_key_of_a_training_that_hears_them_and_trained_on(data_folder, tmp_path):
    data_with_noise = shutil.copytree(data_folder, tmp_path / "data")
    recorded = data_with_noise / "dev_data" / "raw" / "fan" / "supplemental" / "section_00_noise_supplemental_0000.wav"
    alone = recorded.with_name("section_00_source_supplemental_machine_0000.wav")
    sets = [*systems.quick("semi_denoise"), "detector.noise=Supplemental"]

    def chain(sets=sets, folder=data_with_noise):
        session = opened(["semi_denoise"], "dev", folder, tmp_path, sets, machines=["fan"], seeds=(0,))
        return session, session.chains["semi_denoise", "fan"]

    for folder in (data_folder, data_with_noise):  # neither has any so far
        write_clip(alone, 0.1 * np.ones((1, 16_000))) if folder == data_with_noise else None
        with pytest.raises(BadInput, match="fan/supplemental: no noise clip"):
            chain(folder=folder)
    keys = []
    for level in (0.1, 0.2):
        write_clip(recorded, level * np.random.default_rng(0).normal(size=(1, 16_000)).clip(-3, 3))
        keys.append(chain()[1].training_key)
        write_clip(alone, level * np.ones((1, 16_000)))  # the machine alone is no noise
        assert chain()[1].training_key == keys[-1]
    assert keys[0] != keys[1]
    assert chain(sets[:-1])[1].heard_noise == () and "noise" not in chain(sets[:-1])[1].weights_record(0)
    worked(chain()[0])
    assert chain()[1].is_done(chain()[0].machines[0].test, 0)


# ---- what differs is told --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(data_folder, tmp_path_factory):
    results = tmp_path_factory.mktemp("trained")
    worked(opened(["baseline_mse"], "dev", data_folder, results, machines=["fan"], seeds=(0,)))
    return results


def refusal(data_folder, results, sets=(), **departing):
    fields = {"machines": ["fan"], "seeds": (0,), "may_train": False, **departing}
    session = opened(["baseline_mse"], "dev", data_folder, results, sets, **fields)
    with pytest.raises(BadInput) as caught:
        session.fitted("baseline_mse", session.machines[0])
    return str(caught.value)


def test_other_numbers_are_told_by_their_names(data_folder, trained):
    text = refusal(data_folder, trained, ["detector.training.epochs=3"])
    assert "fan: seed 0 of baseline_mse is not in" in text
    assert "trained on the same clips with detector.training.epochs=1, here 3;" in text


def test_another_seed_is_told(data_folder, trained):
    assert "trained on the same clips with seed 0, here 7;" in refusal(data_folder, trained, seeds=(7,))


def test_another_torch_is_told(data_folder, trained, monkeypatch):
    monkeypatch.setattr("asd.training.version", lambda name: "2.99.0")
    text = refusal(data_folder, trained)
    assert "trained on the same clips with torch 2." in text and "here 2.99.0;" in text


def test_other_code_is_told(data_folder, trained, monkeypatch):
    monkeypatch.setattr("asd.system.chain.code", lambda *parts: f"other {code(*parts)}")
    text = refusal(data_folder, trained)
    assert "trained on the same clips with other code of this kit;" in text


def test_other_clips_are_told(data_folder, trained, tmp_path):
    copy = shutil.copytree(data_folder, tmp_path / "data")
    one, two = sorted((copy / "dev_data" / "raw" / "fan" / "train").glob("*.wav"))[:2]
    shutil.copyfile(two, one)
    assert "trained on other clips;" in refusal(copy, trained)


def test_nothing_at_all_is_told_as_that(data_folder, tmp_path):
    assert "nothing of this kind is there" in refusal(data_folder, tmp_path)


def test_many_numbers_are_not_all_listed():
    assert told({f"detector.n{i}": (i, i + 1) for i in range(9)}).endswith("4 more numbers that differ")
    assert told({"detector.network.part": ("A", "B")}) == "trained on the same clips with detector.network=A, here B"


def test_a_stored_file_carries_its_record(trained):
    (path,) = (trained / "store" / "weights").glob("*.npz")
    with np.load(path) as file:
        record = json.loads(file["record.json"].tobytes())
    assert record["detector"]["training"]["epochs"] == 1 and record["seed"] == 0 and "torch" in record


def test_an_encoders_checkpoint_and_the_versions_of_its_packages_are_in_the_key(data_folder, tmp_path, monkeypatch):
    session = opened(["baseline_mse"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(0,))
    checkpoint = tmp_path / "network.onnx"
    checkpoint.write_bytes(b"one")
    plain = session.chains["baseline_mse", "fan"]
    chain = replace(plain, system=replace(plain.system, features=FromFile(str(checkpoint))))
    keys = [chain.block(plain.train).record]
    checkpoint.write_bytes(b"another")
    keys.append(chain.block(plain.train).record)
    monkeypatch.setattr("asd.system.chain.version", {"torch": "2.13.0", "onnxruntime": "99.0"}.__getitem__)
    keys.append(chain.block(plain.train).record)
    assert keys[2]["encoder"][1:] == ["2.13.0", "99.0"]
    assert len({json.dumps(key) for key in keys}) == 3
