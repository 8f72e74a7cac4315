"""The separation benchmark on a toy scene: options, tool, store, tables, figures."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE
from test_separation import hums, toy
from test_tools import tool

from asd import training
from asd.programs.separation_benchmark import Options, figures, open_bench, quality, records, timing
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.presets import PRESETS
from asd.programs.separation_benchmark.report import classes_table, over_machines, ratios, table
from asd.programs.separation_benchmark.separators import Separator
from asd.separation import blind

ANY = Options(Path("fan"), Path("noise"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return toy(tmp_path_factory.mktemp("scene"))


def call(folders, out, *words):
    known = ["--machine", str(folders / "machine"), "--noise", str(folders / "noise"), "--student", "small"]
    small = ["--seconds", "1", "--train", "7", "--test", "4", "--ae-epochs", "1", "--ae-seeds", "1", "--no-timing"]
    student = ["training.epochs=1", "student.units=4", "segment=0.5"]
    sets = [word for text in student for word in ("--set", text)]
    rirs = ["--rirs", f"{folders / 'rirs.npz'}:hall", "--out", str(out)]
    return tool("separation_benchmark").main([*known, *small, *sets, *rirs, *words])


def test_the_tool_fills_its_tables_and_does_nothing_twice(folders, tmp_path, capsys):
    assert call(folders, tmp_path, "--methods", "none", "adasub", "ssd_adasub", "ssd_clean") == 0
    printed = capsys.readouterr().out
    assert "| No processing | - | 0.0 ± 0.0 |" in printed and "AdaSub only (sci_adasub.png): logmel Spearman" in printed
    (folder,) = (p for p in tmp_path.iterdir())
    drawn = {"sci_adasub.png", "scores.png", "features.png"}
    assert {"table.md", "ssd_adasub.json"} | drawn <= {p.name for p in folder.iterdir()}
    assert all(soundless((folder / name).read_bytes()) for name in drawn)
    before = (folder / "ssd_adasub.json").stat().st_mtime_ns
    assert call(folders, tmp_path, "--methods", "none", "adasub", "ssd_adasub", "ssd_clean") == 0
    assert (folder / "ssd_adasub.json").stat().st_mtime_ns == before and capsys.readouterr().out == printed


def soundless(png):
    """A whole PNG that is more than an empty page."""
    return png[:4] == b"\x89PNG" and png[-8:-4] == b"IEND" and len(png) > 8000


def test_several_machines_share_one_table(folders, tmp_path, capsys):
    shutil.copytree(folders / "machine", tmp_path / "other")
    out = tmp_path / "out"
    assert call(folders, out, "--machine", str(folders / "machine"), str(tmp_path / "other"), "--methods", "none") == 0
    last = capsys.readouterr().out.strip().splitlines()[-3:]
    assert last[0] == "| method | SI-SNRi dB, machine | SI-SNRi dB, other | ROC-AUC, machine | ROC-AUC, other |"
    assert (
        last[2].startswith("| No processing | 0.0 ± 0.0 | 0.0 ± 0.0 | ") and (out / "table_machine_other.md").exists()
    )
    assert call(folders, out, "--machine", str(tmp_path / "other"), str(tmp_path / "other")) == 2
    assert "folders of different names expected" in capsys.readouterr().err


def test_the_tool_refuses_what_it_lacks(folders, tmp_path, capsys):
    assert call(folders, tmp_path, "--methods", "aqss") == 2
    assert "aqss needs --audiosep" in capsys.readouterr().err
    assert call(folders, tmp_path, "--methods", "magic") == 2
    assert "unknown (known: none, tfgridnet" in capsys.readouterr().err
    assert call(folders, tmp_path, "--methods", "aqss", "--audiosep", "gone.ckpt") == 2
    assert "'gone.ckpt': no such file; expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--test", "1"], "--test 1: at least 2"),
        (["--train", "1"], "--train 1: at least 2"),
        (["--peers-train", "0"], "--peers-train 0: at least 1"),
        (["--level", "-20", "-30"], "FROM <= TO"),
        (["--student", "tall"], "--student tall: of cited, small"),
        (["--peers", "tall"], "--peers tall: of paper, small"),
        (["--map", "globe"], "--map globe: of pca, tsne, umap"),
        (["--embedders", "ear"], "of logmel, aisfx, clap"),
        (["--embedders", "clap"], "--embedders clap: --clap or --audiosep"),
        (["--text", "fan running"], "--text 'fan running': --tokenizer FOLDER"),
        (["--seconds", "0"], "--seconds 0: at least 0.5 s"),
        (["--snr", "0", "-10"], "--snr 0 -10: FROM <= TO"),
        (["--seed", "-1"], "--seed -1"),
        (["--rirs", "", "--microphones", "1"], "1 microphone, fastmnmf compares 2"),
    ],
)
def test_the_tool_refuses_numbers_that_cannot_be(folders, tmp_path, capsys, words, told):
    assert call(folders, tmp_path, *words) == 2
    assert told in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_the_tool_hands_its_defaults_and_its_words_on():
    benchmark = tool("separation_benchmark")
    args = benchmark.parsed(["--machine", "fan", "--noise", "noise"])
    assert benchmark.options_of(args) == [ANY]
    more = ["--snr", "-5", "5", "--methods", "none", "dprnn", "--set", "clips=9", "--set", "segment=1", "--no-timing"]
    found = benchmark.options_of(benchmark.parsed(["--machine", "fan", "--noise", "noise", *more]))
    expected = replace(ANY, snr=(-5.0, 5.0), methods=("none", "dprnn"), timing=False)
    assert found == [replace(expected, settings=("clips=9", "segment=1"))]


def test_the_defaults_are_the_papers_and_quick_ones_can_be_changed():
    papers = (ANY.train, ANY.test, ANY.peers_train, ANY.seconds, ANY.snr, ANY.microphones)
    assert papers == (528, 528, 256, 10.0, (-10.0, 0.0), 5) and not PRESETS["full"]
    from asd.frontends import AdaSubTeacher

    recipe = ANY.distilled(AdaSubTeacher())
    assert (recipe.student.units, recipe.student.bidirectional) == ((256, 128), True)
    assert recipe.training.learning_rate == ANY.peer_training.learning_rate == 1e-3 and recipe.clips == 528
    assert (ANY.self_noise, ANY.level, ANY.peer_training.validation_share) == (-np.inf, (), 0.2)
    words = ["--preset", "quick", "--machine", "fan", "--noise", "noise", "--test", "6", "--set", "segment=1"]
    (quick,) = tool("separation_benchmark").options_of(tool("separation_benchmark").parsed(words))
    assert (quick.test, quick.peers, quick.settings) == (6, "small", ("training.epochs=12", "segment=1"))
    assert quick.distilled(AdaSubTeacher()).student.units == (64, 32)


def bench_of(folders, out, **options):
    known = {"machine": folders / "machine", "noise": folders / "noise", "rirs": str(folders / "rirs.npz"), "out": out}
    return open_bench(Options(**{**known, "seconds": 1.0, "train": 7, "student": "small", **options}))


def test_students_read_the_reference_that_the_other_methods_get(folders, tmp_path):
    from asd.frontends import AdaSubTeacher
    from asd.frontends.distillation.reference import read_reference

    bench = bench_of(folders, tmp_path)
    (path,) = bench.distilled(AdaSubTeacher()).files()
    assert np.array_equal(read_reference(path), bench.reference) and np.abs(bench.reference).max() == 0.5


def test_a_replaced_checkpoint_or_library_gets_another_folder(folders, tmp_path, monkeypatch):
    checkpoint = tmp_path / "clap.pt"
    checkpoint.write_bytes(b"one")
    before = bench_of(folders, tmp_path, clap=str(checkpoint)).folder
    assert bench_of(folders, tmp_path, clap=str(checkpoint)).folder == before
    checkpoint.write_bytes(b"another")
    replaced = bench_of(folders, tmp_path, clap=str(checkpoint)).folder
    monkeypatch.setattr("asd.training.THREADS", 3)
    assert len({before, replaced, bench_of(folders, tmp_path, clap=str(checkpoint)).folder}) == 3


def test_other_recordings_responses_numbers_or_code_get_another_folder(folders, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(folders, copy)
    found = [bench_of(folders, tmp_path).folder]
    assert bench_of(copy, tmp_path, methods=("none",), timing=False).folder == found[0]
    found += [bench_of(copy, tmp_path, seed=1).folder, bench_of(copy, tmp_path, settings=("segment=1",)).folder]
    soundfile.write(copy / "noise" / "a.wav", hums(100), RATE)
    found.append(bench_of(copy, tmp_path).folder)
    found += [bench_of(copy, tmp_path, **{name: value}).folder for name, value in OTHERS.items()]
    responses = dict(np.load(copy / "rirs.npz"))
    np.savez(copy / "rirs.npz", **{**responses, "hall__machine": np.roll(responses["hall__machine"], 1, axis=1)})
    found.append(bench_of(copy, tmp_path).folder)
    monkeypatch.setattr(records, "measured", other_code)
    found.append(bench_of(copy, tmp_path).folder)
    assert len(set(found)) == len(found) == 6 + len(OTHERS)


OTHERS = {"peers": "small", "peers_train": 3, "self_noise": -50.0, "level": (-30.0, -24.0), "student": "cited"}


def other_code(bench, name):
    return {}


def test_the_autoencoder_is_trained_anew_on_other_outputs(folders, tmp_path):
    """As after deleting a method's files and changing what it gives."""
    bench = bench_of(folders, tmp_path, test=2, ae_seeds=1, ae_epochs=1)
    for gain in (1, 0):
        separator = Separator(lambda wave, gain=gain: wave[0] + gain * wave[1])
        quality.detection(bench, separator, [quality.feature(m.wave[0]) for m in bench.test])
    assert len(list((bench.folder / "store" / "weights").iterdir())) == 2


