"""A trained embedder that can be had: aiSFX, a wave (T,) in, its unit embedding (512,) out, the mean over 2.3 s blocks.

Ma and Lerch 2022; weights (CC BY 4.0) lie in the package aisfx, whose code is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from asd.errors import check_least
from asd.frontends.distillation.embedders import unit
from asd.pretrained.aisfx import AISFX, BLOCK, RATE_44K, effects_network, log_mel, shipped
from asd.pretrained.checkpoints import found
from asd.pretrained.windows import cut, embedded, heard


@dataclass(frozen=True)
class AisfxEmbedder:
    """Of any length from 46 ms on; level does not matter."""

    checkpoint: str = ""  # empty: the one inside the installed package aisfx
    hop: int = 50  # frames of 23 ms between blocks of 100; theirs

    def __post_init__(self) -> None:
        check_least(self, 1, "hop")

    @property
    def _path(self) -> Path:
        return found(self.checkpoint, AISFX) if self.checkpoint else shipped()

    def files(self) -> tuple[Path, ...]:
        return (self._path,)

    def embed(self, wave: np.ndarray) -> np.ndarray:
        """(T,) at 16 kHz -> (512,)"""
        network = effects_network(self._path)

        @torch.inference_mode()
        def run(blocks: np.ndarray) -> np.ndarray:
            return network(torch.from_numpy(blocks)).numpy()

        blocks = cut(log_mel(heard(wave[None], RATE_44K)), BLOCK, self.hop)  # (n, 100, 96)
        return unit(embedded(run, blocks, batch=32).mean(axis=0))
