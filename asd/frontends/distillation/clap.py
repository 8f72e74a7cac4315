"""The paper's embedder, CLAP: a wave (T,) in, its unit embedding (512,) out, the mean over windows of ten seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.frontends.distillation.embedders import unit
from asd.pretrained.checkpoints import CLAP, files_at, found
from asd.pretrained.clap import audio_encoder


@dataclass(frozen=True)
class ClapEmbedder:
    """Embeddings of a user's CLAP checkpoint."""

    checkpoint: str = ""  # .pt or .ckpt file, or a folder with the hub's config.json and weights
    device: str = "cpu"  # cpu | cuda

    def files(self) -> tuple[Path, ...]:
        return files_at(found(self.checkpoint, CLAP))

    def embed(self, wave: np.ndarray) -> np.ndarray:
        """(T,) at 16 kHz -> (512,)"""
        return unit(audio_encoder(found(self.checkpoint, CLAP), self.device).embed(wave).mean(axis=0))
