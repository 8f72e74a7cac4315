"""The simulator's contract: the challenge's names and layout, the same bytes for the same arguments, honest anonymity,
physics of the faults (measured on the pure models, away from rooms and noise), and refusals that touch nothing."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from conftest import tool
from scipy.signal import butter, hilbert, sosfiltfilt

from asd.clips import DOMAINS, RATE
from asd.simulation import clips as simulated
from asd.simulation import faults, fleets, machines, noises, rendering, rooms, scenes, signals, sized
from asd.simulation.clips import SIZES, SimulatedClip, Size
from asd.truth_list import read_truth_list

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "simulate.py"
NAME = re.compile(r"^section_00_(source|target)_(train|test)_(normal|anomaly)_(\d{4})_(.*)\.wav$")
FEW = ["--train", "3", "2", "--test", "2", "--seconds", "1.5"]

simulate = tool("simulate")
FLEET = {m.name: m for m in (*fleets.DEV, *fleets.EVAL)}
T = 4 * RATE  # samples of a pure-model test
Call = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dev")
    simulate.main([str(out), "--machines", "fan", "valve", *FEW])
    return out / "dev_data" / "raw"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs into one OUT: the truth file must gain the second machine, not lose the first."""
    out = tmp_path_factory.mktemp("eval")
    for name in ("injector", "blower"):
        simulate.main([str(out), "--eval", "--machines", name, *FEW])
    return out / "eval_data"


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def rejected(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        code = simulate.main(arguments)
    except SystemExit as stop:  # argparse's own
        code = stop.code
    assert code == 2
    return capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- layout
def test_names_and_counts(dev: Path) -> None:
    found = [NAME.match(p.name).groups()[:4] for p in dev.glob("fan/*/*.wav")]
    expected = [("source", "train", "normal", f"{i:04d}") for i in range(3)]
    expected += [("target", "train", "normal", f"{i:04d}") for i in range(2)]
    tests = [(d, "test", c, f"{i:04d}") for d in ("source", "target") for c in ("normal", "anomaly") for i in range(2)]
    assert sorted(found) == sorted(expected + tests)
    assert all(NAME.match(p.name).group(2) == p.parent.name for p in dev.glob("*/*/*.wav"))


def test_attributes_are_pairs_or_said_to_be_none(dev: Path) -> None:
    assert {NAME.match(p.name).group(5) for p in dev.glob("valve/*/*.wav")} == {"noAttribute"}
    for path in dev.glob("fan/*/*.wav"):
        assert re.fullmatch(r"speed_\d+_load_[1-4]_noise_[1-4]", NAME.match(path.name).group(5))


def test_attribute_table_says_what_the_names_say(dev: Path) -> None:
    header, *rows = csv.reader((dev / "fan" / "attributes_00.csv").read_text().splitlines())
    assert header == ["file_name", "d1p", "d1v", "d2p", "d2v", "d3p", "d3v"]
    assert {r[0] for r in rows} == {str(p.relative_to(dev)) for p in dev.glob("fan/*/*.wav")}
    assert all(r[0].endswith("_" + "_".join(r[1:]) + ".wav") for r in rows)
    assert (dev / "valve" / "attributes_00.csv").read_text().splitlines()[0] == "file_name"


def test_one_channel_is_the_near_one_of_two(dev: Path, tmp_path: Path) -> None:
    simulate.main([str(tmp_path), "--channels", "1", "--machines", "valve", *FEW])
    for path in dev.glob("valve/*/*.wav"):
        near, _ = sf.read(tmp_path / "dev_data" / "raw" / path.relative_to(dev), dtype="int16", always_2d=True)
        assert np.array_equal(near, sf.read(path, dtype="int16")[0][:, :1])


def test_format(dev: Path) -> None:
    for path in dev.glob("*/*/*.wav"):
        info = sf.info(path)
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (16000, 2, "PCM_16", 24000)


def test_clips_are_sound_and_differ(dev: Path) -> None:
    clips = [sf.read(p)[0] for p in sorted(dev.glob("*/*/*.wav"))]
    assert all(np.std(x[:, c]) > 0.005 and np.abs(x).max() < 1 for x in clips for c in (0, 1))
    near = np.stack([x[:, 0] / np.linalg.norm(x[:, 0]) for x in clips])
    assert np.abs(near @ near.T - np.eye(len(near))).max() < 0.8  # no two draws share their waveform


def test_same_arguments_same_bytes_whatever_the_order_of_machines(dev: Path, tmp_path: Path) -> None:
    simulate.main([str(tmp_path / "swapped"), "--machines", "valve", "fan", *FEW])
    simulate.main([str(tmp_path / "alone"), "--machines", "valve", *FEW])
    simulate.main([str(tmp_path / "reseeded"), "--machines", "valve", "--seed", "1", *FEW])
    assert content(tmp_path / "swapped" / "dev_data" / "raw") == content(dev)
    assert content(tmp_path / "alone" / "dev_data" / "raw" / "valve") == content(dev / "valve")
    reseeded = content(tmp_path / "reseeded" / "dev_data" / "raw" / "valve")
    assert not {v for k, v in reseeded.items() if k.endswith("wav")} & set(content(dev / "valve").values())


def test_sizes() -> None:
    assert SIZES["challenge"] == Size(990, 10, 50, 10.0)
    assert sized("tiny", (5, 1), None, None) == replace(SIZES["tiny"], source=5, target=1)
    assert sized("small", None, 0, 2.5) == replace(SIZES["small"], test=0, seconds=2.5)


def test_the_options_give_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []
    monkeypatch.setitem(simulate.simulation.WRITERS, "dev_data", lambda *arguments: rendered.append(arguments))
    simulate.main([str(tmp_path), "--size", "tiny", "--train", "5", "1", "--machines", "fan"])
    simulate.main([str(tmp_path), "--machines", "valve", "--seed", "3"])
    raw, tiny = tmp_path / "dev_data" / "raw", replace(SIZES["tiny"], source=5, target=1)
    assert rendered == [(raw, FLEET["fan"], tiny, 2026), (raw, FLEET["valve"], SIZES["small"], 3)]


def test_the_key_of_a_clips_streams_is_fixed() -> None:
    """Another key, or another order of draws, would give another data set for the same arguments."""
    clip = SimulatedClip("source", "test", "anomaly", 7)
    assert repr(clip) == "Clip(domain='source', split='test', condition='anomaly', number=7)"
    name = scenes.clip_name(FLEET["fan"], clip, 2026).file_name
    assert name == "section_00_source_test_anomaly_0007_speed_1740_load_2_noise_2.wav"
    assert scenes.draw_scene(FLEET["fan"], clip, 2026).snr_db == pytest.approx(-0.6362382354633418, abs=1e-12)


# ---------------------------------------------------------------------------------------------- evaluation set
def test_evaluation_clips_are_anonymous(evaluation: Path) -> None:
    for machine in ("blower", "injector"):
        names = sorted(p.name for p in (evaluation / "raw" / machine / "test").iterdir())
        assert names == [f"section_00_{n:04d}.wav" for n in range(8)]
        assert all(NAME.match(p.name) for p in (evaluation / "raw" / machine / "train").iterdir())
        assert "test" not in (evaluation / "raw" / machine / "attributes_00.csv").read_text()


def test_truth_is_complete_and_one_to_one(evaluation: Path) -> None:
    rows = list(csv.reader((evaluation / "eval_data_list.csv").read_text().splitlines()))
    assert [r[0] for r in rows if len(r) == 1] == ["blower", "injector"]  # the fleet's order, not that of the runs
    for start, machine in ((0, "blower"), (9, "injector")):
        block = rows[start + 1 : start + 9]
        assert sorted(r[0] for r in block) == [f"section_00_{n:04d}.wav" for n in range(8)]
        clips = scenes.named(FLEET[machine], simulated.test_clips(Size(test=2)), 2026)
        assert sorted(r[1] for r in block) == sorted(Path(name).name for name in clips)


def test_truth_is_true(evaluation: Path) -> None:
    m, clips = FLEET["blower"], simulated.test_clips(Size(test=2))
    by_name = {scenes.clip_name(m, c, 2026).file_name: c for c in clips}
    by_domain = {d: rooms.responses(m, d, 2026) for d in DOMAINS}
    for anonymous, name in read_truth_list(evaluation / "eval_data_list.csv")["blower"].items():
        clip = by_name[name]
        written, _ = sf.read(evaluation / "raw" / "blower" / "test" / anonymous, dtype="int16")
        np.testing.assert_array_equal(written, rendering.render(m, clip, by_domain[clip.domain], 24000, 2026))


def test_order_tells_nothing() -> None:
    clips = simulated.test_clips(Size(test=50))
    for m in fleets.EVAL:
        labels = [c.condition == "anomaly" for c in scenes.anonymous(m, clips, 2026).values()]
        assert sum(labels) == 100
        assert abs(np.corrcoef(labels, np.arange(200))[0, 1]) < 0.2  # 2.8 standard errors
        assert abs(np.corrcoef(labels[1:], labels[:-1])[0, 1]) < 0.25


def test_level_tells_nothing() -> None:
    m = FLEET["injector"]
    drawn = {c: [scenes.draw_scene(m, SimulatedClip("source", "test", c, i), 0).level_db for i in range(600)]
             for c in ("normal", "anomaly")}  # fmt: skip
    assert abs(np.mean(drawn["normal"]) - np.mean(drawn["anomaly"])) < 0.25  # 3.7 standard errors
    room = rooms.responses(m, "source", 0)
    for condition, levels in drawn.items():
        wave = rendering.render(m, SimulatedClip("source", "test", condition, 1), room, T, 0) / 32767
        assert 20 * np.log10(np.std(wave[:, 0])) == pytest.approx(levels[1], abs=0.05)


def test_dev_and_eval_fleets_are_disjoint() -> None:
    assert not {m.name for m in fleets.DEV} & {m.name for m in fleets.EVAL}
    assert {type(m) for m in fleets.DEV} == {type(m) for m in fleets.EVAL}


def test_train_and_test_normals_are_drawn_alike() -> None:
    drawn = {s: [scenes.draw_scene(FLEET["fan"], SimulatedClip("source", s, "normal", i), 0) for i in range(800)]
              for s in ("train", "test")}  # fmt: skip
    pairs = [{(s.speed, s.load, s.kinds[0], s.fault) for s in drawn[split]} for split in ("train", "test")]
    assert pairs[0] == pairs[1] and len(pairs[0]) == 8
    snr = [np.mean([s.snr_db for s in drawn[split]]) for split in ("train", "test")]
    assert abs(snr[0] - snr[1]) < 0.35 and snr[0] != snr[1]  # 4 standard errors; equal would be one draw twice


# ---------------------------------------------------------------------------------------------- microphones
@pytest.mark.parametrize("m", FLEET.values(), ids=FLEET)
def test_machine_is_near_and_noise_is_everywhere(m: machines.Machine) -> None:
    for domain in DOMAINS:
        room = rooms.responses(m, domain, 2026)
        assert room.shape == (1 + rooms.PLACES, 2, rooms.RESPONSE)
        near_over_far = 10 * np.log10((room**2).sum(-1))
        near_over_far = near_over_far[:, 0] - near_over_far[:, 1]  # (1 + PLACES,) dB
        assert near_over_far[0] > 8
        assert np.all(near_over_far[1:] < 1)


def test_a_clip_begins_amid_the_reverberation() -> None:
    m = FLEET["blower"]
    clip, room = SimulatedClip("source", "test", "normal", 0), rooms.responses(m, "source", 0)
    far = rendering.mixture(m, clip, room, T, 0)[0][1]
    assert signals.rms(far[:80]) > 0.3 * signals.rms(far)  # sound needs 12 ms, 190 samples, to the far microphone


@pytest.mark.parametrize(("condition", "louder"), [("normal", 0.0), ("anomaly", 20.0)])
def test_snr_is_that_of_the_healthy_machine(condition: str, louder: float) -> None:
    """A fault 20 dB above its machine lifts the mixture's SNR by 20 dB: it must not turn the noise up as well."""
    m, clip = replace(FLEET["slider"], faults={"friction": (20.0, 20.0)}), SimulatedClip("target", "test", condition, 0)
    room, scene = rooms.responses(m, "target", 0), scenes.draw_scene(m, clip, 0)
    machine, noise = rendering.mixture(m, clip, room, T, 0)
    found = 20 * np.log10(signals.rms(machine[0]) / signals.rms(noise[0]))
    assert found == pytest.approx(scene.snr_db + louder, abs=3.0 if louder else 1e-4)  # the room colours the fault
    assert m.target.snr_db[0] <= scene.snr_db <= m.target.snr_db[1]


# ---------------------------------------------------------------------------------------------- pure models
def steady(m: machines.Machine) -> machines.Motion:
    """A clip's motion at the first source speed, without jitter."""
    return machines.motion_at(m.source.speeds[0], 0.5, 0.0, T, np.random.default_rng(0))


def sick(m: machines.Machine, fault: str, severity: float) -> tuple[np.ndarray, np.ndarray]:
    """(T,) healthy and (T,) faulty sound of the same motion."""
    motion = steady(m)
    x = machines.healthy(m, motion, np.random.default_rng(1))
    return x, faults.FAULTS[fault](x, m, motion, severity, np.random.default_rng(2))


def band_power(x: np.ndarray, low: float, high: float) -> float:
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    return float((np.abs(np.fft.rfft(x)) ** 2)[(f >= low) & (f < high)].sum())


def envelope_spectrum(x: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and modulation amplitude of the band low..high, relative to its mean envelope."""
    envelope = np.abs(hilbert(sosfiltfilt(butter(4, (low, high), "bandpass", fs=RATE, output="sos"), x)))
    return np.fft.rfftfreq(len(x), 1 / RATE), 2 * np.abs(np.fft.rfft(envelope)) / envelope.sum()


def modulation_at(x: np.ndarray, hz: float, band: tuple[float, float]) -> float:
    f, spectrum = envelope_spectrum(x, *band)
    return float(spectrum[np.abs(f - hz) < 0.6].max())


@pytest.mark.parametrize("m", FLEET.values(), ids=FLEET)
def test_healthy_sound_follows_the_speed(m: machines.Machine) -> None:
    """The line spectrum (or the cycle) of each family is where its kinematics put it."""
    x, rate = sick(m, "no_fault", 1.0)[0], m.source.speeds[0] / 60
    assert signals.rms(x) == pytest.approx(1.0)
    if isinstance(m, machines.SlideRail | machines.Valve):
        strokes = rate * (2 if isinstance(m, machines.SlideRail) else 1)
        f, spectrum = envelope_spectrum(x, 300.0, 6000.0)
        peak = f[5 + np.argmax(spectrum[5:])]
        assert peak / strokes == pytest.approx(round(peak / strokes), abs=0.13 / strokes)  # a bin is 0.25 Hz
    else:
        teeth = m.blades if isinstance(m, machines.Fan) else m.teeth
        line = teeth * rate
        assert band_power(x, line - 2, line + 2) > 20 * band_power(x, line + 6, line + 10)


@pytest.mark.parametrize(("machine", "fault"), [(m.name, f) for m in FLEET.values() for f in m.faults])
def test_severity_is_the_level_of_the_fault(machine: str, fault: str) -> None:
    (x, mild), (_, bad) = sick(FLEET[machine], fault, 0.1), sick(FLEET[machine], fault, 0.4)
    assert signals.rms(bad - x) == pytest.approx(4 * signals.rms(mild - x), rel=1e-3)
    assert 0.25 < signals.rms(bad - x) < 0.6


def test_every_fault_is_used_and_every_anomaly_has_its_own_severity() -> None:
    assert {f for m in FLEET.values() for f in m.faults} | {"no_fault"} == set(faults.FAULTS)
    drawn = [scenes.draw_scene(FLEET["fan"], SimulatedClip("source", "test", "anomaly", i), 0) for i in range(50)]
    assert {s.fault for s in drawn} == {"imbalance", "bearing"}
    assert len({s.severity_db for s in drawn}) == 50
    for s in drawn:
        assert FLEET["fan"].faults[s.fault][0] <= s.severity_db <= FLEET["fan"].faults[s.fault][1]


def test_no_fault_is_none() -> None:
    x, same = sick(FLEET["fan"], "no_fault", 1.0)
    assert same is x or np.array_equal(same, x)


@pytest.mark.parametrize("machine", ["fan", "blower"])
def test_imbalance_beats_once_a_turn(machine: str) -> None:
    m = FLEET[machine]
    x, y = sick(m, "imbalance", 0.5)
    shaft = m.source.speeds[0] / 60
    assert modulation_at(y, shaft, (500, 4000)) == pytest.approx(0.5, abs=0.1)
    assert modulation_at(x, shaft, (500, 4000)) < 0.1
    assert band_power(y, shaft - 1, shaft + 1) > 100 * band_power(x, shaft - 1, shaft + 1)


@pytest.mark.parametrize("machine", ["gearbox", "mixer"])
def test_broken_tooth_strikes_once_a_turn(machine: str) -> None:
    m = FLEET[machine]
    x, y = sick(m, "broken_tooth", 1.0)
    envelope = np.abs(hilbert(y - x))
    turns = steady(m).turns
    strikes = np.array([np.argmax(np.where(np.floor(turns) == k, envelope, 0)) for k in range(2, int(turns[-1]) - 1)])
    period = RATE * 60 / m.source.speeds[0]  # samples
    assert np.allclose(np.diff(strikes), period, atol=3)
    assert np.median(envelope) < 0.1 * np.median(envelope[strikes])
    f = np.fft.rfftfreq(T, 1 / RATE)
    spectrum = np.convolve(np.abs(np.fft.rfft(y - x)) ** 2, np.ones(400), mode="same")  # 100 Hz wide
    assert f[np.argmax(spectrum)] == pytest.approx(m.casing_hz, rel=0.05)


@pytest.mark.parametrize("machine", ["fan", "gearbox", "blower", "mixer"])
def test_bearing_rings_at_the_ball_pass_rate_with_slip(machine: str) -> None:
    m = FLEET[machine]
    x, y = sick(m, "bearing", 1.0)
    ring, rate = m.bearing.ring_hz, m.bearing.order * m.source.speeds[0] / 60
    f, spectrum = envelope_spectrum(y - x, ring - 800, ring + 800)
    usual = (f > 0.7 * rate) & (f < 1.4 * rate)
    assert f[usual][np.argmax(spectrum[usual])] == pytest.approx(rate, rel=0.01)
    assert modulation_at(y, rate, (ring - 800, ring + 800)) > 3 * modulation_at(x, rate, (ring - 800, ring + 800))
    without_slip = faults.impacts(steady(m).turns, replace(m.bearing, slip=0.0), np.random.default_rng(2))
    sharp = modulation_at(without_slip, 8 * rate, (ring - 800, ring + 800))
    assert modulation_at(y - x, 8 * rate, (ring - 800, ring + 800)) < 0.7 * sharp  # slip smears the high harmonics


@pytest.mark.parametrize("fault", ["friction", "pitted_screw"])
@pytest.mark.parametrize("machine", ["slider", "printer"])
def test_rail_faults_are_silent_at_rest(machine: str, fault: str) -> None:
    m = FLEET[machine]
    x, y = sick(m, fault, 1.0)
    v = machines.velocity(m, steady(m))
    at_rest = np.convolve(v, np.ones(400), mode="full")[: len(v)] == 0  # 25 ms after the stop, when rings have died
    assert at_rest.sum() > 0.02 * T
    assert signals.rms((y - x)[at_rest]) < 0.02 * signals.rms((y - x)[v == 1])


def test_friction_squeals_at_the_stick_slip_pitch() -> None:
    m = FLEET["slider"]
    x, y = sick(m, "friction", 1.0)
    beside = band_power(y - x, m.squeal_hz + 300, m.squeal_hz + 500)
    assert band_power(y - x, m.squeal_hz - 100, m.squeal_hz + 100) > 3 * beside


@pytest.mark.parametrize("machine", ["valve", "injector"])
def test_leak_raises_the_high_band_also_while_closed(machine: str) -> None:
    m = FLEET[machine]
    x, y = sick(m, "leak", 0.5)
    assert band_power(y, *m.leak_hz) > 5 * band_power(x, *m.leak_hz)
    assert band_power(y, 300, 2000) < 1.1 * band_power(x, 300, 2000)
    closed = np.mod(steady(m).turns, 1.0) > m.open_share + 0.2
    assert signals.rms(y[closed]) > 5 * signals.rms(x[closed])


def test_leak_grows_with_the_root_of_the_pressure() -> None:
    m, x = FLEET["valve"], np.zeros(T)
    low, high = (replace(steady(m), load=load) for load in (0.25, 1.0))
    hiss = [signals.rms(faults.leak(x, m, motion, 1.0, np.random.default_rng(0))) for motion in (low, high)]
    assert hiss[1] == pytest.approx(2 * hiss[0], rel=1e-6)


def test_bounce_follows_each_closing() -> None:
    m = FLEET["valve"]
    x, y = sick(m, "bounce", 1.0)
    _, closes = machines.valve_clicks(m, steady(m))
    rebounds = y - x
    for close in closes[closes < T - 4000]:
        assert signals.rms(rebounds[close - 2000 : close + int(0.7 * m.bounce_s * RATE)]) < 1e-3
        assert signals.rms(rebounds[close + int(0.8 * m.bounce_s * RATE) :][:2000]) > 1


# ---------------------------------------------------------------------------------------------- signal oracles
def test_rings_are_the_literal_sum() -> None:
    at, amplitude, t = np.array([10, 300, 350, 900]), np.array([1.0, -0.5, 2.0, 1.0]), np.arange(800) / RATE
    literal = np.zeros(800)
    for i, a in zip(at[:3], amplitude, strict=False):  # the strike at 900 is past the end
        lag = np.maximum(t - i / RATE, 0)
        literal += a * np.exp(-lag / 0.004) * np.sin(2 * np.pi * 1000 * lag)
    np.testing.assert_allclose(signals.rings(at, amplitude, 1000.0, 0.004, 800), literal, atol=1e-3)


def test_tones_are_the_literal_sum() -> None:
    phase = np.cumsum(np.random.default_rng(0).uniform(0, 0.1, 5000))
    shifts = np.random.default_rng(3).uniform(0, 2 * np.pi, 4)
    literal = sum(np.cos(2 * np.pi * h * phase + shifts[h - 1]) / h for h in range(1, 5))
    np.testing.assert_allclose(signals.tones(phase, 4, np.random.default_rng(3)), literal, atol=1e-9)


def test_noise_keeps_its_band_and_tilt() -> None:
    x = signals.noise(16 * T, np.random.default_rng(0), (500.0, 4000.0), -6.0)
    assert signals.rms(x) == pytest.approx(1.0, rel=1e-4)
    octaves = [band_power(x, f, 2 * f) / f for f in (700.0, 1400.0)]
    assert 10 * np.log10(octaves[1] / octaves[0]) == pytest.approx(-6.0, abs=1.0)
    assert band_power(x, 20, 100) < 0.01 * band_power(x, 500, 1000)


@pytest.mark.parametrize("kind", noises.NOISES)
def test_factory_noises_are_of_their_kind(kind: str) -> None:
    x = np.stack([noises.NOISES[kind](T, np.random.default_rng(i)) for i in range(4)])
    low = np.mean([band_power(row, 20, 200) / band_power(row, 20, 8000) for row in x])
    frames = np.log(np.square(x).reshape(4, -1, 800).mean(-1))  # (4, F) log power of 50 ms
    expected = {"hum": (low > 0.5, frames.std() < 0.7), "clatter": (low < 0.5, frames.std() > 0.4),
                "airgun": (low < 0.5, frames.std() > 0.4), "babble": (low < 0.5, frames.std() > 0.4)}  # fmt: skip
    assert all(expected[kind]), (low, frames.std())


# ---------------------------------------------------------------------------------------------- refusals
def test_unknown_machine_is_refused_by_the_script_itself(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "out"), "--machines", "fan", "gearbux"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "dev_data: no machine 'gearbux', did you mean 'gearbox'? (there: fan, gearbox, slider, valve)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_machines_are_rendered_once_in_the_order_of_the_fleet() -> None:
    assert [m.name for m in fleets.pick(["valve", "fan", "valve"], "dev_data")] == ["fan", "valve"]


def test_machine_of_the_other_split_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = rejected([str(tmp_path), "--machines", "blower"], capsys)
    assert "blower is a machine of eval_data (see --eval)" in message


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--train", "-1", "2"], "--train SOURCE: -1 found, 1 to 9999 allowed"),
        (["--train", "3", "-2"], "--train TARGET: -2 found, 0 to 9999 allowed"),
        (["--test", "-4"], "--test: -4 found, 0 to 2500 allowed"),
        (["--seconds", "-1"], "--seconds: -1.0 found, 1 to 60 allowed"),
        (["--seconds", "nan"], "--seconds: nan found, 1 to 60 allowed"),
        (["--channels", "3"], "--channels: 3 found, 1 to 2 allowed"),
    ],
)
def test_bad_sizes_are_refused(
    option: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in rejected([str(tmp_path / "out"), *option], capsys)
    assert not (tmp_path / "out").exists()


def test_existing_machine_is_refused_and_left_alone(dev: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, out = content(dev), str(dev.parents[1])
    message = rejected([out, "--machines", "gearbox", "fan", *FEW, "--seed", "3"], capsys)
    assert f"{dev / 'fan'} found" in message and "take another OUT" in message
    assert content(dev) == before  # not even gearbox, which was free, has been begun


@pytest.mark.parametrize("options", [["--machines", "fan"], ["--eval", "--machines", "mixer"]], ids=["dev", "eval"])
def test_nothing_half_written(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write, calls = sf.write, []

    def full_disk(path: Path, *rest: object, **options: object) -> None:
        calls.append(path)
        if len(calls) > 4:
            raise OSError("no space left on device")
        write(path, *rest, **options)

    monkeypatch.setattr(sf, "write", full_disk)
    assert "no space left" in rejected([str(tmp_path), *options, *FEW], capsys)
    assert calls and not content(tmp_path)


def test_a_foreign_truth_file_is_refused_before_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "eval_data").mkdir()
    (tmp_path / "eval_data" / "eval_data_list.csv").write_text("a,b,c\n")
    assert "eval_data_list.csv:1: 'a,b,c', expected a machine or" in rejected([str(tmp_path), "--eval"], capsys)
    assert not (tmp_path / "eval_data" / "raw").exists()
