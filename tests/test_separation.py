"""The benchmark's parts: mixtures whose truth is known, measures, peers, blind methods, and the tool on a toy scene."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE
from test_tools import tool

from asd import training
from asd.errors import BadInput
from asd.programs.separation_benchmark import Options, open_bench, quality, records, timing
from asd.programs.separation_benchmark.report import ratios, table
from asd.programs.separation_benchmark.separators import Separator
from asd.separation import blind, measures, mixtures, peers
from asd.si_snr import si_snr, si_snr_of_waves
from asd.training import Training

RNG = np.random.default_rng(0)


def hums(hertz, seconds=3.0):
    return (0.1 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """machine/, noise/ and rirs.npz of two microphones."""
    root = tmp_path_factory.mktemp("scene")
    for folder, names in {"machine": ("normal_0", "normal_1", "anomaly_0"), "noise": ("a", "b", "c")}.items():
        (root / folder).mkdir()
        for i, name in enumerate(names):
            wave = hums(400 + 300 * name.startswith("anomaly")) if folder == "machine" else RNG.normal(0, 0.1, 48_000)
            soundfile.write(root / folder / f"{name}.wav", wave * (1 + i / 10), RATE)
    direct = np.zeros((2, 40))
    direct[[0, 1], [3, 9]] = 1, 0.3
    others = {f"hall__noise_{i}": np.roll(direct[::-1] * [[0.8], [1.2]], i, axis=1) for i in range(2)}
    np.savez(root / "rirs.npz", hall__machine=direct, **others)
    return root


@pytest.fixture(scope="module")
def scene(folders):
    room = mixtures.read_room(folders / "rirs.npz")
    return mixtures.open_scene(folders / "machine", folders / "noise", room, 1.0, (-10.0, 0.0))


# ---- mixtures --------------------------------------------------------------------------------------------------------


def test_a_mixture_has_the_drawn_snr_and_the_same_seed_gives_the_same_one(scene):
    for m in [*scene.train(3, 0), *scene.test(4, 0)]:
        noise = m.wave[0] - m.clean
        snr = 20 * np.log10(mixtures.rms(m.clean) / mixtures.rms(noise))
        assert snr == pytest.approx(m.snr, abs=0.2) and -10 <= m.snr <= 0 and m.wave.shape == (2, RATE)
    assert np.array_equal(scene.train(2, 5)[1].wave, scene.train(2, 5)[1].wave)
    assert not np.array_equal(scene.train(2, 5)[1].wave, scene.train(2, 6)[1].wave)
    assert [m.is_anomaly for m in scene.test(4, 0)] == [False, False, True, True]


def test_training_and_test_share_no_recording(scene):
    def same(a, b):
        return any(np.array_equal(x, y) for x in a for y in b)

    assert not same(scene.normal, scene.test_normal) and not same(scene.noise, scene.test_noise)
    one = [np.arange(100.0)]
    train, test = mixtures.halves(one)
    assert train[0][-1] < test[0][0] and len(train[0]) == 60


def test_folders_that_lack_something_are_named(folders, tmp_path):
    room = mixtures.read_room(folders / "rirs.npz", "hall")
    with pytest.raises(BadInput, match="no normal.*wav"):
        mixtures.open_scene(tmp_path, folders / "noise", room, 1.0, (0, 0))
    with pytest.raises(BadInput, match="0 recordings, at least 2"):
        mixtures.open_scene(folders / "machine", tmp_path, room, 1.0, (0, 0))
    with pytest.raises(BadInput, match=r"no room 'cellar' \(there: hall\)"):
        mixtures.read_room(folders / "rirs.npz", "cellar")
    with pytest.raises(BadInput, match="gone.npz: no such file"):
        mixtures.read_room(tmp_path / "gone.npz")
    soundfile.write(tmp_path / "fast.wav", np.zeros(10), 44_100)
    with pytest.raises(BadInput, match="fast.wav: 44100 Hz"):
        mixtures.read_mono(tmp_path / "fast.wav")


def test_responses_may_be_a_folder_of_wavs(tmp_path):
    for name in ("machine", "noise_0", "noise_1"):
        soundfile.write(tmp_path / f"{name}.wav", np.eye(50, 3), RATE, subtype="FLOAT")
    room = mixtures.read_room(tmp_path)
    assert room.n_channels == 3 and len(room.noise) == 2 and room.machine.shape == (3, 50)


def test_in_a_simulated_room_the_machine_is_loudest_at_the_first_microphone():
    room = mixtures.simulated_room(3)
    energy = np.sum(room.machine**2, axis=1)
    assert room.n_channels == 3 and len(room.noise) == 3 and energy[0] > 2 * energy[1] > 2 * energy[2]


def test_responses_that_do_not_fit_are_named(tmp_path):
    response, other = np.eye(2, 40), np.eye(1, 40)
    np.savez(tmp_path / "quiet.npz", hall__machine=response)
    np.savez(tmp_path / "fewer.npz", hall__machine=response, hall__noise_0=other)
    (tmp_path / "text.npz").write_text("hello")
    for name in ("machine", "noise_0"):
        soundfile.write(tmp_path / f"{name}.wav", response.T, 16_000 if name == "machine" else 44_100)
    for path, told in {
        "quiet.npz": "quiet.npz: no impulse response of a noise position",
        "fewer.npz": r"fewer.npz: hall__noise_0 has shape \(1, 40\), the machine's \(2, 40\)",
        "text.npz": "text.npz: not readable as an npz",
        "": "noise_0.wav: impulse response at 44100 Hz, 16000 expected",
    }.items():
        with pytest.raises(BadInput, match=told):
            mixtures.read_room(tmp_path / path)


def test_empty_and_silent_recordings_are_refused(folders, tmp_path):
    room = mixtures.read_room(folders / "rirs.npz")
    for name in ("normal_0", "normal_1", "anomaly_0"):
        soundfile.write(tmp_path / f"{name}.wav", np.concatenate([hums(400), np.zeros(8000)]), RATE)
    assert mixtures.open_scene(tmp_path, folders / "noise", room, 2.0, (0, 0)).train(3, 0)
    with pytest.raises(BadInput, match="normal recording of 3.5 s holds 0.5[0-9]* s of digital silence"):
        mixtures.open_scene(tmp_path, folders / "noise", room, 1.0, (0, 0))
    soundfile.write(tmp_path / "anomaly_0.wav", np.zeros(0), RATE)
    with pytest.raises(BadInput, match="anomaly_0.wav: an empty recording"):
        mixtures.open_scene(tmp_path, folders / "noise", room, 2.0, (0, 0))


# ---- measures --------------------------------------------------------------------------------------------------------


def test_si_snr_is_the_training_loss_and_refuses_silence():
    found, target = RNG.normal(size=(2, 500))
    expected = float(si_snr(torch.from_numpy(found), torch.from_numpy(target)))
    assert si_snr_of_waves(found, target) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="silent"):
        si_snr_of_waves(found, 0 * target)


def test_improvement_is_what_an_estimate_gains_on_the_mixture():
    clean, noise = RNG.normal(size=(2, 4000))
    gained = si_snr_of_waves(clean + 0.1 * noise, clean) - si_snr_of_waves(clean + noise, clean)
    assert measures.improvement(clean + 0.1 * noise, clean + noise, clean) == gained == pytest.approx(20, abs=0.5)
    assert measures.improvement(clean + noise, clean + noise, clean) == 0


def test_rank_correlation_sees_the_order_alone():
    assert measures.spearman(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)


# ---- peers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_keeps_length_and_level_and_learns(name, scene, tmp_path):
    pairs = [(m.wave[0, :6000], m.clean[:6000]) for m in scene.train(6, 0)]
    training = Training(3, 2, 3e-3, validation_share=0.2, patience=3, clip_norm=5.0)
    network = peers.supervised(name, pairs, training, 0.3, tmp_path).network
    wave = torch.from_numpy(scene.test(2, 0)[0].wave[:1, :7777])
    with torch.no_grad():
        found, louder = network(wave), network(8 * wave)
    assert found.shape == wave.shape and torch.allclose(8 * found, louder, rtol=1e-3, atol=1e-3 * louder.abs().max())
    losses = [float(line.split(",")[2]) for line in (tmp_path / "losses.csv").read_text().splitlines()[1:]]
    assert losses[-1] < losses[0]


# ---- blind -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", blind.METHODS)
def test_a_blind_method_separates_an_easy_mixture(name, monkeypatch):
    package = "pyroomacoustics" if "pyroom" in name else "ssspy"
    pytest.importorskip(package, reason=f"NO {package.upper()}: {name} was not tried (pip install '.[separation]')")
    monkeypatch.setattr(blind, "ITERATIONS", 25)
    machine = 0.1 * RNG.normal(size=RATE) * (1 + np.sin(np.arange(RATE) / 800))
    noise = 0.1 * RNG.normal(size=RATE) * np.linspace(0, 1, RATE) ** 2
    images = np.array([[1], [0.4]]) * machine, np.array([[0.7], [1]]) * noise
    found = blind.separated(name, np.float32(images[0] + images[1]))
    assert found.shape == (2, RATE)
    before = si_snr_of_waves(images[0][0] + images[1][0], images[0][0])
    assert max(si_snr_of_waves(f, images[0][0]) for f in found) > before + 3


@pytest.mark.parametrize("name", ["FastMNMF (pyroomacoustics)", "ILRMA (pyroomacoustics)"])
def test_a_mixture_that_cannot_be_separated_is_told_with_the_method(name):
    pytest.importorskip("pyroomacoustics", reason=f"NO PYROOMACOUSTICS: {name} was not tried")
    expected = rf"{re.escape(name)}: no finite sources in a mixture of 2 channels and 1 s .*broadband sound .*expected"
    with pytest.raises(BadInput, match=expected):
        blind.separated(name, np.stack([hums(400, 1.0), 0.3 * hums(400, 1.0)]))


def singular(spectra):
    raise np.linalg.LinAlgError("Singular matrix")


@pytest.mark.parametrize(
    ("method", "told"), [(singular, "Singular matrix"), (lambda spectra: np.nan * spectra, "NaN or infinite samples")]
)
def test_whatever_keeps_a_blind_method_from_finite_sources_is_told(method, told, monkeypatch):
    monkeypatch.setitem(blind.METHODS, "ILRMA", method)
    with pytest.raises(BadInput, match=rf"ILRMA: no finite sources in a mixture of 2 channels and 0.5 s \({told}\)"):
        blind.separated("ILRMA", RNG.normal(size=(2, RATE // 2)).astype(np.float32))


def test_a_library_that_is_missing_is_told_with_the_command_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ssspy.bss.ilrma", None)
    with pytest.raises(BadInput, match=r"ssspy.bss.ilrma: not importable .*extra `separation`: pip install '.\[sep"):
        blind.separated("ILRMA", np.ones((2, RATE), np.float32))


def test_the_source_most_like_the_reference_is_taken():
    sources = np.stack([hums(400, 1.0), hums(2000, 1.0)])
    chosen = blind.most_similar(sources, lambda w: np.abs(np.fft.rfft(w))[:4000] / 1e3, hums(2000, 1.0))
    assert np.array_equal(chosen, sources[1])


# ---- the benchmark ---------------------------------------------------------------------------------------------------


def call(folders, out, *words):
    known = ["--machine", str(folders / "machine"), "--noise", str(folders / "noise")]
    small = ["--seconds", "1", "--train", "6", "--test", "4", "--ae-epochs", "1", "--ae-seeds", "1", "--no-timing"]
    student = ["training.epochs=1", "student.units=4", "segment=0.5"]
    sets = [word for text in student for word in ("--set", text)]
    rirs = ["--rirs", f"{folders / 'rirs.npz'}:hall", "--out", str(out)]
    return tool("separation_benchmark").main([*known, *small, *sets, *rirs, *words])


def test_the_tool_fills_its_tables_and_does_nothing_twice(folders, tmp_path, capsys):
    assert call(folders, tmp_path, "--methods", "none", "adasub", "ssd_adasub", "ssd_clean") == 0
    printed = capsys.readouterr().out
    assert "| No processing | - | 0.0 ± 0.0 |" in printed and "SCi against SI-SNRi, AdaSub only: Spearman" in printed
    (folder,) = (p for p in tmp_path.iterdir())
    assert {"table.md", "sci_adasub.png", "ssd_adasub.json"} <= {p.name for p in folder.iterdir()}
    before = (folder / "ssd_adasub.json").stat().st_mtime_ns
    assert call(folders, tmp_path, "--methods", "none", "adasub", "ssd_adasub", "ssd_clean") == 0
    assert (folder / "ssd_adasub.json").stat().st_mtime_ns == before and capsys.readouterr().out == printed


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
        (["--train", "0"], "--train 0: at least 1"),
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
    args = benchmark.parser().parse_args(["--machine", "fan", "--noise", "noise"])
    assert benchmark.options_of(args) == Options(Path("fan"), Path("noise"))
    more = ["--snr", "-5", "5", "--methods", "none", "dprnn", "--set", "clips=9", "--set", "segment=1", "--no-timing"]
    found = benchmark.options_of(benchmark.parser().parse_args(["--machine", "fan", "--noise", "noise", *more]))
    expected = Options(Path("fan"), Path("noise"), snr=(-5.0, 5.0), methods=("none", "dprnn"), timing=False)
    assert found == replace(expected, settings=("clips=9", "segment=1"))


def bench_of(folders, out, **options):
    known = {"machine": folders / "machine", "noise": folders / "noise", "rirs": str(folders / "rirs.npz"), "out": out}
    return open_bench(Options(**known, seconds=1.0, train=6, **options))


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
    responses = dict(np.load(copy / "rirs.npz"))
    np.savez(copy / "rirs.npz", **{**responses, "hall__machine": 0.5 * responses["hall__machine"]})
    found.append(bench_of(copy, tmp_path).folder)
    monkeypatch.setattr(records, "measured", other_code)
    found.append(bench_of(copy, tmp_path).folder)
    assert len(set(found)) == len(found) == 6


def other_code(bench, name):
    return {}


def test_the_autoencoder_is_trained_anew_on_other_outputs(folders, tmp_path):
    """As after deleting a method's files and changing what it gives."""
    bench = bench_of(folders, tmp_path, ae_seeds=1, ae_epochs=1)
    for gain in (1, 0):
        separator = Separator(lambda wave, gain=gain: wave[0] + gain * wave[1])
        quality.areas(bench, separator, [m.wave[0] for m in bench.test[:1] + bench.test[-1:]], np.array([0, 1]))
    assert len(list((bench.folder / "store" / "weights").iterdir())) == 2


