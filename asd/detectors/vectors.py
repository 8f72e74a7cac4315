"""Vectors of neighbouring frames, what dense autoencoders train on: clips (F, D) in, rows (context * D) out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from asd.contracts import Feature
from asd.errors import BadInput

COLUMNS = 32  # of the frames in double precision at once: 80 MB at 1,000 clips of 10 s


class Vectors:
    """Stacks of `context` neighbouring frames of many clips, by row number, without storing the overlap.

    Frame-major: [frame 0's D features, frame 1's ...]. No stack spans two clips, whatever their lengths.
    """

    def __init__(self, features: Sequence[Feature], context: int, device: str = "cpu") -> None:
        frames = torch.from_numpy(np.concatenate(list(features))).to(device)  # (sum F, D)
        lengths = np.array([len(f) for f in features])
        ends = np.cumsum(lengths)
        counts = lengths - context + 1
        if counts.min() < 1:
            raise BadInput(f"a training clip has {lengths.min()} frames, {context} neighbouring frames make a vector")
        starts = [np.arange(e - n, e - n + c) for e, n, c in zip(ends, lengths, counts, strict=True)]
        self.starts = torch.from_numpy(np.concatenate(starts)).to(device)  # (n,) first frame of each row
        self.clip = np.repeat(np.arange(len(lengths)), counts)  # (n,) clip of each row
        n_stacks, size = len(frames) - context + 1, context * frames.shape[1]
        self._frames, self._context = frames, context
        self._stacks = frames.as_strided((n_stacks, size), (frames.shape[1], 1))  # overlapping view

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor:
        """Row numbers of any shape (...) -> (..., context * D)."""
        return self._stacks[self.starts[rows]]

    def statistics(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation (context * D,) over these rows, by number; on the CPU, some columns at a time."""
        starts = self.starts[rows.to(self.starts.device)]
        mean, std = [], []
        for place in range(self._context):
            for columns in self._frames.split(COLUMNS, dim=1):
                values = columns[starts + place].cpu().double()  # (n, COLUMNS)
                mean.append(values.mean(0))
                std.append(values.std(0, correction=0))
        return torch.cat(mean).float(), torch.cat(std).float()


def stack(feature: Feature, context: int) -> torch.Tensor:
    """(F, D) -> (F - context + 1, context * D), frame-major."""
    windows = np.lib.stride_tricks.sliding_window_view(feature, context, axis=0)  # (F', D, context)
    return torch.from_numpy(np.array(windows.swapaxes(1, 2)).reshape(len(windows), -1))