def test_a_benchmark_that_was_killed_goes_on_where_it_stopped(folders, tmp_path, monkeypatch):
    few = ("training.epochs=2", "training.patience=0", "student.units=4", "segment=0.5")
    bench, epoch, trained = bench_of(folders, tmp_path, test=2, ae_seeds=0, settings=few), training._one_epoch, []

    def counted(*words):
        trained.append(words)
        return epoch(*words)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("asd.checkpoint.CHECKPOINT_SHARE", 1e9)  # write every checkpoint
    monkeypatch.setattr(training, "_one_epoch", counted)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(quality, "quality", killed)
        quality.measured(bench, "ssd_adasub")
    assert len(trained) == 2 and under_way(bench) > {"checkpoint.pt", "losses.csv"}  # and targets
    figures = quality.measured(bench, "ssd_adasub")
    assert len(trained) == 2 and len(figures["improvement"]) == 2 and figures["training_seconds"] > 0
    assert [path.suffix for path in (bench.folder / "store" / "ssd_adasub").iterdir()] == [".npz"]
    assert not under_way(bench)


def under_way(bench):
    """Names of the files that a killed benchmark would resume from."""
    return {path.name for path in (bench.folder / "store" / "scratch").rglob("*.*") if path.suffix != ".lock"}


def test_the_autoencoders_go_on_where_they_stopped_too(folders, tmp_path, monkeypatch):
    bench, epoch, trained = bench_of(folders, tmp_path, test=2, ae_seeds=2, ae_epochs=2), training._one_epoch, []

    def dies_in_the_second_seed(*words):
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(words)
        return epoch(*words)

    monkeypatch.setattr("asd.checkpoint.CHECKPOINT_SHARE", 1e9)  # write every checkpoint
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "_one_epoch", dies_in_the_second_seed)
        quality.measured(bench, "none")
    assert under_way(bench) == {"checkpoint.pt", "losses.csv"}
    monkeypatch.setattr(training, "_one_epoch", lambda *words: trained.append(words) or epoch(*words))
    assert quality.measured(bench, "none")["auc"].shape == (2,)
    assert len(trained) == 4 and not under_way(bench)


