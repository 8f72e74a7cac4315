"""Spectral-to-spatial distillation: the student's arithmetic, its training, the reference clip, and what SCi says."""

import multiprocessing
import shutil
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, tone_in_noise, write_clip

from asd import signal
from asd.contracts import Audible
from asd.epochs import Training
from asd.errors import BadInput
from asd.frontends import AdaSub, AdaSubTeacher, Distilled, LogMelEmbedder, NarrowBandLSTM
from asd.frontends.distillation import distilled, reference, student
from asd.frontends.distillation.embedders import PercentileWeights, scis, unit
from asd.programs.fitting import extract
from asd.programs.proving import prove_here
from asd.programs.writing import write
from asd.si_snr import si_snr
from asd.store import OnDemand, key_of

SMALL = NarrowBandLSTM(units=(8, 6))
QUICK = Training(epochs=2, batch_size=4, validation_share=0.25, patience=2, clip_norm=5.0)


def noisy(n=8, seconds=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return [tone_in_noise(rng, 400, seconds).astype(np.float32) for _ in range(n)]


def machine_alone(seconds=1.0):
    return (0.1 * np.sin(2 * np.pi * 400 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


# ---- the student ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [16_000, 15_873, 300])
def test_inverse_stft_brings_the_wave_back(n_samples):
    wave = noisy(1)[0][:1, :n_samples]
    spectra = torch.from_numpy(signal.stft(wave, 512, 256)[0].T)
    back = student.inverse_stft(spectra, 512, 256, n_samples).numpy()
    whole = n_samples // 256 * 256  # after it a frame is missing, and the wave fades out
    assert back.shape == (n_samples,)
    assert np.allclose(back[:whole], wave[0, :whole], atol=1e-6) and np.abs(back[whole:]).max(initial=0) < 0.3


@pytest.mark.parametrize("bidirectional", [False, True])
def test_training_and_inference_compute_the_same_in_chunks_and_threads(bidirectional):
    recipe = replace(SMALL, bidirectional=bidirectional)
    network, waves = recipe.build(2).eval(), np.stack(noisy(3))
    with torch.no_grad():
        together = student.estimate(network, recipe, waves).numpy()
    alone = [student.separate(network, recipe, wave) for wave in waves]
    assert np.allclose(together, alone, atol=1e-6)
    assert np.array_equal(alone[0], student.separate(network, recipe, waves[0], threads=2))


@pytest.mark.parametrize(
    "sizes", [[16_000], [1000] * 16, [1, 255, 256, 257, 3000, 10_000], [7000, 8873], [200], [10, 5]]
)
def test_a_stream_gives_what_the_whole_recording_gives(sizes):
    network, wave = SMALL.build(2).eval(), noisy(1)[0][:, : sum(sizes)]
    offline, stream = student.separate(network, SMALL, wave), student.Stream(network, SMALL)
    blocks = [stream.push(block) for block in np.split(wave, np.cumsum(sizes)[:-1], axis=1)]
    streamed = np.concatenate([*blocks, stream.finish()])
    assert streamed.shape == offline.shape
    assert np.abs(streamed - offline).max() < 1e-5 * max(1, np.abs(offline).max())


def test_a_stream_is_late_by_half_a_window_and_needs_a_causal_student():
    stream = student.Stream(SMALL.build(2).eval(), SMALL)
    assert len(stream.push(noisy(1)[0])) >= 16_000 - 512
    with pytest.raises(BadInput, match="only a unidirectional one can stream"):
        student.Stream(SMALL.build(2), replace(SMALL, bidirectional=True))


def test_loudness_does_not_matter_to_the_student():
    network, wave = SMALL.build(2).eval(), noisy(1)[0]
    once, louder = (student.separate(network, SMALL, gain * wave) for gain in (1, 64))
    assert np.allclose(64 * once, louder, rtol=1e-4, atol=1e-4 * np.abs(louder).max())


def test_a_causal_student_does_not_depend_on_the_future():
    network, wave = SMALL.build(2).eval(), noisy(1)[0]
    changed = wave.copy()
    changed[:, 8000:] = 0
    a, b = student.separate(network, SMALL, wave), student.separate(network, SMALL, changed)
    assert np.array_equal(a[: 8000 - 512], b[: 8000 - 512]) and not np.allclose(a[8000:], b[8000:])


def test_sizes_of_the_paper_and_of_the_default():
    def n_parameters(recipe):
        return sum(p.numel() for p in recipe.build(2).parameters())

    assert n_parameters(NarrowBandLSTM()) == 30_530
    assert n_parameters(NarrowBandLSTM(units=(256, 128), bidirectional=True)) == 1_194_498


@pytest.mark.parametrize("wrong", [{"units": ()}, {"units": (0,)}, {"memory": 0}, {"hop_length": 300}, {"n_fft": 511}])
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadInput, match="expected|needed"):
        replace(SMALL, **wrong)


# ---- loss and gain -------------------------------------------------------------------------------------------------


def test_si_snr_is_the_papers():
    rng = np.random.default_rng(0)
    target, found = rng.normal(size=(2, 1000))
    delta = found @ target / (target @ target)
    literal = 10 * np.log10(np.sum((delta * target) ** 2) / np.sum((delta * target - found) ** 2))
    ours = si_snr(torch.from_numpy(found), torch.from_numpy(target))
    assert float(ours) == pytest.approx(literal, abs=1e-6)
    assert float(si_snr(torch.from_numpy(-3 * found), torch.from_numpy(target))) == pytest.approx(literal)


def test_si_snr_agrees_with_torchmetrics():
    audio = pytest.importorskip("torchmetrics.functional.audio", reason="NO TORCHMETRICS: the oracle did not run")
    found, target = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 800)))
    theirs = audio.scale_invariant_signal_distortion_ratio(found, target, zero_mean=False)
    assert torch.allclose(si_snr(found, target), theirs, atol=1e-5)


