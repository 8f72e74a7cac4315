"""The board: what the live page shows of a recording that goes on. Everything in it has a fixed size.

Levels are in dB of full scale (a sine at full scale has -3), pictures in dB of the power spectrogram's mel bands.
"""

from __future__ import annotations

import base64
import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from asd import signal
from asd.clips import RATE
from asd.contracts import Power, Wave
from asd.monitoring.alarm import RAISED, Alarm
from asd.monitoring.log import Entry, finite
from asd.sound_files import sound_bytes

READINGS, LEVELS, NOTES = 600, 600, 20  # kept: ten minutes of readings a second, a minute of blocks of 0.1 s
BANDS, COLUMNS, RANGE = 64, 200, 70.0  # of a picture: mel bands, moments, dB from the loudest of near
QUIET = -120.0  # dB, the lowest level told; 16 bits end at -96
N_FFT, HOP_LENGTH = 1024, 512  # samples, of the near picture; the organisers' baseline


class Board:
    """Written to while listening, read by the page's threads."""

    def __init__(self, title: str, rule: Alarm) -> None:
        self._lock = threading.Lock()
        self._about: dict[str, Any] = {"title": title, "rule": dataclasses.asdict(rule)}
        self._heard_at = time.monotonic()
        self._levels: deque[list[float]] = deque(maxlen=LEVELS)  # [end s, dB of each channel]
        self._entries: deque[Entry] = deque(maxlen=READINGS)
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._pictures: dict[str, Any] = {}
        self._window: Wave = np.zeros((1, 0), np.float32)  # the last one scored
        self._alarm: dict[str, Any] = {}  # when it was raised
        self._alarm_sound: Wave = self._window

    # ---- written -----------------------------------------------------------------------------------------------------

    def heard(self, block: np.ndarray, end: float) -> None:
        """A block (C, n) whose last sample is at `end` s."""
        with self._lock:
            self._heard_at = time.monotonic()
            self._levels.append([round(end, 3), *level(block)])

    def shown(self, wave: Wave, frontend: Callable[[Wave], Power]) -> None:
        """A window (C, T) that was scored, and what the front-end makes of it."""
        near = signal.power(signal.shared_stft(wave, N_FFT, HOP_LENGTH)[0])  # (K, F)
        pictures = pictures_of(near, frontend(wave)[0])
        with self._lock:
            self._window, self._pictures = wave, pictures | {"seconds": wave.shape[1] / RATE}

    def told(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            if entry.event == RAISED:
                self._alarm, self._alarm_sound = {"time": entry.time, "end": entry.end}, self._window

    def noted(self, text: str) -> None:
        with self._lock:
            self._notes.append(text)

    # ---- read --------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """A JSON object."""
        with self._lock:
            last = dataclasses.asdict(self._entries[-1]) if self._entries else {}
            return self._about | {
                "silent": round(time.monotonic() - self._heard_at, 1),  # s without a block
                "last": {key: finite(value) for key, value in last.items()},
                "readings": [[e.end, finite(e.score), e.alarm] for e in self._entries],
                "levels": list(self._levels),
                "pictures": self._pictures,
                "alarm": self._alarm,
                "notes": list(self._notes),
            }

    def alarm_sound(self) -> bytes:
        """A wav of the near channel of the window that raised the last alarm; empty where there was none."""
        with self._lock:
            wave = self._alarm_sound
        return sound_bytes(wave[0], RATE) if wave.shape[1] else b""


def level(block: np.ndarray) -> list[float]:
    """(C, n) -> dB of full scale per channel, root mean square."""
    mean_square = np.mean(np.square(block, dtype=np.float64), axis=1)  # (C,)
    return [round(float(db), 1) for db in 10 * np.log10(np.maximum(mean_square, 10 ** (QUIET / 10)))]


def pictures_of(near: np.ndarray, denoised: np.ndarray) -> dict[str, Any]:
    """Power spectrograms (K, F) as bytes: at most COLUMNS moments of BANDS; 0 to 255 is top - RANGE to top dB."""
    pictures = {"near": picture(near), "denoised": picture(denoised)}
    top = float(pictures["near"].max())
    return {
        "bands": BANDS,
        "top": round(top, 1),
        "range": RANGE,
        **{name: _bytes(image, top) for name, image in pictures.items()},
    }


def picture(power: np.ndarray) -> np.ndarray:
    """(K, F) -> (columns, BANDS) in dB; neighbouring frames are averaged where there are more than COLUMNS."""
    n = min(COLUMNS, power.shape[1])
    starts = np.arange(n) * power.shape[1] // n
    counts = np.diff([*starts, power.shape[1]])
    return signal.log_mel(np.add.reduceat(power, starts, axis=1) / counts, BANDS)


def _bytes(image: np.ndarray, top: float) -> str:
    scaled = np.clip((image - top) / RANGE + 1, 0, 1) * 255
    return base64.b64encode(np.nan_to_num(scaled).astype(np.uint8).tobytes()).decode()
