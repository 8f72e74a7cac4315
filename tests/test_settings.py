"""Settings: departures by dotted name, values coerced by type, parts by their role."""

from dataclasses import dataclass, field, fields, replace
from typing import get_type_hints

import pytest

import systems
from asd import settings
from asd.calibration import GammaStandardised
from asd.contracts import AnyDetector, Calibration, Detector, Features, FrontEnd, TrainedDetector
from asd.detectors import FarConditionedNeighbours, OrganisersNet, PerDimension, ResidualNet, Ridge
from asd.detectors.networks import Network, Scaling
from asd.errors import BadInput
from asd.features import LogMelPair
from asd.fingerprint import canonical, numbers
from asd.frontends import Distilled
from asd.programs.request import wanted_seeds
from asd.settings import fits
from asd.training import Training
from asd.yaml_files import read_yaml
from systems.gmm import Mixture


@dataclass(frozen=True)
class Numbers:
    rate: float = 0.1
    n: int = 3
    seeds: tuple[int, ...] = (1,)


def test_yaml_traps_are_coerced_by_type():
    assert settings.resolve(Numbers(), {"rate": "1e-3", "n": "7", "seeds": [4, 5]}, "x") == Numbers(0.001, 7, (4, 5))
    for wrong in ({"n": 1.5}, {"n": True}, {"rate": "fast"}):
        with pytest.raises(BadInput, match="x: (n|rate): .* is not an? (int|float)"):
            settings.resolve(Numbers(), wrong, "x")


def test_unknown_keys_are_all_listed_with_the_nearest_known_one():
    recipe = systems.load("baseline_mse")
    with pytest.raises(BadInput) as caught:
        settings.resolve(recipe, {"detector": {"training": {"epoch": 1}, "scorin": {}}}, "baseline_mse.yaml")
    text = str(caught.value)
    assert "baseline_mse.yaml: unknown key 'detector.training.epoch', did you mean 'detector.training.epochs'?" in text
    assert "did you mean 'detector.scoring'?" in text and "known: detector.context" in text
    with pytest.raises(BadInput, match="did you mean 'detector.training.epochs'"):
        settings.resolve(recipe, {"training": {}} | settings.assignment("detector.trainng.epochs=3"), "--set")


def test_a_part_can_be_exchanged_by_name_and_its_numbers_set():
    recipe = systems.load("baseline_mse")
    swapped = settings.resolve(recipe, {"calibration": {"part": "gammastandardised", "quantile": 0.95}}, "x")
    assert swapped.calibration == GammaStandardised(0.95)
    with pytest.raises(BadInput, match="calibration: no part 'gamathresh' fits here, did you mean 'GammaThreshold'"):
        settings.resolve(recipe, {"calibration": "gamathresh"}, "x")


def test_numbers_a_part_refuses_are_reported_with_its_name():
    with pytest.raises(BadInput, match="x: detector.training: epochs 0: at least 1 expected"):
        settings.resolve(systems.load("baseline_mse"), {"detector": {"training": {"epochs": 0}}}, "x")