def test_the_gain_comes_back():
    clean, noise = machine_alone(), np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    assert np.allclose(distilled.restored_gain(-7 * clean, clean + noise), clean, atol=2e-3)
    assert not distilled.restored_gain(0 * clean, clean).any()


def test_weights_run_from_0_to_1_between_the_percentiles():
    weights = PercentileWeights(10, 90).of(np.arange(11.0))
    assert weights.tolist() == pytest.approx([0, 0, *np.arange(1, 8) / 8, 1, 1])
    assert PercentileWeights().of(np.full(4, 0.3)).tolist() == [1] * 4
    with pytest.raises(BadInput, match="rising order"):
        PercentileWeights(95, 5)


def test_segments_cover_every_clip_and_silent_targets_do_not_count():
    waves = [np.zeros((2, n), np.float32) for n in (10, 25)]
    examples = distilled.DistillationSet(waves, [w[0] for w in waves], np.zeros(2), np.ones(2, np.float32))
    assert examples.segments(10).tolist() == [[0, 0], [1, 0], [1, 7], [1, 15]]
    longer = distilled.DistillationSet(noisy(2), [0 * w[0] for w in noisy(2)], np.zeros(2), np.ones(2, np.float32))
    assert longer.loss(SMALL, longer.segments(8000), 8000, SMALL.build(2)).item() == 0


def test_a_clip_counts_as_much_as_its_weight():
    waves, targets = noisy(2), [machine_alone(), 2 * machine_alone()]
    examples = distilled.DistillationSet(waves, targets, np.zeros(2), np.array([1, 0], np.float32))
    network = SMALL.build(2)
    found = student.estimate(network, SMALL, np.stack(waves))
    first, second = si_snr(found, torch.from_numpy(np.stack(targets))).tolist()
    loss = examples.loss(SMALL, examples.segments(RATE), RATE, network).item()
    assert loss == pytest.approx(-(1 * first + 0 * second) / 2, rel=1e-5) and abs(second) > 0.1


@dataclass(frozen=True)
class Records:
    """An embedder that keeps the waves it gets."""

    waves: list

    def files(self):
        return ()

    def embed(self, wave):
        self.waves.append(wave)
        return np.ones(1, np.float32)


def test_sci_compares_each_target_with_the_near_channel_it_came_from(tmp_path):
    waves, embedder = noisy(5), Records([])
    path = tmp_path / "alone.wav"
    soundfile.write(path, machine_alone(), RATE, subtype="FLOAT")
    recipe = Distilled(teacher=CleanTeacher(), embedder=embedder, reference=str(path))
    examples = recipe.examples(waves, (), lambda part: tmp_path / type(part).__name__)
    expected = [machine_alone(), *(wave for w in waves for wave in (hum(w), w[0]))]
    assert len(embedder.waves) == len(expected) == 11 and examples.weights.tolist() == [1] * 5
    assert all(np.array_equal(a, b) for a, b in zip(embedder.waves, expected, strict=True))