def test_records_name_what_a_figure_depends_on(folders, tmp_path):
    bench = bench_of(folders, tmp_path, test=2, ae_seeds=0)
    quality.measured(bench, "none")
    louder = bench_of(folders, tmp_path, test=2, ae_seeds=0, snr=(0.0, 0.0), peer_epochs=3)
    found = bench.store.differences("none", {**louder.record, "method": "none"})
    assert found == {"mixtures.snr": ([-10.0, 0.0], [0.0, 0.0]), "parts.peers.epochs": (100, 3)}


def test_times_are_kept_until_other_methods_are_asked_for(folders, tmp_path, monkeypatch):
    bench, measured = bench_of(folders, tmp_path, test=2), []
    monkeypatch.setattr(timing, "timing", lambda bench, name: measured.append(name) or (2.0, 0.1, 1.0))
    for names in (["none", "adasub"], ["adasub", "none"], ["adasub"]):
        assert timing.timings(bench, names) == dict.fromkeys(names, timing.Times(2.0, 0.1, 1.0))
    assert measured == ["none", "adasub", "adasub"]


@pytest.mark.parametrize("name", ["none", "ssd_paper"])
def test_a_method_is_timed_without_its_training(folders, tmp_path, name, monkeypatch):
    monkeypatch.setattr(timing, "TIMED", 1)
    monkeypatch.setattr(timing, "ROUNDS", 3)
    bench = bench_of(folders, tmp_path, test=2, settings=("student.units=4",))
    assert timing.tiled(bench.test[0].wave, 25_000).shape == (2, 25_000)
    mean, spread, all_cores = timing.timing(bench, name)
    assert min(mean, spread, all_cores) > 0 and torch.get_num_threads() == 1


