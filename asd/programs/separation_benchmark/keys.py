"""Names in the store: a hash of all that a figure depends on, so that nothing stale is used."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from asd.frontends import AdaSubTeacher
from asd.programs.separation_benchmark.options import Options
from asd.separation.mixtures import Scene
from asd.store import content, digest, fingerprint
from asd.training import machine_room

CODE = "asd.programs.separation_benchmark.quality"  # and, in turn, all code that it imports


def bench_key(options: Options, scene: Scene) -> str:
    """Of all that decides a method's figures but for the method: numbers, waves, checkpoints, code, libraries."""
    o = options
    recipe = o.distilled(o.teacher_by_text if o.audiosep else AdaSubTeacher())
    numbers = [o.seconds, o.snr, o.train, o.test, o.seed, o.ae_seeds, o.text]
    waves = (*scene.normal, *scene.test_normal, *scene.anomaly, *scene.noise, *scene.test_noise)
    return digest(
        json.dumps(numbers),
        fingerprint(recipe, o.peer_training, o.detector, modules=(CODE,)),
        machine_room("cpu"),
        *map(content, recipe.files()),
        *map(bytes, (*waves, scene.room.machine, *scene.room.noise)),
    )


def features_key(features: Sequence[np.ndarray]) -> str:
    """Of what a detector is trained on, (F, D) per clip."""
    return digest(*(feature.tobytes() for feature in features))


def timing_key(bench: str, names: Sequence[str], n_cores: int) -> str:
    """Of methods timed together: a bench's key, their names in any order, and the cores there were."""
    return digest(bench, *sorted(names), str(n_cores))