# ---- training ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanTeacher:
    """A teacher that knows the clean sound."""

    def files(self):
        return ()

    def open(self, waves, reference):
        return hum


def test_a_student_learns_to_take_the_noise_away():
    training = replace(QUICK, epochs=16, patience=0, learning_rate=1e-2)
    fitted = Distilled(teacher=CleanTeacher(), student=SMALL, training=training, segment=1).fit(noisy(12))
    wave = noisy(1, seed=9)[0]
    found, before, clean = (torch.from_numpy(x) for x in (fitted.separate(wave), wave[0], hum(wave)))
    assert si_snr(found, clean) > si_snr(before, clean) + 2
    assert np.allclose(fitted(wave), fitted.power(fitted.separate(wave)))
    assert isinstance(fitted, Audible) and np.array_equal(fitted.sound(wave), fitted.separate(wave)[None])


def hum(wave):
    """The machine in a `tone_in_noise`: its projection on the two quadratures of 400 Hz."""
    t = 2 * np.pi * 400 * np.arange(wave.shape[1]) / RATE
    basis = np.stack([np.sin(t), np.cos(t)])
    return (2 / len(t) * (basis @ wave[0]) @ basis).astype(np.float32)


class Killed(BaseException):
    pass


def test_a_killed_training_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    recipe = Distilled(student=SMALL, training=replace(QUICK, epochs=4, patience=3), segment=0.5)
    straight = recipe.fit(noisy()).arrays()
    validate, calls = distilled.estimate, []

    def dies(*words):
        calls.append(words)
        if len(calls) == 15:
            raise Killed
        return validate(*words)

    monkeypatch.setattr("asd.checkpoint.CHECKPOINT_SHARE", 1e9)  # write every checkpoint
    monkeypatch.setattr(distilled, "estimate", dies)
    with pytest.raises(Killed):
        recipe.fit_on(noisy(), (), tmp_path)
    assert (tmp_path / "checkpoint.pt").exists() and len(list((tmp_path / "AdaSubTeacher").iterdir())) == 8
    resumed = recipe.fit_on(noisy(), (), tmp_path).arrays()
    assert all(np.array_equal(straight[k], resumed[k]) for k in straight if k != "history")
    assert np.array_equal(straight["history"][:, :2], resumed["history"][:, :2])


@dataclass(frozen=True)
class Counting:
    """A teacher that says which clips it was asked for and may be killed."""

    asked: list
    deadly: int = 0  # the call in which it is killed; 0: none
    learns: ClassVar = False

    def files(self):
        return ()

    def open(self, waves, reference):
        def separate(wave):
            self.asked.append(wave)
            if len(self.asked) == self.deadly:
                raise Killed
            return hum(wave)

        return separate


def test_targets_are_made_once_whatever_is_killed_and_for_every_student(tmp_path):
    def targets(asked, waves, deadly=0, loudness=1, **numbers):
        recipe = Distilled(teacher=Counting(asked, deadly), **numbers)
        return recipe.targets(waves, loudness * machine_alone(), tmp_path)

    waves, asked = noisy(), [[] for _ in range(5)]
    with pytest.raises(Killed):
        targets(asked[0], waves, deadly=4)
    found = targets(asked[1], waves)
    assert [len(a) for a in asked[:2]] == [4, 5]  # the fourth again, and those after it
    assert all(np.array_equal(target, hum(wave)) for target, wave in zip(found, waves, strict=True))
    targets(asked[2], waves[::-1], student=NarrowBandLSTM(units=(4,)))
    targets(asked[3], [*waves, *noisy(1, seed=7)])  # another clip beside them
    targets(asked[4], waves, loudness=2)  # another reference
    assert [len(a) for a in asked[2:]] == [0, 1, 8]


def test_a_teacher_that_learns_from_the_clips_teaches_anew_where_they_differ(tmp_path):
    teacher = AdaSubTeacher()
    for waves, n_files in ((noisy(), 8), (noisy(), 8), (noisy(9), 17)):
        found = Distilled(teacher=teacher).targets(waves, machine_alone(), tmp_path)
        assert np.array_equal(found[0], teacher.open(waves, machine_alone())(waves[0]))
        assert len(list(tmp_path.iterdir())) == n_files


