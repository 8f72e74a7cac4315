"""Readings: blocks (C, n) of a recording that goes on in, a fitted system's score of the last window out.

A causal front-end (`Causal`) takes in every sample once, in blocks; any other is applied to each window as it would be
to a clip. Either way block sizes do not matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from asd.clips import RATE
from asd.contracts import Arrays, Power, Wave
from asd.errors import BadInput


class Stream(Protocol):
    def push(self, block: np.ndarray) -> np.ndarray:
        """(C, n) -> (m,), what is complete; m is not n, the stream may be late."""

    def finish(self) -> np.ndarray:
        """(m,), the rest: the recording is over."""


@runtime_checkable
class Causal(Protocol):
    """A fitted front-end that can go through a recording once instead of through overlapping windows."""

    def stream(self) -> Stream | None:
        """For a new recording; None where this one needs whole clips."""

    def of_window(self, wave: Wave, streamed: np.ndarray) -> Power:
        """A stretch (C, T) and what the stream made of it (T,) -> (1, K, F)."""


class Fitted(Protocol):
    """A fitted system (asd.system.FittedSystem): members with a `frontend` each, scoring a wave."""

    @property
    def members(self) -> Any: ...

    @property
    def threshold(self) -> float: ...

    def __call__(self, wave: Wave) -> Any:
        """An object with `score` and `decision`."""


@dataclass(frozen=True)
class Reading:
    """One window's score and decision."""

    end: float  # s since the recording began, of the window's last sample
    score: float
    decision: int  # 1: anomalous


@dataclass(eq=False)
class _Streamed:
    """A causal front-end in a member's place: what its stream has given so far, and the window asked for."""

    frontend: Causal
    stream: Stream
    output: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.float32))
    begins: int = 0  # sample of the recording at which `output` begins
    window: tuple[int, int] = (0, 0)

    @property
    def ends(self) -> int:
        return self.begins + len(self.output)

    def push(self, block: np.ndarray) -> None:
        self.output = np.concatenate([self.output, self.stream.push(block)])

    def finish(self) -> None:
        self.output = np.concatenate([self.output, self.stream.finish()])

    def begin(self, at: int) -> None:
        """Anew, at that sample of the recording."""
        stream = self.frontend.stream()
        assert stream is not None
        self.stream, self.output, self.begins = stream, self.output[:0], at

    def forget(self, before: int) -> None:
        """Never more than the stream has delivered: it is late, and what it has yet to give would be misplaced."""
        drop = min(max(0, before - self.begins), len(self.output))
        self.output, self.begins = self.output[drop:], self.begins + drop

    def __call__(self, wave: Wave) -> Power:
        first, last = self.window
        return self.frontend.of_window(wave, self.output[first - self.begins : last - self.begins])

    def arrays(self) -> Arrays:
        return {}


def unseen(wave: Wave, frontend: Any) -> None:
    """Nobody looks on."""


class Monitor:
    """Readings every `every` samples, of the last `window` samples, from the first full window on.

    It keeps one window of sound, however long the recording goes on. `shown` is called with each window (C, T) that is
    scored and the first member's front-end, which gives its power when called with that window.
    """

    shown: Callable[[Wave, Any], None] = staticmethod(unseen)

    def __init__(self, fitted: Fitted, window: int, every: int = RATE, channels: int = 2) -> None:
        if window < 1 or every < 1:
            raise BadInput(f"window {window}, every {every} samples: at least 1 each expected")
        self._window, self._every, self._due = window, every, window
        self.channels = channels  # of the blocks: as many as the training clips have
        streamed: dict[int, _Streamed] = {}
        members = [self._with_stream(member, streamed) for member in fitted.members]
        self._fitted = dataclasses.replace(fitted, members=tuple(members))  # type: ignore[type-var]
        self._streamed = list(streamed.values())
        self._wave: np.ndarray | None = None  # (C, n) from sample _begins on
        self._begins = 0
        self.threshold = fitted.threshold

    @staticmethod
    def _with_stream(member: Any, streamed: dict[int, _Streamed]) -> Any:
        """The member with a streamed front-end where it can have one; members of one front-end share it."""
        frontend = member.frontend
        stream = frontend.stream() if isinstance(frontend, Causal) and id(frontend) not in streamed else None
        if stream is not None:
            streamed[id(frontend)] = _Streamed(frontend, stream)
        return dataclasses.replace(member, frontend=streamed.get(id(frontend), frontend))

    @property
    def streams(self) -> bool:
        """Whether some front-end takes in each sample once."""
        return bool(self._streamed)

    def push(self, block: np.ndarray) -> list[Reading]:
        """(C, n) float32 -> the readings that have come due."""
        self._wave = block if self._wave is None else np.concatenate([self._wave, block], axis=1)
        for streamed in self._streamed:
            streamed.push(block)
        return self._due_readings()

    def finish(self) -> list[Reading]:
        """The recording is over: the readings that waited only for a stream's last samples."""
        for streamed in self._streamed:
            streamed.finish()
        return [] if self._wave is None else self._due_readings()

    @property
    def window(self) -> float:
        """In seconds."""
        return self._window / RATE

    @property
    def end(self) -> float:
        """Of the recording so far, in seconds since it began."""
        return (self._begins + (0 if self._wave is None else self._wave.shape[1])) / RATE

    def go_on_after(self, lost: int) -> list[Reading]:
        """Sound is missing, `lost` samples: what waited for a stream's last samples, then windows begin anew."""
        readings = self.finish()
        self._begins = round(self.end * RATE) + lost
        self._wave, self._due = None, self._begins + self._window
        for streamed in self._streamed:
            streamed.begin(self._begins)
        return readings

    def _due_readings(self) -> list[Reading]:
        assert self._wave is not None
        readings = []
        while self._due <= min([self._begins + self._wave.shape[1], *(streamed.ends for streamed in self._streamed)]):
            readings.append(self._read(self._due))
            self._due += self._every
        self._forget(self._due - self._window)
        return readings

    def _read(self, end: int) -> Reading:
        assert self._wave is not None
        first = end - self._window
        for streamed in self._streamed:
            streamed.window = first, end
        wave = np.ascontiguousarray(self._wave[:, first - self._begins : end - self._begins])
        wave.flags.writeable = False  # so that front-ends share its STFT
        result = self._fitted(wave)
        self.shown(wave, self._fitted.members[0].frontend)
        return Reading(end / RATE, result.score, result.decision)

    def _forget(self, before: int) -> None:
        assert self._wave is not None
        drop = min(max(0, before - self._begins), self._wave.shape[1])
        self._wave, self._begins = self._wave[:, drop:], self._begins + drop
        for streamed in self._streamed:
            streamed.forget(before)
