"""The challenge's folders: a data folder in, machines with checked clips out; waves (C, T) float32 on demand.

    <data>/dev_data/raw/<machine>/{train,test}/section_00_<domain>_<split>_<condition>_NNNN_<attributes>.wav
    <data>/eval_data/raw/<machine>/train/ as above, test/section_00_NNNN.wav (anonymous), test_rename/ (after the truth)
    optional: supplemental/*.wav, attributes_00.csv

Data sets of 2023 to 2025 (one channel) and 2026 (two) have this layout; those before it are refused by their year.
`survey` runs every check of headers and names before any work and reports every problem it finds, not the first; what
need not stop a run it notes as a warning. `sound_warnings` does the same of the samples.
"""

from asd.clips import wav_paths
from asd.data.contents import content_warnings
from asd.data.folders import (
    KINDS,
    chosen_machines,
    holds_machines,
    known_machines,
    machine_names,
    raw_folder,
    refuse_other_layout,
)
from asd.data.machines import CHANNELS, ClipInfo, Machine, Survey, listed
from asd.data.sound import INT16_SCALE, Sound, far_is_dead, sound_of, sound_problems, sound_warnings, spread
from asd.data.survey import inspect_clip, survey
from asd.data.waves import read_wave

__all__ = [
    "CHANNELS",
    "INT16_SCALE",
    "KINDS",
    "ClipInfo",
    "Machine",
    "Sound",
    "Survey",
    "chosen_machines",
    "content_warnings",
    "far_is_dead",
    "holds_machines",
    "inspect_clip",
    "known_machines",
    "listed",
    "machine_names",
    "raw_folder",
    "read_wave",
    "refuse_other_layout",
    "sound_of",
    "sound_problems",
    "sound_warnings",
    "spread",
    "survey",
    "wav_paths",
]
