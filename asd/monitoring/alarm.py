"""The alarm: scores of readings in, whether an alarm is on out. Raised by k of the last n, cleared with hysteresis."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from asd.errors import BadInput, check

RAISED, CLEARED = "raised", "cleared"


@dataclass(frozen=True)
class Alarm:
    """The rule; its numbers are chosen: one reading in twenty of a sound machine is over the threshold by chance."""

    k: int = 3  # readings over the threshold that raise the alarm, ...
    n: int = 5  # ... of the last n
    clear: int = 0  # at most so many of the last n over the threshold less `margin` clear it; below k
    margin: float = 0.0  # in units of the score

    def __post_init__(self) -> None:
        check("--alarm", f"{self.k}/{self.n}", 1 <= self.k <= self.n <= 10_000, "k/n with 1 <= k <= n <= 10000")
        check("--clear", self.clear, 0 <= self.clear < self.k, f"0 to {self.k - 1}, below the {self.k} that raise it,")
        check("--margin", f"{self.margin:g}", 0 <= self.margin < float("inf"), "0 or more")

    @classmethod
    def of(cls, text: str, clear: int, margin: float) -> Alarm:
        """`3/5` is k/n."""
        k, _, n = text.partition("/")
        if not (k.isdecimal() and n.isdecimal()):
            raise BadInput(f"--alarm {text}: K/N expected, for example 3/5: three of the last five readings")
        return cls(int(k), int(n), clear, margin)

    def after(self, scores: Iterable[float], threshold: float, is_on: bool) -> bool:
        """Whether the alarm is on after the last n scores, if it was (not) before them. nan is not over anything."""
        level = threshold - self.margin if is_on else threshold
        over = sum(score > level for score in scores)
        return over > self.clear if is_on else over >= self.k


class Watch:
    """The rule on readings as they come; it keeps the last n."""

    def __init__(self, rule: Alarm, threshold: float) -> None:
        self._rule, self.threshold = rule, threshold
        self._scores: deque[float] = deque(maxlen=rule.n)
        self.is_on = False

    def event(self, score: float) -> str:
        """RAISED or CLEARED where this reading makes the difference, else ""."""
        self._scores.append(score)
        was_on, self.is_on = self.is_on, self._rule.after(self._scores, self.threshold, self.is_on)
        return "" if self.is_on == was_on else RAISED if self.is_on else CLEARED
