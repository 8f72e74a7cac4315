"""Microphones: a sound card's inputs as blocks (C, n) float32 in [-1, 1], by the package sounddevice (PortAudio)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from queue import Queue
from typing import Any

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput, needed
from asd.monitoring.arrivals import Gap, News, queue_of, taken

OVERFLOW = "the sound card has lost sound (input overflow)"
SLOW = "scoring is slower than the sound (a longer --every helps)"


@dataclass(eq=False)
class Intake:
    """Called by the sound card with each block. It must not wait: a block that finds the queue full is dropped."""

    waiting: Queue
    dropped: int = 0  # samples since the last block that found room

    def __call__(self, frames: np.ndarray, n: int, _: Any, status: Any) -> None:
        """(n, C), in memory that the sound card uses again."""
        gap = [Gap(self.dropped, SLOW if self.dropped else OVERFLOW)] if self.dropped or status.input_overflow else []
        if self.waiting.qsize() + len(gap) >= self.waiting.maxsize:
            self.dropped += n
            return
        self.dropped = 0
        for news in (*gap, np.array(frames.T, np.float32, order="C")):  # (C, n), a copy
            self.waiting.put_nowait(news)


def of_microphones(device: str, n: int, channels: int) -> Iterator[News]:
    """`device` is a number or part of a name, as sounddevice knows it; empty: the machine's default."""
    waiting = queue_of(n)
    with _stream(device, n, channels, Intake(waiting)) as stream:

        def check() -> None:
            if not stream.active:
                raise BadInput(f"mic:{device}: the sound card has stopped (was it unplugged?)")

        yield from taken(waiting, n, check)


def _stream(device: str, n: int, channels: int, intake: Intake) -> Any:
    sounddevice = _sounddevice()
    which = int(device) if device.isdecimal() else device or None
    try:
        return sounddevice.InputStream(RATE, n, which, channels, "float32", callback=intake)
    except (sounddevice.PortAudioError, ValueError) as error:  # ValueError: no device, or several, of that name
        raise BadInput(
            f"mic:{device}: not opened with {channels} channels at {RATE} Hz ({error}); inputs there: "
            f"{_inputs(sounddevice)}"
        ) from error


def _sounddevice() -> Any:
    try:
        return needed("sounddevice", "microphone")
    except OSError as error:  # it is installed, the system's PortAudio is not
        raise BadInput(f"sounddevice: {error}; install PortAudio (Debian: apt install libportaudio2)") from error


def _inputs(sounddevice: Any) -> str:
    found = [(i, of["name"], of["max_input_channels"]) for i, of in enumerate(sounddevice.query_devices())]
    return ", ".join(f"{i} '{name}' ({channels} channels)" for i, name, channels in found if channels) or "none"