@pytest.mark.parametrize(
    ("text", "message"), [("a: 1\na: 2\n", "x.yaml:2: duplicate key 'a'"), ("- 1\n", "a list"), ("a: [", "not yaml")]
)
def test_bad_yaml_is_refused(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_yaml(tmp_path / "x.yaml")


@pytest.mark.parametrize("text", ["epochs", "=3"])
def test_malformed_assignments_are_refused(text):
    with pytest.raises(BadInput, match="expected part.field=value"):
        settings.assignment(text)


def test_a_yaml_is_of_a_system_and_departs_from_its_code_and_an_unknown_system_gets_a_hint():
    for path in systems.YAML.glob("*.yaml"):
        assert systems.load(path.stem) != systems.module(path.stem).SYSTEM
    with pytest.raises(BadInput, match="unknown system 'baseline_mes', did you mean 'baseline_mse'"):
        systems.load("baseline_mes")


@pytest.mark.parametrize("value", ["1.5", "two", ""])
def test_a_value_of_the_wrong_type_is_reported_not_checked_further(value):
    with pytest.raises(BadInput, match="detector.training.epochs: .* is not an int"):
        systems.load("baseline_mse", [f"detector.training.epochs={value}"])


# ---- parts by role ---------------------------------------------------------------------------------------------------


def test_a_field_takes_the_parts_that_fit_wherever_they_live():
    assert systems.load("ae", ["features=LogMelPair"]).features == LogMelPair()
    assert systems.load("ae", ["detector=mixture", "calibration=normalstandardised"]).detector == Mixture()
    pair = ["detector=FarConditionedNeighbours", "features=LogMelPair", "frontend=NearAndFar"]
    assert isinstance(systems.load("ae", pair).detector, FarConditionedNeighbours)


@pytest.mark.parametrize("name", ["msm_dsp_knn", "two_mic_ae_mse", "semi_denoise_far"])
def test_a_detector_of_two_channels_is_refused_behind_features_of_one(name):
    with pytest.raises(BadInput, match="takes 2 channels side by side, features LogMel give 1"):
        systems.load(name, ["features=LogMel"])
    with pytest.raises(BadInput, match="detector TwoMicrophoneAutoEncoder: a detector of one channel"):
        systems.load("semi_denoise", ["detector.detector=TwoMicrophoneAutoEncoder"])


def test_a_detector_that_counts_its_channels_is_refused_behind_features_of_more():
    with pytest.raises(BadInput, match="takes 1 channel side by side, features LogMelPair give 2"):
        systems.load("semi_denoise", ["features=LogMelPair"])
    with pytest.raises(BadInput, match="takes 1 channel side by side"):
        systems.load("semi_denoise_far", ["detector.noise=OtherClips"])


def test_a_front_end_that_is_trained_offers_all_that_training_needs():
    class Student:
        def fit_on(self, waves, clean, scratch, device, lasting): ...

    with pytest.raises(BadInput, match="front-end Student has `fit_on`, but not files, rehearse: .* TrainedFrontEnd"):
        replace(systems.load("ae"), frontend=Student())


@dataclass(frozen=True)
class Optional:
    state: int | None = None
    pair: tuple[int, float] = (1, 2.0)
    several: list[int] = field(default_factory=list)
    rate: float = 1


def test_optional_and_mixed_fields_are_read_and_a_whole_number_is_a_float_where_one_is_meant():
    found = settings.resolve(Optional(), {"state": "7", "pair": "3,0.5", "several": "1,2"}, "x")
    assert (found.state, found.pair, found.several) == (7, (3, 0.5), [1, 2])
    assert settings.resolve(found, {"state": "null"}, "x").state is None
    assert settings.resolve(Numbers(), {"n": str(2**60 + 1)}, "x").n == 2**60 + 1
    assert canonical(numbers(Optional())) == canonical(numbers(settings.resolve(Optional(), {"rate": 1}, "x")))
    assert '"rate": 1.0' in canonical(numbers(Optional()))


def test_a_field_that_holds_neither_part_nor_number_is_named():
    with pytest.raises(BadInput, match="Numbers.n holds a set; a field of a part is a number"):
        numbers(Numbers(n={1}))


@pytest.mark.parametrize("seeds", ["-1", "", "1,1"])
def test_seeds_that_make_no_sense_are_refused(seeds):
    with pytest.raises(BadInput, match="seeds .*one or more, each once"):
        systems.load("ae", [f"seeds={seeds}"])


def test_a_part_that_does_not_fit_is_refused_with_those_that_do():
    fitting = r"\(fitting: OrganisersNet, ResidualNet\)"
    with pytest.raises(BadInput, match=f"detector.network: no part 'Ridge' fits here.*{fitting}"):
        systems.load("s1", ["detector.network=Ridge"])
    with pytest.raises(BadInput, match=r"calibration: no part 'LogMel' fits here"):
        systems.load("s1", ["calibration=LogMel"])
    with pytest.raises(BadInput, match=r"frontend.student: no part 'OrganisersNet'.* \(fitting: NarrowBandLSTM\)"):
        systems.load("ssd", ["frontend.student=OrganisersNet"])


@pytest.mark.parametrize(
    ("part", "role", "expected"),
    [
        (OrganisersNet, Network, True),
        (PerDimension, Network, False),  # it builds as well, from another second argument
        (PerDimension, Scaling, True),
        (Ridge, Scaling, False),
        (Mixture, Detector, True),
        (Mixture, TrainedDetector, False),
        (Mixture, AnyDetector, True),
        (GammaStandardised, Calibration, True),
        (GammaStandardised, AnyDetector, False),
        (Distilled, FrontEnd, True),
        (LogMelPair, Features, True),
        (LogMelPair, FrontEnd, False),
        (ResidualNet, OrganisersNet, False),
    ],
)
def test_a_part_fits_by_its_methods_and_their_parameters(part, role, expected):
    assert fits(part, role) is expected


def test_the_alternatives_of_each_part_are_listed():
    found = {name: (now, fitting) for name, now, fitting in settings.alternatives(systems.load("s1"))}
    assert found["detector.network"] == ("ResidualNet", ["OrganisersNet", "ResidualNet"])
    assert found["detector.scoring.covariance"] == ("Ridge", ["LedoitWolf", "Ridge"])
    assert {"AdaSub", "CohGate", "Distilled", "Near"} <= set(found["frontend"][1])
    assert {"AutoEncoder", "Mixture"} <= set(found["detector"][1])
    assert not {"Fixed", "Pair", "Referenced"} & set(found["frontend"][1])  # shapes of front-ends, none themselves


def test_a_number_named_without_its_part_points_to_its_full_name():
    with pytest.raises(BadInput, match="unknown key 'epochs', did you mean 'detector.training.epochs'"):
        systems.load("s1", ["epochs=3"])
    with pytest.raises(BadInput, match="'frontend.training.epochs' or 'detector.training.epochs'"):
        systems.load("ssd", ["epochs=3"])


# ---- numbers that make no sense --------------------------------------------------------------------------------------

SIGNED = {"least_snr"}  # fields that may be negative
# No parts of a system.
ELSEWHERE = ("asd.monitoring", "asd.pretrained", "asd.separation", "asd.simulation", "asd.submission")


def numbers_of_parts():
    for part in settings.all_parts():
        for f in fields(part) if not part.__module__.startswith(ELSEWHERE) else ():
            kind = get_type_hints(part)[f.name]
            if kind in (int, float) or kind in (tuple[int, ...], tuple[float, ...], tuple[float, float, float]):
                yield part, f.name, kind


def test_every_part_refuses_numbers_that_make_no_sense_by_their_names():
    tried = 0
    for part, name, kind in numbers_of_parts():
        wrong = ["nan", "inf", "-inf", "010", "ten", "0x10", "1:30"] + ["-1"] * (name not in SIGNED)
        for text in wrong:
            several = ",".join([text] * (3 if kind == tuple[float, float, float] else 1))
            with pytest.raises(BadInput, match=name.split("_")[0]):
                settings.resolve(part(), {name: several}, "x")
            tried += 1
    assert tried > 700


def test_no_part_takes_zero_where_zero_is_nothing():
    for system, text in (
        ("baseline_mse", "features.n_mels=0"),
        ("baseline_mse", "detector.context=0"),
        ("ae", "detector.network.width=0"),
        ("ae", "detector.training.learning_rate=-0.001"),
        ("ae", "detector.training.batch_size=1"),
        ("ae", "calibration.quantile=90"),
        ("ae", "seeds=0,0"),
        ("ae", "seeds=-1"),
        ("s0", "calibration.quantile=1"),
    ):
        with pytest.raises(BadInput, match="expected"):
            systems.load(system, [text])


@pytest.mark.parametrize("text", ["010", "0,0", "-1", "0", "1.5", "", "1e9", "007,"])
def test_seeds_that_cannot_be_meant_are_refused(text):
    with pytest.raises(BadInput, match="--seeds"):
        wanted_seeds(text)


@pytest.mark.parametrize(
    "text",
    ["epochs: 010", "epochs: 1:30", "epochs: 2026-13-45", "epochs: 0x1f", "epochs: on", "epochs: .nan", "epochs: [1]"]
    + [
        "epochs: &a [*a]",
        "epochs: {1: 2}",
        "epochs: !!int x",
        "epochs: !!timestamp x",
        "? [1]\n: 2",
        "epochs: !!binary x",
    ]
    + ["epochs: !!python/name:os.system", "[" * 700, "<<: {a: 1}", "epochs: *nothing", "\x00: 1", "{? {a: 1}: 2}"],
)
def test_yaml_values_that_are_no_numbers_are_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadInput, match="x.yaml|unknown key|epochs") as refused:
        settings.resolve(Training(), read_yaml(tmp_path / "x.yaml"), "x.yaml")
    assert "\n" not in str(refused.value)