def test_a_mixture_without_sources_stays_as_it_came_and_is_counted(folders, tmp_path, monkeypatch):
    calls = iter(range(4))

    def sometimes_singular(spectra):
        if next(calls) == 1:
            raise np.linalg.LinAlgError("Singular matrix")
        return spectra[::-1]

    monkeypatch.setitem(blind.METHODS, "ILRMA", sometimes_singular)
    bench = bench_of(folders, tmp_path, test=4, ae_seeds=0)
    found = quality.quality(bench, METHODS["ilrma"].open(bench))
    assert found["unseparated"] == 1 and found["improvement"][1] == 0 and np.isfinite(found["sound"]).all()
    assert "; 1 not separated, as they came)" in table(ANY, {"ilrma": {**found, "parameters": np.array(0)}}, {})


def test_the_table_and_the_ratios_of_times():
    figures = {"mean": 3.21, "std": 0.5, "normal": 4.0, "anomaly": 2.42, "oracle": 6.0, "unseparated": 0}
    record = {name: np.array(figure) for name, figure in figures.items()} | {"auc": np.array([0.5, 0.7])}
    record["parameters"] = np.array(1234)
    times = {"ilrma": timing.Times(2.0, 0.1, 1.5), "ssd_adasub": timing.Times(0.1, 0.01, 0.05)}
    shown = table(ANY, {"ilrma": record, "ssd_paper": {"parameters": np.array(0)}}, times).splitlines()
    told = "3.2 ± 0.5 (oracle's choice 6.0) | 4.0 / 2.4 | 0.600 ± 0.100 | 2.000 ± 0.100 | 1.500 | 0.2000 | 1,234 |"
    assert shown[2] == f"| ILRMA | blind | {told}"
    assert shown[3] == "| SSD, 256-128 bidirectional | time only | - | - | - | - | - | - | - |"
    assert ratios(times) == ["the student is 20 times faster than ILRMA (one core each)"]
    assert ratios({"ilrma": times["ilrma"]}) == []


def record_of(gains, kinds, scores):
    """Four mixtures, the last two anomalous."""
    own = {"improvement": np.array(gains), "mean": np.mean(gains), "std": np.std(gains), "auc": np.array([0.5])}
    return own | {"noise": np.array(kinds), "is_anomaly": np.arange(4) >= 2, "scores": np.array([scores])}


def test_tables_by_noise_class_and_over_machines():
    record = record_of([1.0, 2, 3, 6], ["a", "b", "a", "b"], [0.0, 9, 1, 2])
    shown = classes_table(ANY, {"dprnn": record}).splitlines()
    assert shown[3:] == ["| method | a | b |", "| --- | --- | --- |", "| DPRNN | 2.0 ± 1.0; 1.000 | 4.0 ± 2.0; 0.000 |"]
    assert classes_table(ANY, {"none": record_of([0.0] * 4, ["a"] * 4, [0.0] * 4)}) == ""
    over = over_machines(replace(ANY, peers="small"), {"fan": {"dprnn": record}, "pump": {"dprnn": record, "none": {}}})
    assert over.splitlines()[2] == "| DPRNN, small | 3.0 ± 1.9 | 3.0 ± 1.9 | 0.500 ± 0.000 | 0.500 ± 0.000 |"


def test_the_share_of_targets_that_sci_finds_good():
    told = figures.share_told(np.array([0.1, 0.3, 0.4, 0.5]), np.array([-1.0, 2, -3, 4]))
    assert told == "3 of 4 with SCi above 0.2, 67% of them above 0 dB"
    assert figures.share_told(np.zeros(2), np.ones(2)) == "no SCi above 0.2"


def test_examples_are_those_of_the_most_uneven_noise(folders, tmp_path):
    bench = bench_of(folders, tmp_path, test=6)
    normal, anomalous = bench.examples
    halves = np.stack([np.split(m.wave[0] - m.clean, 2) for m in bench.test])  # (N, 2, T / 2)
    uneven = np.abs(np.diff(np.log(np.square(halves).sum(axis=2)), axis=1))[:, 0]
    assert (normal, anomalous) == (np.argmax(uneven[:3]), 3 + np.argmax(uneven[3:]))
