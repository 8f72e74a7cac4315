"""CLAP as an encoder: sound (C, T) in, embeddings of its windows out, pooled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from asd.contracts import Feature, Wave
from asd.encoders.heard_in_windows import HeardInWindows
from asd.pretrained import clap
from asd.pretrained.checkpoints import CLAP, files_at, found
from asd.pretrained.keeping import counted


@dataclass(frozen=True)
class Clap(HeardInWindows):
    """Wu et al. 2023; (n, 512), n = 1 per ten seconds, each of length 1. Needs the extra `encoders`.
    `checkpoint` is LAION's .pt, AudioSep's .ckpt, or a folder in the hub's layout.
    """

    packages: ClassVar = ("transformers",)

    def files(self) -> tuple[Path, ...]:
        return files_at(found(self.checkpoint, CLAP))

    @property
    def n_parameters(self) -> int:
        """Of the network, which is loaded for it."""
        return counted(clap.audio_encoder(found(self.checkpoint, CLAP), self.device).network)

    def embed(self, sound: Wave) -> Feature:
        """(C, T) -> (n, 512); channel 0 is heard"""
        encoder = clap.audio_encoder(found(self.checkpoint, CLAP), self.device)
        return self.pooling.pool(encoder.embed(sound[0], self.batch))
