"""aiSFX: sound effects' embeddings, 512 of each 2.3 s. sound (C, T) at 16 kHz -> (n, 512); channel 0 is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from asd.contracts import Feature, Wave
from asd.encoders.pooling import Mean, Pooling
from asd.errors import check
from asd.pretrained.aisfx import AISFX, BLOCK, RATE_44K, effects_network, log_mel, shipped
from asd.pretrained.checkpoints import found
from asd.pretrained.keeping import counted
from asd.pretrained.windows import cut, embedded, heard


@dataclass(frozen=True)
class Aisfx:
    """Ma and Lerch 2022; they leave a part of a window at the end out, here the last window ends with the sound."""

    checkpoint: str = ""  # empty: the one inside the installed package aisfx
    pooling: Pooling = Mean()
    device: str = "cpu"  # cpu | cuda
    batch: int = 32  # windows at once
    hop: int = 50  # frames of 23 ms between windows of 100; theirs

    def __post_init__(self) -> None:
        check("batch", self.batch, self.batch >= 1, "at least 1")
        check("hop", self.hop, self.hop >= 1, "at least 1")

    @property
    def _path(self) -> Path:
        return found(self.checkpoint, AISFX) if self.checkpoint else shipped()

    def files(self) -> tuple[Path, ...]:
        return (self._path,)

    @property
    def n_parameters(self) -> int:
        """Of the network, which is loaded for it."""
        return counted(effects_network(self._path, self.device))

    def embed(self, sound: Wave) -> Feature:
        """Raises BadInput for a sound shorter than a window of the spectrogram."""
        network = effects_network(self._path, self.device)

        @torch.inference_mode()
        def run(blocks: np.ndarray) -> np.ndarray:
            return network(torch.from_numpy(blocks).to(self.device)).cpu().numpy()

        blocks = cut(log_mel(heard(sound, RATE_44K)), BLOCK, self.hop)  # (n, 100, 96)
        return self.pooling.pool(embedded(run, blocks, self.batch))