@dataclass(frozen=True)
class SlowTeacher:
    """As slow, beside a tiny training, as a large separator is beside a real one."""

    seconds: float = 0.03  # a clip

    def files(self):
        return ()

    def open(self, waves, reference):
        def separate(wave):
            time.sleep(self.seconds)
            return hum(wave)

        return separate


def with_slow_teacher(data_folder, results, **numbers):
    from test_contracts import opened

    chain = opened("ssd", data_folder, results).chains["ssd", "fan"]
    training = replace(chain.system.frontend.training, epochs=4)
    frontend = replace(chain.system.frontend, teacher=SlowTeacher(), training=training, **numbers)
    return replace(chain, system=replace(chain.system, frontend=frontend))


def fit_frontend(data_folder, results):
    _ = with_slow_teacher(data_folder, results).frontend


def run_for(seconds, *words):
    """`fit_frontend` in a process of its own, killed after so many seconds: (its exit code, seconds it took)."""
    process, begun = multiprocessing.get_context("fork").Process(target=fit_frontend, args=words), time.monotonic()
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode, time.monotonic() - begun


def test_killed_at_random_moments_it_ends_with_the_same_bytes(data_folder, tmp_path):
    fit_frontend(data_folder, tmp_path / "straight")  # in this process: its children need not import all that again
    _, whole = run_for(100, data_folder, tmp_path / "timed")
    moments = np.random.default_rng(0).uniform(0.1, 0.6, 2) * whole
    codes = [run_for(moment, data_folder, tmp_path / "killed")[0] for moment in moments]
    assert -9 in codes and run_for(100, data_folder, tmp_path / "killed")[0] == 0
    straight, killed = (with_slow_teacher(data_folder, tmp_path / name) for name in ("straight", "killed"))
    ours, theirs = straight.frontend.arrays(), killed.frontend.arrays()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours if name != "history")
    assert np.array_equal(ours["history"][:, :2], theirs["history"][:, :2])
    assert kept(tmp_path / "straight") == kept(tmp_path / "killed")


def kept(results):
    """Targets and embeddings of a run."""
    return {path.name: path.read_bytes() for path in (results / "store" / "targets").glob("*/[!.]*.npy")}


def test_a_second_student_of_the_store_takes_the_firsts_targets(data_folder, tmp_path):
    fit_frontend(data_folder, tmp_path)
    before = kept(tmp_path)
    _ = with_slow_teacher(data_folder, tmp_path, student=NarrowBandLSTM(units=(6,))).frontend
    assert kept(tmp_path) == before and len(before) == 3 * 18  # a target and two embeddings a clip


def test_no_more_than_a_few_clips_are_held(tmp_path):
    """A clip is read when it is asked for, and let go."""
    alive, most = [0], [0]

    class Clip(np.ndarray):
        def __del__(self):
            alive[0] -= self.base is None

    def read(i):
        wave = np.ndarray.__new__(Clip, (2, RATE), np.float32)
        wave[:] = noisy(1, seed=i)[0]
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return wave

    recipe = Distilled(student=SMALL, training=replace(QUICK, epochs=1), segment=0.5)
    recipe.fit_on(OnDemand(24, read), (), tmp_path)
    assert most[0] <= 8


def test_bfloat16_is_refused_by_name():
    with pytest.raises(BadInput, match="training.precision bfloat16: float32, since LSTMs"):
        Distilled(training=replace(QUICK, precision="bfloat16"))


def test_a_part_is_validated_on_as_large_as_the_one_trained_on_and_the_same_each_epoch(tmp_path, monkeypatch):
    seen, loss = [], distilled.DistillationSet.loss

    def noted(examples, recipe, chosen, length, network):
        seen.append((network.training, chosen))
        return loss(examples, recipe, chosen, length, network)

    monkeypatch.setattr(distilled.DistillationSet, "loss", noted)
    training = Training(epochs=3, batch_size=2, validation_share=0.25, windows_per_epoch=12, patience=3)
    Distilled(student=SMALL, training=training, segment=0.25).fit(noisy())
    trained, validated = ([rows for is_training, rows in seen if is_training is which] for which in (True, False))
    assert [sum(map(len, rows)) for rows in (trained, validated)] == [3 * 12, 3 * 4]  # of 24 and of 8 segments
    epochs = np.concatenate(validated).reshape(3, 4, 2)
    assert (epochs == epochs[0]).all() and not set(epochs[0][:, 0]) & set(np.concatenate(trained)[:, 0])


