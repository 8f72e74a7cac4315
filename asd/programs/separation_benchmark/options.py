"""What the user of the benchmark decides, checked before work begins, and the recipes that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asd.detectors import AutoEncoder
from asd.errors import BadInput
from asd.frontends import AudioSepTeacher, ClapEmbedder, Distilled, LogMelEmbedder
from asd.frontends.distillation.teachers import Teacher
from asd.settings import assignment, resolve
from asd.training import Training

SHORTEST = 0.5  # s of a mixture; chosen: some windows of the autoencoder's and the blind methods' spectra


@dataclass(frozen=True)
class Options:
    """Named as the tool's options, which errors name. Raises BadInput for numbers that cannot be."""

    machine: Path  # recordings of the machine alone
    noise: Path  # recordings of noise alone
    rirs: str = ""  # impulse responses, FILE.npz, FILE.npz:ROOM or a folder; empty: a simulated room
    microphones: int = 2  # of the simulated room
    seconds: float = 10.0  # of a mixture
    snr: tuple[float, float] = (-10.0, 0.0)  # dB, drawn evenly from one to the other
    train: int = 256  # mixtures to train on
    test: int = 128  # mixtures to test on, half of them anomalous
    seed: int = 0  # of the mixtures
    methods: tuple[str, ...] = ()  # empty: all there is material for
    peer_epochs: int = 40  # most epochs of the supervised peers
    ae_epochs: int = 50  # of the autoencoder
    ae_seeds: int = 3  # 0: no ROC-AUC
    audiosep: str = ""  # AudioSep checkpoint
    clap: str = ""  # CLAP checkpoint; empty: the one inside AudioSep's
    text: str = ""  # .npy of a text embedding (512,) for AudioSep by text
    settings: tuple[str, ...] = ()  # part.field=value of the distilled front-end
    timing: bool = True  # Table II too
    out: Path = Path("results/separation")

    def __post_init__(self) -> None:
        wrong = {
            f"--test {self.test}: at least 2 expected, a normal mixture and an anomalous one": self.test < 2,
            f"--train {self.train}: at least 1 mixture expected": self.train < 1,
            f"--seconds {self.seconds:g}: at least {SHORTEST} s expected": not self.seconds >= SHORTEST,
            f"--snr {self.snr[0]:g} {self.snr[1]:g}: FROM <= TO expected (exchanged?)": not self.snr[0] <= self.snr[1],
            f"--microphones {self.microphones}: at least 1 expected": self.microphones < 1,
            f"--seed {self.seed}, --ae-seeds {self.ae_seeds}: 0 or more expected": min(self.seed, self.ae_seeds) < 0,
        }
        if any(wrong.values()):
            raise BadInput("; ".join(what for what, is_wrong in wrong.items() if is_wrong))

    @property
    def embedder(self) -> LogMelEmbedder | ClapEmbedder:
        clap = self.clap or self.audiosep
        return ClapEmbedder(clap) if clap else LogMelEmbedder()

    @property
    def teacher_by_audio(self) -> AudioSepTeacher:
        return AudioSepTeacher(self.audiosep, self.clap)

    @property
    def teacher_by_text(self) -> AudioSepTeacher:
        return AudioSepTeacher(self.audiosep, self.clap, self.text)

    @property
    def peer_training(self) -> Training:
        return Training(self.peer_epochs, 4, 1e-3, 0.0, 0.2, patience=6, clip_norm=5.0, windows_per_epoch=128)

    @property
    def detector(self) -> AutoEncoder:
        return AutoEncoder(training=Training(epochs=self.ae_epochs))

    def distilled(self, teacher: Teacher, reference: str = "") -> Distilled:
        """The front-end with the numbers of `settings`. Raises BadInput for those it does not have."""
        recipe = Distilled(teacher=teacher, embedder=self.embedder, reference=reference)
        for text in self.settings:
            recipe = resolve(recipe, assignment(text), f"--set {text}")
        return recipe