def test_a_benchmark_that_was_killed_goes_on_where_it_stopped(folders, tmp_path, monkeypatch):
    few = ("training.epochs=2", "training.patience=0", "student.units=4", "segment=0.5")
    bench, epoch, trained = bench_of(folders, tmp_path, test=2, ae_seeds=0, settings=few), training._one_epoch, []

    def counted(*words):
        trained.append(words)
        return epoch(*words)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 1e9)  # write every checkpoint
    monkeypatch.setattr(training, "_one_epoch", counted)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(quality, "quality", killed)
        quality.measured(bench, "ssd_adasub")
    assert len(trained) == 2 and under_way(bench) == {"checkpoint.pt", "losses.csv", "targets.npz"}
    figures = quality.measured(bench, "ssd_adasub")
    assert len(trained) == 2 and len(figures["improvement"]) == 2 and figures["training_seconds"] > 0
    assert [path.suffix for path in (bench.folder / "store" / "ssd_adasub").iterdir()] == [".npz"]
    assert not under_way(bench)


def under_way(bench):
    """Names of the files that a killed benchmark would resume from."""
    return {path.name for path in (bench.folder / "store" / "scratch").rglob("*") if path.is_file()}


def test_the_autoencoders_go_on_where_they_stopped_too(folders, tmp_path, monkeypatch):
    bench, epoch, trained = bench_of(folders, tmp_path, test=2, ae_seeds=2, ae_epochs=2), training._one_epoch, []

    def dies_in_the_second_seed(*words):
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(words)
        return epoch(*words)

    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 1e9)  # write every checkpoint
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
    assert found == {"mixtures.snr": ([-10.0, 0.0], [0.0, 0.0]), "parts.peers.epochs": (40, 3)}


