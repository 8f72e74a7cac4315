"""The whole benchmark: options in, the report out, which lies in the bench's folder as table.md too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.methods import METHODS, check_microphones, chosen
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.quality import measured
from asd.programs.separation_benchmark.records import bench_record
from asd.programs.separation_benchmark.report import report
from asd.programs.separation_benchmark.timing import timings
from asd.separation.mixtures import Room, open_scene, read_room, simulated_room
from asd.store import write_text
from asd.training import pin


def open_bench(options: Options) -> Bench:
    """Raises BadInput for folders, files and methods that are not there."""
    room = room_of(options)
    check_microphones(chosen(options), room.n_channels)
    scene = open_scene(options.machine, options.noise, room, options.seconds, options.snr)
    return Bench(options, scene, bench_record(options, scene))


def room_of(options: Options) -> Room:
    if not options.rirs:
        return simulated_room(options.microphones)
    path, _, name = options.rirs.partition(":")
    return read_room(Path(path), name)


def compare(options: Options, progress: Callable[[str], object]) -> str:
    """`progress` gets the title of each method when its turn comes. Raises BadInput."""
    pin("cpu")
    bench = open_bench(options)
    figures = {}
    for name in chosen(options):
        progress(METHODS[name].title)
        figures[name] = measured(bench, name)
    times = timings(bench, list(figures)) if options.timing else {}
    text = report(bench, figures, times)
    write_text(bench.folder / "table.md", text + "\n")
    return f"{text}\n\nin {bench.folder}"
