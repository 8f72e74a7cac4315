"""Rows about features, training and scoring by autoencoders, on one core."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

import systems
from asd import data, signal
from asd.clips import RATE, Clip
from asd.contracts import Arrays, Workplace
from asd.detectors import AutoEncoder
from asd.detectors.stacked import StackedLinear
from asd.detectors.vectors import Vectors
from asd.epochs import Training
from asd.features import LogMel
from asd.frontends import Near
from asd.programs.bench import plain
from asd.programs.bench.turns import Row, Size, core_seconds, in_turn
from asd.system import System
from asd.training import optimise, random_rows

SCORED = 20  # clips a round


def rows(size: Size) -> Iterator[Row]:
    torch.set_num_threads(1)
    yield features(size)
    yield training(size)
    yield memory(size)
    yield clip_scoring(size)
    for name in ("baseline_mse", "ae"):
        yield matmul_share(name)
    yield share_of_an_epoch("ae", ["ae"], size)
    yield share_of_an_epoch("adasub", ["adasub", "adasub_dm", "adasub_p95", "adasub_shrink", "s1", "s5"], size)
    yield growth(size)


def noise(n_clips: int, n_frames: int = 313) -> list[np.ndarray]:
    """Log-mels (F, M) of clips of 10 s."""
    rng = np.random.default_rng(0)
    return [rng.normal(-40, 10, (n_frames, 128)).astype(np.float32) for _ in range(n_clips)]


def waves(n_clips: int, seconds: float = 10.0) -> list[np.ndarray]:
    """(2, T) float32 each."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, (2, int(seconds * RATE))).astype(np.float32) for _ in range(n_clips)]


def our_log_mel(wave: np.ndarray) -> np.ndarray:
    return signal.log_mel(signal.power(signal.stft(wave[None], 1024, 512))[0], 128)


def features(size: Size) -> Row:
    clips = [wave[0] for wave in waves(20)]

    def theirs() -> list[np.ndarray]:
        return list(map(plain.log_mel, clips))

    def ours() -> list[np.ndarray]:
        return list(map(our_log_mel, clips))

    return in_turn("log-mels of 10 s against librosa", "clips/s", len(clips), theirs, ours, size.rounds)


def detector_of(name: str) -> AutoEncoder:
    system = systems.load(name)
    assert isinstance(system, System) and isinstance(system.detector, AutoEncoder)
    return system.detector


def epoch(detector: AutoEncoder, clips: list[np.ndarray], is_target: np.ndarray, folder: str) -> Arrays:
    """What an epoch trains."""
    once = replace(detector, training=replace(detector.training, epochs=1))
    return once.trainer.train(clips, is_target, Workplace((0,), "cpu", Path(folder)))[0]


