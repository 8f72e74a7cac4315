"""Spectral-to-spatial distillation, a front-end: a spectral teacher's output trains a small spatial student.

    Distilled.fit      training-normal waves (C, T) -> the student of one machine
    FittedDistilled    (C, T) -> (1, K, F), power of the student's output; `stream()` where the student is causal

Shoda et al., "Spectral-to-spatial distillation: denoising framework for real-time anomalous sound detection". The
student knows where the machine is, not what it sounds like, so an anomaly's new sound comes through.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from tqdm import tqdm

from asd import signal
from asd.clips import RATE
from asd.contracts import Arrays, Lasting, Pace, Power, Wave
from asd.epochs import Training
from asd.errors import BadInput, check, present
from asd.fingerprint import digest
from asd.frontends.channel import check_stft
from asd.frontends.distillation.embedders import Embedder, LogMelEmbedder, PercentileWeights, scis
from asd.frontends.distillation.reference import cleanest, read_reference
from asd.frontends.distillation.student import NarrowBandLSTM, NarrowBandNet, Stream, estimate, separate
from asd.frontends.distillation.teachers import AdaSubTeacher, Teacher
from asd.si_snr import EPS, si_snr
from asd.store import OnDemand, is_kept, opened_array, write_array
from asd.training import Loss, optimise, random_groups, rehearse

LEAST = 5  # training clips: fewer leave none to validate on
NO_BFLOAT16 = "float32, since LSTMs and complex spectra have no bfloat16 in PyTorch,"


@dataclass(frozen=True)
class DistillationSet:
    """What a student is trained on: waves, the teacher's targets, and the weight of each clip.

    A wave or target is read when a segment of it is needed.
    """

    waves: Sequence[Wave]  # (C, T) each
    targets: Sequence[np.ndarray]  # (T,) each
    sci: np.ndarray  # (N,)
    weights: np.ndarray  # (N,) float32, 0 to 1

    def shortest(self) -> int:
        """Samples of the shortest clip."""
        return min(map(len, self.targets))

    def segments(self, length: int) -> np.ndarray:
        """(n, 2) clip number and first sample of segments that cover every clip, overlapping where they must."""
        rows = []
        for i, target in enumerate(self.targets):
            starts = np.linspace(0, len(target) - length, -(-len(target) // length)).astype(int)
            rows += [(i, start) for start in starts]
        return np.array(rows)

    def loss(self, recipe: NarrowBandLSTM, chosen: np.ndarray, length: int, network: NarrowBandNet) -> torch.Tensor:
        """`-E{S[SCi] SI-SNR}` of segments (B, 2) -> (1,); silent targets do not count. Eq. (7)."""
        waves = np.stack([self.waves[i][:, s : s + length] for i, s in chosen])  # (B, C, L)
        targets = torch.from_numpy(np.stack([self.targets[i][s : s + length] for i, s in chosen]))  # (B, L)
        counts = torch.from_numpy(self.weights[chosen[:, 0]]) * (targets.square().sum(-1) > EPS)
        found = estimate(network, recipe, waves)
        return -(counts.to(found.device) * si_snr(found, targets.to(found.device))).mean()[None]


@dataclass(frozen=True)
class Distilled:
    """Teacher, student and training; the defaults need nothing pretrained."""

    needs_far: ClassVar = True

    teacher: Teacher = AdaSubTeacher()
    embedder: Embedder = LogMelEmbedder()
    weighting: PercentileWeights = PercentileWeights()
    student: NarrowBandLSTM = NarrowBandLSTM()
    training: Training = Training(
        epochs=40,  # at most; chosen: stopping comes earlier on most machines
        batch_size=2,  # segments; chosen: with many small steps it improves on the near channel the soonest
        learning_rate=3e-3,  # Adam; chosen: sec. IV-C has 1e-3; with it and batches of 4, 8 epochs reach 0.7 dB less
        validation_share=0.2,  # of the clips; sec. IV-C
        windows_per_epoch=128,  # segments drawn per epoch; chosen: 256 s of audio, so that validation comes often
        patience=6,  # epochs; chosen: the paper says "a set number"
        clip_norm=5.0,  # chosen: SI-SNR's gradient grows without bound near a perfect or a silent estimate
    )
    segment: float = 2.0  # s of a clip seen at once in training; chosen: many times a room's reverberation
    clips: int = 512  # training clips at most, evenly spread over them; the paper has 527
    reference: str = ""  # wav of the machine alone (16 kHz); empty: from supplemental/ or the cleanest training clip
    n_fft: int = 1024  # samples, of the power spectrogram that goes on to the features
    hop_length: int = 512  # samples

    def __post_init__(self) -> None:
        check_stft(self.n_fft, self.hop_length)
        for name, part, kind in (("teacher", self.teacher, Teacher), ("embedder", self.embedder, Embedder)):
            if not isinstance(part, kind):
                raise BadInput(f"{name} {type(part).__name__}: a {name} expected, see asd/frontends/distillation")
        check("training.precision", self.training.precision, self.training.precision == "float32", NO_BFLOAT16)
        if self.segment <= 0 or self.clips < LEAST:
            raise BadInput(f"segment {self.segment} s, clips {self.clips}: above 0 and at least {LEAST} expected")

    @property
    def statistics(self) -> Distilled:
        return self

    def files(self) -> tuple[Path, ...]:
        """What `fit` reads besides the clips; their content is part of what it learns."""
        what = "`reference` names a wav of the machine alone, or is left empty"
        own = (present(self.reference, what),) if self.reference else ()
        return (*own, *self.teacher.files(), *self.embedder.files())

    def fit(self, waves: Iterable[Wave]) -> FittedDistilled:
        """Without resuming and without clean recordings."""
        with tempfile.TemporaryDirectory() as folder:
            return self.fit_on(list(waves), (), Path(folder))

    def fit_on(
        self,
        waves: Sequence[Wave],
        clean: Iterable[Wave],
        scratch: Path,
        device: str = "cpu",
        lasting: Lasting | None = None,
    ) -> FittedDistilled:
        """Training-normal waves and clean-machine ones, read one by one; `scratch` as `asd.training.optimise` has it.

        Targets and embeddings lie in `lasting`, for other students, or for this fit alone in `scratch`.
        """
        chosen = self.chosen(waves)
        examples = self.examples(chosen, clean, lasting or (lambda part: scratch / type(part).__name__))
        length = min(int(self.segment * RATE), examples.shortest())
        segments = examples.segments(length)
        network, loss = self.student.build(len(chosen[0])), self.loss(examples, segments, length)
        split = random_groups(segments[:, 0], self.training)
        run = optimise(network, loss, split, self.training, [self.student.seed], device, scratch)
        return FittedDistilled(self, network.cpu().eval(), np.array(run.history), examples.sci)

    def rehearse(self, waves: Sequence[Wave], device: str) -> tuple[FittedDistilled, list[Pace]]:
        """An untrained student; the targets as an epoch of their own, as if none were kept, and its training."""
        chosen = self.chosen(waves)
        few = [chosen[i] for i in range(LEAST)]
        near = [wave[0] for wave in few]
        teach = self.teacher.open(few, near[0])
        self.embedder.embed(near[0])  # what is slow only once
        begun = time.monotonic()
        for heard in (teach(few[1]), near[1]):
            self.embedder.embed(heard)
        targets = Pace(1, len(chosen), len(chosen), len(chosen) * (time.monotonic() - begun))
        examples = DistillationSet(few, near, np.zeros(LEAST), np.ones(LEAST, np.float32))
        length = min(int(self.segment * RATE), examples.shortest())
        of_few = examples.segments(length)
        n = len(of_few) * len(chosen) // LEAST
        network, loss = self.student.build(len(few[0])), self.loss(examples, np.resize(of_few, (n, 2)), length)
        split = random_groups(np.arange(n) * len(chosen) // n, self.training)
        _, pace = rehearse(network, loss, split, self.training, [self.student.seed], device)
        return FittedDistilled(self, network.cpu().eval(), np.zeros((0, 3)), np.zeros(0)), [targets, pace]

    def chosen(self, waves: Sequence[Wave]) -> Sequence[Wave]:
        found = spread(waves, self.clips)
        if len(found) < LEAST:
            raise BadInput(f"{len(found)} training clips, at least {LEAST} expected to train a student on")
        return found

    def loss(self, examples: DistillationSet, segments: np.ndarray, length: int) -> Loss:
        """Of rows, which are numbers of segments (n, 2)."""

        def loss(net: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
            assert isinstance(net, NarrowBandNet)
            return examples.loss(self.student, segments[rows[0].cpu().numpy()], length, net)

        return loss

    def examples(self, waves: Sequence[Wave], clean: Iterable[Wave], lasting: Lasting) -> DistillationSet:
        """The waves with the teacher's targets and their weights."""
        reference = read_reference(Path(self.reference)) if self.reference else cleanest(waves, clean)
        targets = self.targets(waves, reference, lasting(self.teacher))
        embedder = Remembered(self.embedder, lasting(self.embedder))
        found = np.array(
            [
                scis(embedder, [(targets[i], waves[i][0])], reference)[0]
                for i in tqdm(range(len(waves)), "SCi", disable=None, unit="clip")
            ]
        )
        return DistillationSet(waves, targets, found, self.weighting.of(found))

    def targets(self, waves: Sequence[Wave], reference: np.ndarray, folder: Path) -> Sequence[np.ndarray]:
        """The teacher's output (T,) for each clip, made once: a file by what it depends on besides the teacher."""
        clips = [digest(wave.tobytes()) for wave in waves]
        learnt_from = clips if getattr(self.teacher, "learns", True) else ()
        common = digest(reference.tobytes(), *learnt_from)
        files = [folder / f"{digest(common, clip)}.npy" for clip in clips]
        missing = {file: i for i, file in enumerate(files) if not is_kept(file)}
        if missing:
            teach = self.teacher.open(waves, reference)
            for file, i in tqdm(missing.items(), "targets", disable=None, unit="clip"):
                write_array(file, teach(waves[i]))
        return OnDemand(len(files), lambda i: opened_array(files[i]))

    def restore(self, arrays: Arrays) -> FittedDistilled:
        weights = {k.removeprefix("student."): torch.from_numpy(a) for k, a in arrays.items() if k[:8] == "student."}
        network = self.student.build(weights["layers.0.weight_ih_l0"].shape[1] // 2)
        network.load_state_dict(weights)
        return FittedDistilled(self, network.eval(), arrays["history"], arrays["sci"])


@dataclass(frozen=True)
class Remembered:
    """An embedder whose embeddings lie in a folder, each made once."""

    embedder: Embedder
    folder: Path

    def files(self) -> tuple[Path, ...]:
        return self.embedder.files()

    def embed(self, wave: np.ndarray) -> np.ndarray:
        file = self.folder / f"{digest(np.ascontiguousarray(wave).tobytes())}.npy"
        if not is_kept(file):
            write_array(file, self.embedder.embed(wave))
        return np.array(opened_array(file))


def spread(waves: Sequence[Wave], most: int) -> Sequence[Wave]:
    """At most `most` of them, evenly spread and in their order."""
    if len(waves) <= most:
        return waves
    places = np.linspace(0, len(waves) - 1, most).astype(int)
    return OnDemand(most, lambda i: waves[places[i]])


@dataclass(frozen=True, eq=False)
class FittedDistilled:
    """A machine's student."""

    recipe: Distilled
    network: NarrowBandNet
    history: np.ndarray  # (epochs, 3) training loss, validation loss, seconds
    sci: np.ndarray  # (N,) semantic clarity improvement of the teacher's targets

    def arrays(self) -> Arrays:
        weights = {f"student.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        return {**weights, "history": self.history, "sci": self.sci}

    @property
    def n_parameters(self) -> int:
        return sum(p.numel() for p in self.network.parameters())

    def separate(self, wave: Wave, threads: int = 1) -> np.ndarray:
        """(C, T) -> (T,), the machine at the reference microphone, gain restored."""
        return restored_gain(separate(self.network, self.recipe.student, wave, threads), wave[0])

    def sound(self, wave: Wave) -> Wave:
        """(C, T) -> (1, T)"""
        return self.separate(wave)[None]

    def __call__(self, wave: Wave) -> Power:
        """(C, T) -> (1, K, F)"""
        return self.power(self.separate(wave))

    def power(self, separated: np.ndarray) -> Power:
        """(T,) -> (1, K, F)"""
        return signal.power(signal.stft(separated[None], self.recipe.n_fft, self.recipe.hop_length))

    # ---- streaming (asd.monitoring.Causal) -----------------------------------------------------------------------

    def stream(self) -> Stream | None:
        """A new recording for the causal part; None where the student needs whole clips."""
        return None if self.recipe.student.bidirectional else Stream(self.network, self.recipe.student)

    def of_window(self, wave: Wave, streamed: np.ndarray) -> Power:
        """A stretch of a recording (C, T) and of what the stream made of it (T,) -> (1, K, F)."""
        return self.power(restored_gain(streamed, wave[0]))


def restored_gain(found: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`found` times the gain that brings it nearest to the reference, by least squares; SI-SNR leaves it open."""
    energy = float(np.dot(found, found))
    gain = float(np.dot(found, reference)) / energy if energy > 0 else 0.0
    return np.float32(gain) * found
