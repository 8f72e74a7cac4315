"""The methods by name: title and kind as the tables show them, how each is opened, and what it cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from asd.errors import BadInput
from asd.programs.separation_benchmark import separators
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.separators import Separator, TeacherOf
from asd.separation import peers

Open = Callable[[Bench], Separator]
Prepare = Callable[[Bench, Path], Separator]  # the path: a folder for work under way, from which it resumes


@dataclass(frozen=True)
class Method:
    title: str
    category: str
    open: Open  # without its training, which does not change its time
    prepare: Prepare | None = None  # the same with its training or with notes, where it has any
    needs: str = ""  # an option that must be given
    microphones: int = 1  # at least

    def prepared(self, bench: Bench, scratch: Path) -> Separator:
        return self.prepare(bench, scratch) if self.prepare else self.open(bench)


def peer(title: str) -> Method:
    untrained, trained = partial(separators.untrained_peer, title), partial(separators.trained_peer, title)
    return Method(title, "spectral, clean pairs", untrained, trained)


def blind(title: str) -> Method:
    return Method(title, "blind", partial(separators.blind_method, title), microphones=2)


def teacher(title: str, category: str, of: TeacherOf, needs: str = "", microphones: int = 1) -> Method:
    opened, rated = partial(separators.opened_teacher, of), partial(separators.rated_teacher, of)
    return Method(title, category, opened, rated, needs, microphones)


def student(title: str, category: str, of: TeacherOf, needs: str = "") -> Method:
    return Method(title, category, separators.untrained_student, partial(separators.student, of), needs, 2)


METHODS = {
    "none": Method("No processing", "-", separators.unprocessed),
    "tfgridnet": peer("TF-GridNet"),
    "conformer": peer("Conv-Transformer"),
    "dprnn": peer("DPRNN"),
    "audiosep_text": teacher("AudioSep", "spectral, by text", separators.by_text, needs="text"),
    "fastmnmf": blind("FastMNMF"),
    "ilrma": blind("ILRMA"),
    "pra_fastmnmf": blind("FastMNMF (pyroomacoustics)"),
    "pra_ilrma": blind("ILRMA (pyroomacoustics)"),
    "aqss": teacher("AQSS only", "spectral, by audio", separators.by_audio, needs="audiosep"),
    "adasub": teacher("AdaSub only", "spectral, near/far", separators.by_subtraction, microphones=2),
    "ssd_aqss": student("SSD, teacher AQSS", "distilled", separators.by_audio, needs="audiosep"),
    "ssd_adasub": student("SSD, teacher AdaSub", "distilled", separators.by_subtraction),
    "ssd_clean": student("SSD, teacher knows the clean sound", "bound, not a method", separators.by_clean_sound),
    "ssd_paper": Method(
        "SSD, 256-128 bidirectional", "time only", separators.student_of_the_papers_size, microphones=2
    ),
}


def title_of(name: str, options: Options) -> str:
    """As the tables show it: small peers are called so."""
    title = METHODS[name].title
    return f"{title}, {options.peers}" if title in peers.PEERS and options.peers != "paper" else title


def chosen(options: Options) -> list[str]:
    """Names in the order of METHODS. Raises BadInput for methods that are unknown, or lack their material."""
    unknown = [name for name in options.methods if name not in METHODS]
    if unknown:
        raise BadInput(f"--methods {' '.join(unknown)}: unknown (known: {', '.join(METHODS)})")
    lacking = [name for name, method in METHODS.items() if method.needs and not getattr(options, method.needs)]
    for name in options.methods:
        if name in lacking:
            raise BadInput(f"{name} needs --{METHODS[name].needs}")
    return [name for name in METHODS if name in (options.methods or METHODS) and name not in lacking]


def check_microphones(names: list[str], n_channels: int) -> None:
    """Raises BadInput for methods that compare more microphones than there are."""
    for name in names:
        if n_channels < METHODS[name].microphones:
            raise BadInput(
                f"{n_channels} microphone, {name} compares {METHODS[name].microphones}; give more, "
                f"or --methods of {', '.join(n for n, m in METHODS.items() if m.microphones == 1)}"
            )
