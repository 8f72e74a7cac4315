"""The kit in four storeys; imports point down, and no room imports another.

Programs     asd.programs, the only code that opens rooms; run.py, tools and notebooks call these
Rooms        data -> frontends -> features | encoders -> detectors -> calibration -> system -> guard -> evaluation;
             results -> submission; beside them separation, simulation, importing, download, monitoring
Corridors    signal, si_snr, training, epochs, checkpoint, macs, folds, pretrained, fingerprint, store, sealed, locks,
             settings, shapes, tables, commands, failures, jobs, cluster, process, progress, resampling; the doors for
             files: text_files, yaml_files, json_files, wav_files, sound_files, array_files, score_files, truth_list
Floor        errors, clips, contracts

Shape letters, fixed everywhere: T samples, F frames, K frequency bins, M mel bands, D feature size, N clips,
S seeds, C channels. Waves are (C, T) float32, channel 0 near, channel 1, if any, far. Scores: higher is more anomalous.

From Python: `asd.load("results/dev/s1", "fan")("clip.wav").score` (asd/programs/loading.py).
"""

from importlib import import_module
from pathlib import Path
from typing import Any


def load(place: str | Path, machine: str = "") -> Any:
    """A system fitted to a machine, to be called with a wav's path or a wave (C, T): asd.programs.loading.load."""
    return import_module("asd.programs.loading").load(place, machine)