def test_a_student_from_its_arrays_gives_the_same_bits():
    recipe = Distilled(student=SMALL, training=replace(QUICK, epochs=1), segment=0.5)
    fitted, wave = recipe.fit(noisy()), noisy(1, seed=5)[0]
    again = recipe.restore(fitted.arrays())
    assert np.array_equal(again(wave), fitted(wave)) and again.n_parameters == fitted.n_parameters
    assert not again.network.training


def test_wrong_parts_and_too_few_clips_are_refused():
    with pytest.raises(BadInput, match="teacher AdaSub: a teacher expected"):
        Distilled(teacher=AdaSub())
    with pytest.raises(BadInput, match="3 training clips, at least 5"):
        Distilled(student=SMALL).fit(noisy(3))


def test_adasubs_target_is_its_sound_and_has_its_power():
    waves = noisy()
    target = AdaSubTeacher().open(waves, machine_alone())(waves[0])
    fitted = AdaSub().fit(waves)
    assert np.array_equal(target[None], fitted.sound(waves[0]))
    power = signal.power(signal.stft(target[None], 1024, 512)[0])
    assert np.corrcoef(np.log(power.mean(1) + 1e-9), np.log(fitted(waves[0])[0].mean(1) + 1e-9))[0, 1] > 0.98


# ---- the reference clip --------------------------------------------------------------------------------------------


def test_the_cleanest_clip_is_the_reference():
    waves = noisy(6)
    louder = waves[3] + np.stack([3 * machine_alone(), 0.9 * machine_alone()])
    assert np.array_equal(reference.cleanest([*waves, louder], []), louder[0])


def test_a_clean_recording_wins_and_noise_alone_and_one_channel_lose():
    waves, hum_alone = noisy(6), machine_alone()
    noise = np.random.default_rng(3).normal(0, 0.03, (2, RATE)).astype(np.float32)
    clean = np.stack([hum_alone, 0.3 * hum_alone]) + noise * np.float32(1e-3)
    assert np.array_equal(reference.cleanest(waves, [noise * [[1], [1.5]], hum_alone[None], clean]), clean[0])
    assert any(np.array_equal(reference.cleanest(waves, [noise * [[1], [1.5]]]), w[0]) for w in waves)


def test_a_reference_file_is_read_and_a_wrong_one_named(tmp_path):
    soundfile.write(tmp_path / "alone.wav", machine_alone(), RATE)
    assert np.allclose(reference.read_reference(tmp_path / "alone.wav"), machine_alone(), atol=1e-4)
    soundfile.write(tmp_path / "fast.wav", machine_alone(), 44_100)
    with pytest.raises(BadInput, match="fast.wav: 44100 Hz, 16000 expected"):
        reference.read_reference(tmp_path / "fast.wav")
    soundfile.write(tmp_path / "silent.wav", 0 * machine_alone(), RATE)
    with pytest.raises(BadInput, match="silent.wav: a silent reference"):
        reference.read_reference(tmp_path / "silent.wav")
    with pytest.raises(BadInput, match="gone.wav: no such file; `reference` names a wav"):
        _ = Distilled(reference=str(tmp_path / "gone.wav")).files()


def with_reference(chain, path):
    return replace(chain, system=replace(chain.system, frontend=replace(chain.system.frontend, reference=str(path))))


def frontend_key(chain):
    return key_of(chain.frontend_record)


def test_a_replaced_reference_or_another_library_gives_another_name_in_the_store(data_folder, tmp_path, monkeypatch):
    from test_contracts import opened

    chain, path = opened("ssd", data_folder, tmp_path / "results").chains["ssd", "fan"], tmp_path / "alone.wav"
    soundfile.write(path, machine_alone(), RATE)
    before = frontend_key(with_reference(chain, path))
    assert frontend_key(with_reference(chain, path)) == before
    soundfile.write(path, 0.5 * machine_alone(), RATE)
    replaced = frontend_key(with_reference(chain, path))
    monkeypatch.setattr("asd.training.THREADS", 3)
    assert len({before, replaced, frontend_key(with_reference(chain, path))}) == 3


