"""The whole benchmark: options of each machine in, the report out, which lies in its folders as table.md too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from asd.contracts import Arrays
from asd.errors import BadInput
from asd.programs.separation_benchmark import figures
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS, check_microphones, chosen
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.quality import clean_sound, measured
from asd.programs.separation_benchmark.records import bench_record
from asd.programs.separation_benchmark.report import Figures, over_machines, report
from asd.programs.separation_benchmark.timing import timings
from asd.separation.maps import MAPS
from asd.separation.mixtures import open_scene
from asd.separation.rooms import Room, read_room, simulated_room
from asd.store import write_text
from asd.training import pin

Progress = Callable[[str], object]


def open_bench(options: Options) -> Bench:
    """Raises BadInput for folders, files and methods that are not there."""
    room = room_of(options)
    check_microphones(chosen(options), room.n_channels)
    scene = open_scene(options.machine, options.noise, room, options.mixing)
    return Bench(options, scene, bench_record(options, scene))


def room_of(options: Options) -> Room:
    if not options.rirs:
        return simulated_room(options.microphones)
    path, _, name = options.rirs.partition(":")
    return read_room(Path(path), name)


def check_map(name: str) -> None:
    """Here and not in Options, whose code decides what is done again."""
    if name not in MAPS:
        raise BadInput(f"--map {name}: of {', '.join(MAPS)} expected")


def compare(options: Sequence[Options], progress: Progress) -> str:
    """One Options a machine; with several, Table I over all of them comes last. Raises BadInput.

    `progress` gets the machine and the title of each method when its turn comes.
    """
    pin("cpu")
    check_map(options[0].map)
    names = [o.machine.name for o in options]
    if len(set(names)) < len(names):
        raise BadInput(f"--machine {' '.join(names)}: folders of different names expected, they name the columns")
    benches = [open_bench(o) for o in (options[0], *(replace(o, timing=False) for o in options[1:]))]  # timed once
    found: dict[str, dict[str, Arrays]] = {name: {} for name in names}
    texts = [compared(bench, found[name], progress) for name, bench in zip(names, benches, strict=True)]
    if len(benches) > 1:
        texts.append(over_machines(options[0], found))
        write_text(options[0].out / f"table_{'_'.join(names)}.md", texts[-1] + "\n")
    return "\n\n".join(texts)


def compared(bench: Bench, found: dict[str, Arrays], progress: Progress) -> str:
    """One machine's report; its figures are put into `found`."""
    for name in chosen(bench.options):
        progress(f"{bench.options.machine.name}: {METHODS[name].title}")
        found[name] = measured(bench, name)
    times = timings(bench, list(found)) if bench.options.timing else {}
    text = report(bench, found, times) + drawn(bench, found)
    write_text(bench.folder / "table.md", text + "\n")
    return f"{text}\n\nin {bench.folder}"


def drawn(bench: Bench, found: Figures) -> str:
    """Writes the figures; a line about each."""
    of_quality = {name: own for name, own in found.items() if "mean" in own}
    lines = [*figures.sci(bench, found)]
    if of_quality:
        lines += figures.examples(bench, of_quality, clean_sound(bench))
        lines += figures.features(bench, of_quality, clean_sound(bench))
    return "".join(f"\n{line}" for line in lines)