def test_times_are_kept_until_other_methods_are_asked_for(folders, tmp_path, monkeypatch):
    bench, measured = bench_of(folders, tmp_path, test=2), []
    monkeypatch.setattr(timing, "timing", lambda bench, name: measured.append(name) or (2.0, 1.0))
    for names in (["none", "adasub"], ["adasub", "none"], ["adasub"]):
        assert timing.timings(bench, names) == dict.fromkeys(names, timing.Times(2.0, 1.0))
    assert measured == ["none", "adasub", "adasub"]


@pytest.mark.parametrize("name", ["none", "ssd_paper"])
def test_a_method_is_timed_without_its_training(folders, tmp_path, name, monkeypatch):
    monkeypatch.setattr(timing, "ROUNDS", 1)
    bench = bench_of(folders, tmp_path, test=2, settings=("student.units=4",))
    assert timing.tiled(bench.test[0].wave, 25_000).shape == (2, 25_000)
    assert min(timing.timing(bench, name)) > 0 and torch.get_num_threads() == 1


def test_the_table_and_the_ratios_of_times():
    figures = {"mean": 3.21, "std": 0.5, "normal": 4.0, "anomaly": 2.42, "oracle": 6.0, "parameters": 1234}
    record = {name: np.array(figure) for name, figure in figures.items()} | {"auc": np.array([0.5, 0.7])}
    times = {"ilrma": timing.Times(2.0, 1.5), "ssd_adasub": timing.Times(0.1, 0.05)}
    shown = table({"ilrma": record, "ssd_paper": {"parameters": np.array(0)}}, times).splitlines()
    told = "3.2 ± 0.5 (oracle's choice 6.0) | 4.0 / 2.4 | 0.600 ± 0.100 | 2.000 | 1.500 | 0.2000 | 1,234 |"
    assert shown[2] == f"| ILRMA | blind | {told}"
    assert shown[3] == "| SSD, 256-128 bidirectional | time only | - | - | - | - | - | - | - |"
    assert ratios(times) == ["the student is 20 times faster than ILRMA (one core each)"]
    assert ratios({"ilrma": times["ilrma"]}) == []
