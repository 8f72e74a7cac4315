"""Progress: logs of jobs in; one line out that tells how far the whole run is and how long it goes on.

A log may have lines `epoch 3 of 100 ...`. A bar on a terminal, a line now and then elsewhere.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from tqdm import tqdm

logger = logging.getLogger(__name__)
EPOCH = re.compile(rb"^epoch (\d+) of (\d+)", re.MULTILINE)
TELL = 20.0  # seconds between two lines, where there is no terminal


class Progress:
    def __init__(self, logs: Mapping[str, Path], kinds: Mapping[str, str]) -> None:
        """Both by a job's name; jobs of one kind take about as long."""
        self.logs, self.kinds = logs, kinds
        self.most: dict[str, float] = {}  # share of each job: one with two trainings counts epochs twice
        self.seen: dict[str, float] = {}  # when its log was there first
        self.lengths: dict[str, float] = {}  # seconds of a job that is done, or would take at the pace it has
        self.ended: set[str] = set()
        self.now = self.told = time.monotonic()  # of the last look, and of the last line
        form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed} gone]"
        self.bar = tqdm(total=len(logs), disable=None, bar_format=form)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        self.bar.write(text, file=sys.stderr)

    def failed(self, job: str) -> None:
        """Its length tells nothing of others'."""
        self.lengths.pop(job, None)
        self.ended.add(job)

    def look(self, left: Sequence[str], waiting: str) -> None:
        """`left`: the jobs that are not done; those that run have a log."""
        self.now = time.monotonic()
        shares = {job: share_done(self.logs[job]) for job in left if self.logs[job].exists()}
        for job, (of, total) in shares.items():
            self.most[job] = max(self.most.get(job, 0.0), of / total if total else 0.0)
        self.measure(shares, left)
        self.bar.n = len(self.logs) - len(left) + sum(self.most[job] for job in shares)
        self.bar.set_description_str(told := self.line(left, shares, waiting))
        if self.bar.disable and self.now - self.told >= TELL:
            logger.info(told)
            self.told = self.now

    def measure(self, running: Iterable[str], left: Sequence[str]) -> None:
        for job in running:
            gone = self.now - self.seen.setdefault(job, self.now)
            if self.most[job] and gone:
                self.lengths[job] = gone / self.most[job]
        for job in self.seen.keys() - self.ended - {*left}:
            self.lengths[job] = self.now - self.seen[job]
            self.ended.add(job)

    def seconds_left(self, left: Sequence[str], running: int) -> float:
        """By the mean length of jobs of the same kind, or of all where none of it tells; 0 where none does at all."""
        if not self.lengths or not left:
            return 0.0
        of_kind: dict[str, list[float]] = {}
        for job, length in self.lengths.items():
            of_kind.setdefault(self.kinds[job], []).append(length)
        every = [*self.lengths.values()]
        whole = {job: self.lengths.get(job) or mean(of_kind.get(self.kinds[job], every)) for job in left}
        seconds = [max(0.0, length - (self.now - self.seen.get(job, self.now))) for job, length in whole.items()]
        return max(sum(seconds) / max(running, 1), *seconds)

    def line(self, left: Sequence[str], shares: Mapping[str, tuple[int, int]], waiting: str) -> str:
        seconds = self.seconds_left(left, len(shares))
        estimate = f", about {duration(seconds)} left" if seconds else ""
        running = ", ".join(f"{job} (epoch {of} of {total})" if total else job for job, (of, total) in shares.items())
        done, total = len(self.logs) - len(left), len(self.logs)
        return f"{done} of {total} jobs done{estimate}; running: {running or waiting or 'none'}"


def share_done(log: Path) -> tuple[int, int]:
    """The last epoch that a log tells and how many there will be; (0, 0) where it tells none."""
    try:
        found = EPOCH.findall(log.read_bytes())
    except OSError:
        return 0, 0
    return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)


def duration(seconds: float) -> str:
    """
    >>> duration(50), duration(400), duration(9000)
    ('50 s', '7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
