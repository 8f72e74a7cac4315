"""The Audio Spectrogram Transformer as an encoder: sound (C, T) in, embeddings of its patches out, pooled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from asd.contracts import Feature, Wave
from asd.encoders.heard_in_windows import HeardInWindows
from asd.pretrained import ast
from asd.pretrained.checkpoints import AST, files_at, found
from asd.pretrained.keeping import counted
from asd.pretrained.windows import in_windows


@dataclass(frozen=True)
class Ast(HeardInWindows):
    """Gong et al. 2021; (n, 768), n = 12 per 100 ms before pooling. Needs the extra `encoders`.
    `checkpoint` is a folder in the hub's layout.
    """

    packages: ClassVar = ("transformers",)

    def files(self) -> tuple[Path, ...]:
        return files_at(found(self.checkpoint, AST))

    @property
    def n_parameters(self) -> int:
        """Of the network, which is loaded for it."""
        return counted(ast.network(found(self.checkpoint, AST), self.device).network)

    def embed(self, sound: Wave) -> Feature:
        """(C, T) -> (n, D); channel 0 is heard"""
        network = ast.network(found(self.checkpoint, AST), self.device)
        return self.pooling.pool(in_windows(network.embed, sound[0], network.window, self.batch))
