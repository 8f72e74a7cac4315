"""BEATs as an encoder: sound (C, T) in, embeddings of its patches out, pooled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asd.contracts import Feature, Wave
from asd.encoders.heard_in_windows import HeardInWindows
from asd.pretrained import beats
from asd.pretrained.checkpoints import BEATS, found
from asd.pretrained.keeping import counted
from asd.pretrained.windows import in_windows


@dataclass(frozen=True)
class Beats(HeardInWindows):
    """Chen et al. 2023; (n, 768), n = 8 per 160 ms before pooling. Self-supervised or fine-tuned checkpoints.
    `checkpoint` is a file in Microsoft's layout, for example BEATs_iter3_plus_AS2M.pt.
    """

    def files(self) -> tuple[Path, ...]:
        return (found(self.checkpoint, BEATS),)

    @property
    def n_parameters(self) -> int:
        """Of the network, which is loaded for it."""
        return counted(beats.network(found(self.checkpoint, BEATS), self.device))

    def embed(self, sound: Wave) -> Feature:
        """(C, T) -> (n, D); channel 0 is heard"""
        network = beats.network(found(self.checkpoint, BEATS), self.device)
        return self.pooling.pool(in_windows(network.embed, sound[0], beats.WINDOW, self.batch))
