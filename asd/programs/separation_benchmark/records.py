"""Records in the store: mappings that name all a figure depends on, so that nothing stale is used."""

from __future__ import annotations

from typing import Any

from asd.contracts import Record
from asd.fingerprint import code, digest, numbers
from asd.frontends import AdaSubTeacher
from asd.programs.separation_benchmark.bench import Bench
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.quality import CHANNEL, FEATURES, measured
from asd.separation.mixtures import Scene
from asd.separation.peers import SIZES
from asd.store import content
from asd.training import environment


def bench_record(options: Options, scene: Scene) -> Record:
    """Of all that decides the figures of a bench, but for the method."""
    o, parts = options, parts_of(options)
    return {
        "mixtures": numbers(o.mixing),
        "drawn": {"train": o.train, "peers": o.peers_train, "test": o.test, "seed": o.seed},
        "microphones": scene.room.n_channels,
        "waves": waves_of(scene),
        "parts": {name: numbers(part) for name, part in parts.items()},
        "peers": SIZES[o.peers],
        "autoencoders": o.ae_seeds,
        "files": [content(path) for name in ("student", *o.heard_by) for path in parts[name].files()],
        "code": code(measured, Bench, options, scene, *parts.values()),
        **environment("cpu"),
    }


def parts_of(options: Options) -> dict[str, Any]:
    """All that methods and measures are made of, by role: a part's defaults count as its numbers, not as code."""
    subtraction = AdaSubTeacher()
    return {
        "student": options.distilled(options.teacher_by_text if options.audiosep else subtraction),
        "subtraction": subtraction,
        "peers": options.peer_training,
        "channel": CHANNEL,
        "features": FEATURES,
        "detector": options.detector,
        **options.heard_by,
    }


def waves_of(scene: Scene) -> Record:
    """Content of the recordings and of the impulse responses."""
    waves = {
        "normal": scene.normal,
        "test normal": scene.test_normal,
        "anomaly": scene.anomaly,
        "reference": scene.reference_from,
        "peers": scene.peers_normal,
        **{f"noise {name}": waves for name, waves in scene.noise.items()},
        **{f"test noise {name}": waves for name, waves in scene.test_noise.items()},
        "machine response": (scene.room.machine,),
        "noise responses": scene.room.noise,
    }
    return {name: digest(*(wave.tobytes() for wave in some)) for name, some in waves.items()}