def test_the_record_counts_the_students_training_and_no_medians_of_its_weights(data_folder, tmp_path):
    from test_contracts import opened

    session = opened("ssd", data_folder, tmp_path / "results")
    extract(session)
    fitted = session.fitted("ssd", session.machines[0])
    frontend, scorers = fitted.members[0].frontend, [member.scorer for member in fitted.members]
    record = fitted.record(noisy(1, seconds=2.0)[0])
    seconds = [float(part.history[:, 2].sum()) for part in (frontend, *scorers)]
    assert record["training_seconds"] == pytest.approx(sum(seconds), abs=1e-3) and seconds[0] > 0
    assert record["frontend_medians"] == {}


def test_a_further_supplemental_clip_gives_another_name_in_the_store(data_folder, tmp_path):
    from test_contracts import opened

    copy = tmp_path / "data"
    shutil.copytree(data_folder, copy)
    before = frontend_key(opened("ssd", copy, tmp_path / "a").chains["ssd", "fan"])
    write_clip(copy / "dev_data" / "raw" / "fan" / "supplemental" / "clean.wav", noisy(1)[0])
    assert frontend_key(opened("ssd", copy, tmp_path / "b").chains["ssd", "fan"]) != before


def test_scores_are_proven_where_clean_recordings_lie_beside_the_training_clips(data_folder, tmp_path):
    from test_contracts import opened

    from asd import store

    copy = tmp_path / "data"
    shutil.copytree(data_folder, copy)
    write_clip(copy / "dev_data" / "raw" / "fan" / "supplemental" / "clean.wav", noisy(1)[0])
    session = opened("ssd", copy, tmp_path / "results")
    extract(session)
    write(session, "ssd")
    left = [path for path in (tmp_path / "results" / "store" / "scratch").rglob("*") if path.is_file()]
    store.file_digest.cache_clear()  # as in the fresh process that proves
    prove_here(opened("ssd", copy, tmp_path / "results", may_train=False))
    assert not left


# ---- what SCi says -------------------------------------------------------------------------------------------------


def chirps(seconds=4.0):
    """A machine that is no steady hum: a tone that sweeps twice a second."""
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.1 * np.sin(2 * np.pi * (500 + 200 * (2 * t % 1)) * t) * (1 + np.sin(4 * np.pi * t))).astype(np.float32)


def scis_by_snr(embedder):
    machine, noise = chirps(), np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)
    mixture = machine + 3 * noise  # about -10 dB
    return scis(embedder, [(machine + gain * noise, mixture) for gain in (3, 1, 0.3, 0.1, 0)], machine)


def test_sci_of_the_default_embedder_rises_with_snr_and_ignores_level():
    found = scis_by_snr(LogMelEmbedder())
    assert found[0] == 0 and np.all(np.diff(found) > 0)
    assert LogMelEmbedder().embed(chirps()) == pytest.approx(LogMelEmbedder().embed(3 * chirps()), abs=0.02)


def test_sci_of_a_trained_embedding_rises_with_snr():
    """aiSFX: a 512-dimensional sound-effects embedding whose weights are in its wheel."""
    reason = "NO AISFX: SCi was not tried with a trained embedding (pip install --no-deps aisfx==0.1.2)"
    pytest.importorskip("aisfx", reason=reason)
    assert np.all(np.diff(scis_by_snr(SoundEffects())) > 0)


class SoundEffects:
    def files(self):
        return ()

    def __init__(self):
        import aisfx
        from aisfx.models.cnn2d import CrossNet, EmbeddingNet

        folder = list(aisfx.__path__)[0]
        weights, sets = torch.load(f"{folder}/models/checkpoint.pth", map_location="cpu", weights_only=False)
        self.net = CrossNet(EmbeddingNet("max", 3, 1, 64), sets, "cpu")
        self.net.load_state_dict(weights)
        self.net.eval()

    def embed(self, wave):
        import librosa

        up = librosa.resample(wave, orig_sr=RATE, target_sr=44_100, res_type="polyphase")
        words = {"n_mels": 96, "norm": 1.0, "htk": True, "hop_length": 1024, "n_fft": 2048}
        mel = librosa.feature.melspectrogram(y=up / np.abs(up).max(), sr=44_100, **words)
        blocks = [np.log10(mel[:, s : s + 100] * 10_000 + 1) for s in range(0, mel.shape[1] - 100, 50)]
        with torch.no_grad():
            vectors = self.net.get_embedding(torch.from_numpy(np.stack(blocks)).float())
        return unit(vectors.reshape(len(blocks), -1).mean(0).numpy())
