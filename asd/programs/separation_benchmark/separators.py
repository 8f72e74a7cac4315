"""Methods opened on a bench: whatever a method trains or loads is ready, and a wave (C, T) goes in, (T,) comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from asd.contracts import Arrays, Wave
from asd.frontends import AdaSubTeacher, AudioSepTeacher, Distilled
from asd.frontends.distillation.distilled import FittedDistilled
from asd.frontends.distillation.embedders import scis
from asd.frontends.distillation.teachers import Separate, Teacher
from asd.programs.separation_benchmark.bench import Bench
from asd.separation import blind, measures, peers
from asd.separation.mixtures import Mixture

AUDIOSEP_PARAMETERS = 26_447_941
SEGMENT = 2.0  # s, what the supervised peers see at once, as the student

TeacherOf = Callable[[Bench], Teacher]


@dataclass(frozen=True)
class Separator:
    """A method that can separate."""

    separate: Separate  # (C, T) -> (T,)
    n_parameters: int = 0
    threaded: Callable[[Wave, int], np.ndarray] | None = None  # where the number of threads is the method's own
    sources: Callable[[Wave], np.ndarray] | None = None  # all it finds, (C, T), where one must be chosen; or (1, T)
    choose: Callable[[np.ndarray], np.ndarray] = lambda sources: sources[0]
    notes: Arrays = field(default_factory=dict)  # shown besides its figures

    def found(self, wave: Wave) -> np.ndarray:
        """(C, T) -> (n, T), all it finds."""
        return self.sources(wave) if self.sources else self.separate(wave)[None]


def unprocessed(bench: Bench) -> Separator:
    return Separator(lambda wave: wave[0])


# ---- supervised peers ------------------------------------------------------------------------------------------------


def trained_peer(title: str, bench: Bench, scratch: Path) -> Separator:
    pairs = [(m.wave[0], m.clean) for m in bench.peers_train]
    network = peers.built(title, bench.options.peers)
    run = peers.supervised(network, pairs, bench.options.peer_training, SEGMENT, scratch)
    return of_network(run.network, training_notes(np.array(run.history)))


def untrained_peer(title: str, bench: Bench) -> Separator:
    return of_network(peers.built(title, bench.options.peers).eval(), {})


def of_network(network: torch.nn.Module, notes: Arrays) -> Separator:
    @torch.inference_mode()
    def separate(wave: Wave) -> np.ndarray:
        return network(torch.from_numpy(wave[:1]))[0].numpy()

    return Separator(separate, sum(p.numel() for p in network.parameters()), notes=notes)


# ---- blind methods ---------------------------------------------------------------------------------------------------


def blind_method(title: str, bench: Bench) -> Separator:
    """A mixture in which the method finds no finite sources stays as it came, and is counted by its one source.

    pyroomacoustics' ILRMA lets variances fall to 1e-15 where a source is silent for a while; the covariances weighted
    by their inverse are then singular. Its floor is no argument, and self-noise of -50 dB does not keep it from there.
    """
    embed = bench.options.embedder.embed

    def sources(wave: Wave) -> np.ndarray:
        try:
            return blind.separated(title, wave)
        except blind.Inseparable:
            return wave[:1]

    def choose(found: np.ndarray) -> np.ndarray:
        return blind.most_similar(found, embed, bench.reference)

    return Separator(lambda wave: choose(sources(wave)), sources=sources, choose=choose)


# ---- teachers and students -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanTeacher:
    """A teacher that knows the clean sound: what the student can reach at best."""

    mixtures: Sequence[Mixture]

    def files(self) -> tuple[Path, ...]:
        return ()

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        clean = {id(m.wave): m.clean for m in self.mixtures}  # a student is trained on these very arrays
        return lambda wave: clean[id(wave)]


def by_subtraction(bench: Bench) -> Teacher:
    return AdaSubTeacher()


def by_audio(bench: Bench) -> Teacher:
    return bench.options.teacher_by_audio


def by_text(bench: Bench) -> Teacher:
    return bench.options.teacher_by_text


def by_clean_sound(bench: Bench) -> Teacher:
    return CleanTeacher(bench.train)


def opened_teacher(teacher_of: TeacherOf, bench: Bench) -> Separator:
    teacher = teacher_of(bench)
    separate = teacher.open([m.wave for m in bench.train], bench.reference)
    return Separator(separate, AUDIOSEP_PARAMETERS if isinstance(teacher, AudioSepTeacher) else 0)


def rated_teacher(teacher_of: TeacherOf, bench: Bench, scratch: Path) -> Separator:
    """With SI-SNRi (N,) of its targets, the training mixtures, and `sci` (E, N), `spearman` (E,) by each embedder."""
    opened = opened_teacher(teacher_of, bench)
    targets = [opened.separate(m.wave) for m in bench.train]
    pairs = list(zip(targets, (m.wave[0] for m in bench.train), strict=True))
    found = {name: scis(embedder, pairs, bench.reference) for name, embedder in bench.options.heard_by.items()}
    gains = np.array([improvement(target, m) for target, m in zip(targets, bench.train, strict=True)])
    ranked = np.array([measures.spearman(sci, gains) for sci in found.values()])
    notes = {"embedder": np.array(list(found)), "sci": np.stack(list(found.values())), "si_snri": gains}
    return replace(opened, notes={**notes, "spearman": ranked})


def student(teacher_of: TeacherOf, bench: Bench, scratch: Path) -> Separator:
    fitted = bench.distilled(teacher_of(bench)).fit_on([m.wave for m in bench.train], (), scratch)
    return of_student(fitted, training_notes(fitted.history))


def untrained_student(bench: Bench) -> Separator:
    """For its time alone."""
    return of_recipe(bench.distilled(AdaSubTeacher()), bench)


def student_of_the_papers_size(bench: Bench) -> Separator:
    """For its time alone."""
    recipe = bench.distilled(AdaSubTeacher())
    return of_recipe(replace(recipe, student=replace(recipe.student, units=(256, 128), bidirectional=True)), bench)


def of_recipe(recipe: Distilled, bench: Bench) -> Separator:
    network = recipe.student.build(bench.scene.room.n_channels).eval()
    return of_student(FittedDistilled(recipe, network, np.zeros((0, 3)), np.zeros(0)), {"timing_only": np.array(True)})


def of_student(fitted: FittedDistilled, notes: Arrays) -> Separator:
    return Separator(fitted.separate, fitted.n_parameters, fitted.separate, notes=notes)


def training_notes(history: np.ndarray) -> Arrays:
    """Of a training's (epochs, 3) losses and seconds; seconds before a kill count."""
    return {"training_seconds": history[:, -1].sum(), "epochs": np.array(len(history))}


def improvement(found: np.ndarray, mixture: Mixture) -> float:
    """SI-SNRi of an estimate (T,), dB."""
    return measures.improvement(found, mixture.wave[0], mixture.clean)
