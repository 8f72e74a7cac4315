"""Checkpoints: a training under way and the files from which it goes on, or can be watched, after each epoch."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from asd.sealed import seal
from asd.store import is_kept, written_whole

CHECKPOINT_SHARE = 1 / 30  # of the time at most goes into checkpoints; when they are written changes no weight


@dataclass
class Run:
    """What one optimisation leaves: the network in evaluation state and a loss record an epoch."""

    network: torch.nn.Module
    history: list[list[float]] = field(
        default_factory=list
    )  # an epoch: training losses (S), validation losses (S), seconds
    best: dict[str, torch.Tensor] = field(default_factory=dict)  # weights of the best epoch, where training may stop

    def watch(self, patience: int) -> None:
        """Keep the weights if this epoch's validation loss is the least so far; of one seed."""
        if patience and self.since_best() == 0:
            self.best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def since_best(self) -> int:
        """Epochs since the least validation loss."""
        losses = [row[1] for row in self.history]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0


@dataclass
class Saver:
    """Writes checkpoints as often as CHECKPOINT_SHARE allows, and takes the run back to the last one."""

    path: Path
    run: Run
    adam: torch.optim.Optimizer
    last: float = field(default_factory=time.monotonic)
    cost: float = 0.0  # seconds the last checkpoint took

    def resume(self) -> None:
        if is_kept(self.path):
            found = torch.load(self.path, weights_only=True)
            self.run.network.load_state_dict(found["network"])
            self.adam.load_state_dict(found["adam"])
            self.run.history, self.run.best = found["history"], found["best"]

    def save_when_due(self) -> None:
        if time.monotonic() - self.last >= self.cost / CHECKPOINT_SHARE:
            begun = time.monotonic()
            self.save()
            self.last = time.monotonic()
            self.cost = self.last - begun

    def save(self) -> None:
        state = {"network": self.run.network.state_dict(), "adam": self.adam.state_dict()}
        with written_whole(self.path) as file:
            torch.save({**state, "history": self.run.history, "best": self.run.best}, file)
            seal(file)


def write_losses(path: Path, history: list[list[float]], seeds: Sequence[int]) -> None:
    """One row an epoch and seed; replaced each epoch, so that it can be watched."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["epoch", "seed", "training_loss", "validation_loss", "seconds"])
    for epoch, losses in enumerate(history, start=1):
        for i, seed in enumerate(seeds):
            rows.writerow([epoch, seed, losses[i], losses[len(seeds) + i], f"{losses[-1]:.3f}"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")
