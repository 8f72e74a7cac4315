"""One channel: data sets in the layouts of 2023 to 2025, simulated and given those years' quirks, folder to score."""

import csv
import re
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
from conftest import tone_in_noise, tool
from test_contracts import opened

import run as command_line
import systems
from asd import data, frontends
from asd.clips import ANONYMOUS
from asd.errors import BadInput
from asd.evaluation import read_truth
from asd.programs.fitting import extract
from asd.programs.writing import evaluate, write
from asd.truth_list import read_truth_list, write_truth_list
from systems.gmm import SYSTEM as GMM
from systems.gmm import Mixture

SIZE = ["--channels", "1", "--train", "12", "4", "--test", "4", "--seconds", "1"]
SUPPLEMENTAL = (
    "section_00_machine_0001_load_2.wav",
    "section_00_noise_supplemental_normal_0000.wav",
    "section_00_source_supplemental_machine_0000.wav",
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated")
    tool("simulate").main([str(out), "--machines", "fan", *SIZE])
    tool("simulate").main([str(out), "--eval", "--machines", "blower", *SIZE])
    return out


def of_2023(root, truth):
    """An attribute table of bare stems, without folder and `.wav`."""
    table = root / "eval_data" / "raw" / "blower" / "attributes_00.csv"
    table.write_text(re.sub(r"^blower/train/(.*)\.wav,", r"\1,", table.read_text(), flags=re.M))
    assert "blower/" not in table.read_text()
    return truth


def of_2024(root, truth):
    """Numbers from 0001, no attributes, and a truth list without `_test_`."""
    for path in sorted(root.glob("*/raw/*/t*/*.wav"), reverse=True):  # a number is free before it is taken
        path.rename(path.with_name(counted_from_1(path.name)))
    for table in root.glob("*/raw/*/attributes_00.csv"):
        table.unlink()
    return {counted_from_1(a): counted_from_1(told).replace("_test_", "_") for a, told in truth.items()}


def counted_from_1(name):
    if match := ANONYMOUS.fullmatch(name):
        return f"section_{match[1]}_{int(match[2]) + 1:04d}.wav"
    return re.sub(r"_(\d{4})_.*", lambda m: f"_{int(m[1]) + 1:04d}_noAttribute.wav", name)


def of_2025(root, truth):
    """Clips of noise alone and of the machine alone."""
    for machine in root.glob("*/raw/*"):
        (machine / "supplemental").mkdir()
        for name in SUPPLEMENTAL:
            shutil.copy(next((machine / "train").iterdir()), machine / "supplemental" / name)
    return truth


QUIRKS = {2023: of_2023, 2024: of_2024, 2025: of_2025}


@pytest.fixture(scope="module", params=QUIRKS)
def year(request, simulated, tmp_path_factory):
    """(data folder, truth list, results folder) of a year's layout."""
    root = shutil.copytree(simulated, tmp_path_factory.mktemp(str(request.param)) / "data")
    old = root / "eval_data" / "eval_data_list.csv"
    truth = QUIRKS[request.param](root, read_truth_list(old)["blower"])
    old.unlink()
    path = root.parent / f"eval_data_list_{request.param}.csv"
    write_truth_list(path, {"blower": truth})
    return root, path, root.parent / "results"


def test_the_layout_is_inspected_without_a_problem(year, capsys):
    assert tool("inspect_data").main([str(year[0])]) == 0
    told = capsys.readouterr().out
    assert "1 channel, PCM_16" in told and "16  test anonymous" in told and "correlation" not in told
    if list(year[0].glob("*/raw/*/supplemental")):
        assert "1  supplemental, noise alone" in told and "2  supplemental, the machine alone" in told


def test_a_development_run_ends_with_omega_and_a_report(year, capsys):
    root, _, results = year
    words = ["--data", str(root), "--results", str(results), "--workers", "1"]
    assert command_line.main(["-d", "gmm", "modulation_knn", *words]) == 0
    assert len(re.findall(r"Ω = 0\.\d{4}", capsys.readouterr().out)) == 2
    assert tool("report").main([str(results / "dev" / "gmm"), "--data", str(root)]) == 0
    assert (results / "dev" / "gmm" / "report.html").read_text().count("<audio") == 2  # near of two clips
    near = next((root / "dev_data" / "raw" / "fan" / "test").iterdir())
    assert tool("monitor").main(["gmm", "fan", str(near), "--results", str(results)]) == 0


def test_an_evaluation_run_meets_its_truth_in_every_form(year, capsys):
    root, path, results = year
    words = ["--data", str(root), "--results", str(results), "--workers", "1", "--no-verify"]
    assert command_line.main(["-e", "gmm", *words]) == 0
    assert "Ω = " not in capsys.readouterr().out  # nothing tells the truth yet
    folder = path.parent / "evaluator"
    write_evaluator(folder, read_truth(path)["blower"])
    told = [omega_of(results, form, capsys) for form in (path, path.parent, folder)]
    write_renamed(root / "eval_data" / "raw" / "blower", read_truth_list(path)["blower"])
    assert command_line.main(["-e", "gmm", *words]) == 0
    assert told[0] == told[1] == told[2] and f"Ω = {told[0]}" in capsys.readouterr().out


def omega_of(results, truth, capsys):
    assert tool("evaluate").main([str(results / "eval" / "gmm"), "--ground-truth", str(truth)]) == 0
    return re.search(r"^gmm +(0\.\d{4})", capsys.readouterr().out, flags=re.M)[1]


def write_evaluator(folder, truth):
    for kind, bit in (("data", lambda t: t.is_anomaly), ("domain", lambda t: t.domain == "target")):
        (folder / f"ground_truth_{kind}").mkdir(parents=True)
        with open(folder / f"ground_truth_{kind}" / "ground_truth_blower_section_00_test.csv", "w", newline="") as file:
            csv.writer(file).writerows((clip, int(bit(t))) for clip, t in truth.items())


def write_renamed(machine, truth):
    (machine / "test_rename").mkdir()
    for anonymous, telling in truth.items():
        shutil.copy(machine / "test" / anonymous, machine / "test_rename" / telling)


# ---- what needs the far channel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", systems.names())
def test_a_system_runs_on_one_channel_or_is_refused_before_work(name, simulated, tmp_path):
    if lacking := systems.lacks(name):
        pytest.skip(f"NO {lacking.upper()}: {name} was not tried on one channel")
    if name in systems.on_one_channel():
        session = opened(name, simulated, tmp_path)
        extract(session)
        write(session, name)
        assert 0 < float(evaluate(session, name)[-1][4]) <= 1
    else:
        with pytest.raises(BadInput, match=f"{name} needs the far channel .* fan has one channel.*: ae, .*gmm"):
            opened(name, simulated, tmp_path)
        assert not list(tmp_path.iterdir())


def test_systems_on_one_channel_are_those_whose_parts_need_no_far_one(monkeypatch):
    found = systems.on_one_channel()
    assert {"ae", "baseline_mse", "baseline_mahala", "gmm", "modulation_knn"} <= set(found)
    assert not {"adasub", "s0", "s3", "ssd", "two_mic_ae_mse"} & set(found)
    monkeypatch.setattr(systems, "names", lambda: ["a_draft_that_does_not_import", *found])
    assert systems.on_one_channel() == found


@dataclass(frozen=True)
class OfNumbers(Mixture):
    """A detector that its numbers decide about."""

    @property
    def needs_far(self):
        return self.components > 8


def test_a_parts_numbers_may_decide_whether_it_needs_the_far_channel():
    assert replace(GMM, detector=OfNumbers(components=9)).far_parts == ["OfNumbers"]
    assert replace(GMM, detector=OfNumbers(components=8)).far_parts == []


@pytest.mark.parametrize("part", [vars(frontends)[name] for name in frontends.__all__])
def test_front_ends_that_claim_no_far_channel_take_one(part):
    if not hasattr(part, "fit") or getattr(part, "needs_far", False):
        return
    wave = tone_in_noise(np.random.default_rng(0), 400)[:1].astype(np.float32)
    fitted = part().fit([wave])
    assert fitted(wave).shape == (1, 513, 32) and fitted.sound(wave).shape == wave.shape


def test_a_refusal_names_whose_part_it_is_and_what_to_do(simulated, tmp_path):
    with pytest.raises(BadInput, match=r"s3 needs the far channel \(AdaSub of adasub; CohGate of cohgate\)"):
        opened("s3", simulated, tmp_path)
    with pytest.raises(BadInput, match=r"s0 .*\(AdaSub of stats_maha; AdaSub of stats_knn\).*--set frontend=Near$"):
        opened("s0", simulated, tmp_path)
    with pytest.raises(BadInput, match=r"\(NearAndDifference, LogMelPair\).*semi_denoise_mahala$"):
        opened("two_mic_ae_mse", simulated, tmp_path)


def test_behind_the_near_channel_alone_a_scoring_runs_as_the_refusal_says(simulated, tmp_path, capsys):
    words = ["--data", str(simulated), "--results", str(tmp_path), "--workers", "1"]
    assert command_line.main(["-d", "s0", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert command_line.main(["-d", "s0", "--set", "frontend=Near", *words]) == 0
    assert "Ω = 0." in capsys.readouterr().out


def test_clean_clips_for_front_ends_are_those_of_the_machine_alone(year, tmp_path):
    root, *_ = year
    (chain,) = opened("gmm", root, tmp_path).chains.values()
    supplemental = data.survey(root / "dev_data" / "raw" / "fan", ("train", "test")).machine().supplemental
    assert [clip.path.name for clip in chain.clean] == [clip.path.name for clip in supplemental[::2]]
