"""Presets: names in, numbers of the benchmark, of the student and of the peers' training out. Words of the user's win.

full    the paper's sizes, hours to days a machine: the defaults of Options, nothing to add
quick   minutes a machine on two cores: short clips, few of them, the small student and small peers
"""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "full": {},
    "quick": {
        "microphones": 2,
        "seconds": 4.0,
        "train": 49,
        "test": 40,
        "peers_train": 24,
        "peers": "small",
        "peer_epochs": 10,
        "peer_segments": 48,
        "student": "small",
        "settings": ("training.epochs=12",),
        "ae_epochs": 20,
        "methods": ("none", "conformer", "pra_ilrma", "adasub", "ssd_adasub", "ssd_clean"),
    },
}

STUDENTS: dict[str, tuple[str, ...]] = {
    "cited": ("student.units=256,128", "student.bidirectional=true", "training.learning_rate=1e-3"),  # Quan and Li
    "small": (),  # the front-end's defaults: 64-32, one direction, 3e-3
}
