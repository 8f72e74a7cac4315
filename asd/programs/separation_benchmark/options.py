"""What the user of the benchmark decides, checked before work begins, and the recipes that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.detectors import AutoEncoder
from asd.epochs import Training
from asd.errors import BadInput
from asd.frontends import AisfxEmbedder, AudioSepTeacher, ClapEmbedder, Distilled, LogMelEmbedder
from asd.frontends.distillation.embedders import Embedder
from asd.frontends.distillation.teachers import Teacher
from asd.programs.separation_benchmark.presets import STUDENTS
from asd.separation.mixtures import Mixing
from asd.separation.peers import SIZES
from asd.settings import assignment, resolve

SHORTEST = 0.5  # s of a mixture; chosen: some windows of the autoencoder's and the blind methods' spectra
EMBEDDERS = ("logmel", "aisfx", "clap")


@dataclass(frozen=True)
class Options:
    """Named as the tool's options, which errors name; the defaults are the paper's. Raises BadInput."""

    machine: Path  # recordings of the machine alone
    noise: Path  # recordings of noise alone, or a folder of them for each class
    rirs: str = ""  # impulse responses, FILE.npz:ROOM, dEchorate's FILE.h5:ROOM/ARRAY/SOURCES or a folder; or simulated
    microphones: int = 5  # of the simulated room
    seconds: float = 10.0  # of a mixture
    snr: tuple[float, float] = (-10.0, 0.0)  # dB, drawn evenly from one to the other
    self_noise: float = -np.inf  # dB of a mixture, each microphone's own; -inf: none
    level: tuple[float, ...] = ()  # dB of full scale that mixtures are brought to, FROM TO; empty: as they come
    train: int = 528  # normal stretches to train on: the reference clip, and the others mixed with noise
    test: int = 528  # mixtures to test on, half of them anomalous
    peers_train: int = 256  # mixtures of other recordings, with their clean sound, for the supervised peers
    seed: int = 0  # of the mixtures
    methods: tuple[str, ...] = ()  # empty: all there is material for
    student: str = "cited"  # cited | small
    peers: str = "paper"  # size of the supervised peers: paper | small
    peer_epochs: int = 100  # at most
    peer_segments: int = 0  # of 2 s drawn an epoch; 0: all
    ae_epochs: int = 100  # of the autoencoder; the organisers' baseline
    ae_seeds: int = 3  # 0: no ROC-AUC
    embedders: tuple[str, ...] = ()  # whose SCi is compared; the first weights. Empty: clap if given, or logmel
    audiosep: str = ""  # AudioSep checkpoint
    clap: str = ""  # CLAP checkpoint; empty: the one inside AudioSep's
    text: str = ""  # what AudioSep is asked for, or a .npy of its embedding (512,)
    tokenizer: str = ""  # folder of RoBERTa's vocab.json and merges.txt, for a text
    settings: tuple[str, ...] = ()  # part.field=value of the distilled front-end
    map: str = "pca"  # of features, figure 6: pca | tsne | umap
    timing: bool = True  # Table II too
    out: Path = Path("results/separation")

    def __post_init__(self) -> None:
        unknown = [name for name in self.embedders if name not in EMBEDDERS]
        wrong = {
            f"--test {self.test}: at least 2 expected, a normal mixture and an anomalous one": self.test < 2,
            f"--train {self.train}: at least 2 expected, a reference and a mixture": self.train < 2,
            f"--peers-train {self.peers_train}: at least 1 mixture expected": self.peers_train < 1,
            f"--seconds {self.seconds:g}: at least {SHORTEST} s expected": not self.seconds >= SHORTEST,
            f"--snr {self.snr[0]:g} {self.snr[1]:g}: FROM <= TO expected (exchanged?)": not self.snr[0] <= self.snr[1],
            f"--level {self.level}: FROM <= TO expected (exchanged?)": list(self.level) != sorted(self.level),
            f"--microphones {self.microphones}: at least 1 expected": self.microphones < 1,
            f"--seed {self.seed}, --ae-seeds {self.ae_seeds}: 0 or more expected": min(self.seed, self.ae_seeds) < 0,
            f"--embedders {unknown}: of {', '.join(EMBEDDERS)} expected": bool(unknown),
            f"--student {self.student}: of {', '.join(STUDENTS)} expected": self.student not in STUDENTS,
            f"--peers {self.peers}: of {', '.join(SIZES)} expected": self.peers not in SIZES,
            "--embedders clap: --clap or --audiosep expected": "clap" in self.embedders and not self._clap,
            f"--text '{self.text}': --tokenizer FOLDER expected, or a .npy of the text's embedding": self._lacks_words,
        }
        if any(wrong.values()):
            raise BadInput("; ".join(what for what, is_wrong in wrong.items() if is_wrong))

    @property
    def _clap(self) -> str:
        return self.clap or self.audiosep

    @property
    def _lacks_words(self) -> bool:
        return bool(self.text) and not self.text.endswith(".npy") and not self.tokenizer

    @property
    def mixing(self) -> Mixing:
        return Mixing(self.seconds, self.snr, self.self_noise, self.level)

    @property
    def heard_by(self) -> dict[str, Embedder]:
        """Embedders by name; the first weights the targets and chooses blind sources."""
        known: dict[str, Embedder] = {
            "logmel": LogMelEmbedder(),
            "aisfx": AisfxEmbedder(),
            "clap": ClapEmbedder(self._clap),
        }
        return {name: known[name] for name in self.embedders or (("clap",) if self._clap else ("logmel",))}

    @property
    def embedder(self) -> Embedder:
        return next(iter(self.heard_by.values()))

    @property
    def teacher_by_audio(self) -> AudioSepTeacher:
        return AudioSepTeacher(self.audiosep, self.clap)

    @property
    def teacher_by_text(self) -> AudioSepTeacher:
        if self.text.endswith(".npy"):
            return AudioSepTeacher(self.audiosep, self.clap, text_embedding=self.text)
        return AudioSepTeacher(self.audiosep, self.clap, text=self.text, tokenizer=self.tokenizer)

    @property
    def peer_training(self) -> Training:
        """Adam, 1e-3, a fifth held out, stopped early: sec. IV-C."""
        segments = self.peer_segments
        return Training(self.peer_epochs, 4, 1e-3, 0.0, 0.2, patience=6, clip_norm=5.0, windows_per_epoch=segments)

    @property
    def detector(self) -> AutoEncoder:
        return AutoEncoder(training=Training(epochs=self.ae_epochs))

    def distilled(self, teacher: Teacher, reference: str = "") -> Distilled:
        """The student of the preset with the numbers of `settings`. Raises BadInput for those it does not have."""
        recipe = Distilled(teacher=teacher, embedder=self.embedder, reference=reference)
        for text in (*STUDENTS[self.student], f"clips={max(self.train, 5)}", *self.settings):
            recipe = resolve(recipe, assignment(text), f"--set {text}")
        return recipe