def targets(n_clips: int) -> np.ndarray:
    return np.arange(n_clips) >= n_clips - max(4, n_clips // 100)


def training(size: Size) -> Row:
    clips = noise(size.clips)
    vectors, detector = np.concatenate([plain.stacked(clip.T) for clip in clips]), AutoEncoder()
    everything = replace(detector, training=replace(detector.training, validation_share=0.0))

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            epoch(everything, clips, targets(len(clips)), folder)

    steps = math.ceil(len(vectors) / 256)
    return in_turn(
        "training steps against the organisers' loop", "steps/s", steps, lambda: plain.epoch(vectors), ours, size.rounds
    )


def memory(size: Size) -> Row:
    clips = noise(size.clips)
    theirs = sum(plain.stacked(clip.T).nbytes for clip in clips)
    vectors = Vectors(clips, plain.CONTEXT)
    ours = sum(clip.nbytes for clip in clips) + vectors.starts.nbytes + vectors.clip.nbytes
    of_each = [f"{1000 * n / len(clips) / 1e6:.0f} MB" for n in (theirs, ours)]
    return Row("training features of 1,000 clips of 10 s", of_each[0], of_each[1], f"{theirs / ours:.1f}")


def clip_scoring(size: Size) -> Row:
    """A wav in, a score out; both with the same weights and precisions."""
    detector, clips, frontend, log_mel = detector_of("baseline_mahala"), noise(8), Near(), LogMel()
    with tempfile.TemporaryDirectory() as folder:
        trained = epoch(detector, clips, targets(len(clips)), folder)
        scorer = detector.fit_scorer(trained, 0, clips, targets(len(clips)))
        clip = Clip(Path(folder) / "clip.wav", "fan", "section_00")
        write(clip.path, waves(1, 6.0)[0])
        theirs = plain.holding(scorer.network.get_submodule("network"))
        precisions = [torch.from_numpy(scorer.fitted[f"precision_{d}"]) for d in ("source", "target")]

        def ours() -> list[float]:
            return [scorer.score(log_mel(frontend(data.read_wave(clip)))) for _ in range(SCORED)]

        def literal() -> list[float]:
            return [plain.mahala(clip.path, theirs, precisions) for _ in range(SCORED)]

        return in_turn("MAHALA, a wav of 6 s to its score", "clips/s", SCORED, literal, ours, size.rounds)


def write(path: Path, wave: np.ndarray) -> None:
    from asd.sound_files import write_sound

    write_sound(path, wave.T, RATE)


def matmul_share(name: str) -> Row:
    """A training step beside the matrix products of its layers alone, forward and backward."""
    trainer, vectors, steps = detector_of(name).trainer, Vectors(noise(8), plain.CONTEXT), 9
    network = trainer.build(640, (0,))
    layers = [m.weight[0].detach() for m in network.modules() if isinstance(m, StackedLinear)]
    inputs = [(torch.randn(256, w.shape[0]), torch.randn(256, w.shape[1]), w) for w in layers]

    def products() -> None:
        for x, g, w in inputs * steps:
            _ = x @ w, x.T @ g, g @ w.T

    def trained(epochs: int) -> None:
        numbers = Training(epochs=epochs, validation_share=0.0, windows_per_epoch=256 * steps)
        split, loss = random_rows(len(vectors), numbers), partial(trainer.loss, vectors)
        with tempfile.TemporaryDirectory() as folder:
            optimise(trainer.build(640, (0,)), loss, split, numbers, (0,), "cpu", Path(folder))

    products()
    matmuls = core_seconds(products) / steps
    once, thrice = (core_seconds(partial(trained, epochs)) for epochs in (1, 3))
    step = (thrice - once) / (2 * steps)  # setting up and checkpoints are no steps
    flops = sum(6 * 256 * w.numel() for w in layers)
    rates = [f"{flops / s / 1e9:.0f} GFLOP/s" for s in (matmuls, step)]
    return Row(f"{name}: a step against its matrix products alone", rates[0], rates[1], f"{matmuls / step:.2f}")


def share_of_an_epoch(training: str, names: list[str], size: Size) -> Row:
    """Fitting and scoring a seed of systems of one training, with a fifth as many test clips as training clips."""
    detectors = [detector_of(name) for name in names]
    clips, is_target = noise(size.clips), targets(size.clips)
    test = clips[: max(1, size.clips // 5)]
    kept: list[Arrays] = []
    with tempfile.TemporaryDirectory() as folder:
        seconds = core_seconds(lambda: kept.append(epoch(detectors[0], clips, is_target, folder)))

    def scoring() -> None:
        scorers = detectors[0].fit_scorers(detectors, kept[0], 0, clips, is_target)
        _ = [scorers[0].scores(scorers, clip) for clip in test]

    scored = core_seconds(scoring) / len(names)
    what = f"{training}: fitting and scoring a seed against its epoch" + f", each of {len(names)}" * (len(names) > 1)
    return Row(what, f"{seconds:.2f} s", f"{scored:.2f} s", f"{seconds / scored:.1f}")


def growth(size: Size) -> Row:
    """Time of an epoch, fit and scores of baseline_mahala by number of clips, as a power of it."""
    detector, counts = detector_of("baseline_mahala"), [size.clips // 2, size.clips, 2 * size.clips]

    def work(n: int) -> None:
        clips = noise(n)
        with tempfile.TemporaryDirectory() as folder:
            scorer = detector.fit_scorer(epoch(detector, clips, targets(n), folder), 0, clips, targets(n))
        _ = [scorer.score(clip) for clip in clips]

    work(counts[0])
    seconds = [core_seconds(partial(work, n)) for n in counts]
    exponent = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
    told = [f"{s:.2f} s for {n}" for s, n in zip(seconds, counts, strict=True)]
    return Row("baseline_mahala: time by number of clips", told[0], told[-1], f"exponent {exponent:.2f}")
