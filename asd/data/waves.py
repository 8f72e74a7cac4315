"""Waves: a clip in, its samples (C, T) float32 out."""

from __future__ import annotations

import numpy as np
import soundfile

from asd.clips import Clip
from asd.contracts import Wave
from asd.errors import BadInput


def read_wave(clip: Clip) -> Wave:
    """(C, T) float32 in [-1, 1), read-only. Raises BadInput for what cannot be read, or has samples not finite."""
    try:
        samples, _ = soundfile.read(clip.path, dtype="float32", always_2d=True)  # (T, C)
    except (soundfile.LibsndfileError, OSError, UnicodeError) as error:  # the last: a name that is not UTF-8
        raise BadInput(f"{clip.path}: not readable ({error}); was it moved, damaged or renamed meanwhile?") from error
    if not np.isfinite(samples).all():
        bad = int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise BadInput(
            f"{clip.machine}/{clip.path.name}: sample {bad} is not a finite number (was it written by a broken export?)"
        )
    wave = np.ascontiguousarray(samples.T)  # (C, T)
    wave.flags.writeable = False
    return wave
