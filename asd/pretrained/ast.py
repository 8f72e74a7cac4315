"""The Audio Spectrogram Transformer through `transformers`: waves (B, T) at 16 kHz in, an embedding of each patch out,
(B, n, D). Weights are the user's, a folder in the hub's layout.

Gong et al. 2021 ("AST: audio spectrogram transformer"). Its input has a fixed number of frames, 1,024 in the published
ones: a shorter clip is padded, as in its training, and patches that lie in the padding are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asd.clips import RATE
from asd.errors import needed
from asd.pretrained.checkpoints import AST
from asd.pretrained.hub import from_folder, loaded
from asd.pretrained.kaldi import FRAME, HOP
from asd.pretrained.keeping import kept

TOKENS = 2  # before the patches: class and distillation


@dataclass(frozen=True, eq=False)
class Ast:
    network: Any  # ASTModel
    features: Any  # ASTFeatureExtractor
    device: str

    @property
    def window(self) -> int:
        """Samples that fill the frames of its input; longer clips are cut into windows."""
        return FRAME + (self.network.config.max_length - 1) * HOP

    @torch.inference_mode()
    def embed(self, waves: np.ndarray) -> np.ndarray:
        """(B, T) -> (B, n, D), patches in the order of time, then frequency"""
        mels = self.features(list(waves), sampling_rate=RATE, return_tensors="pt")["input_values"]  # (B, F, M)
        found = self.network(mels.to(self.device)).last_hidden_state[:, TOKENS:]  # (B, bands * times, D)
        by_time = found.unflatten(1, (self._patches(self.network.config.num_mel_bins, "frequency"), -1)).transpose(1, 2)
        heard = self._patches(1 + max(0, waves.shape[1] - FRAME) // HOP, "time")
        return by_time[:, : max(1, heard)].flatten(1, 2).cpu().numpy()

    def _patches(self, size: int, axis: str) -> int:
        """How many whole patches lie in `size` bands or frames."""
        config = self.network.config
        return (size - config.patch_size) // getattr(config, f"{axis}_stride") + 1


@kept
def network(path: Path, device: str) -> Ast:
    """Raises BadInput for a folder of something else, or without the library."""
    library = needed("transformers", "encoders")  # slow to import
    model = from_folder(library.ASTModel, path, AST)
    return Ast(model.eval().to(device), loaded(library.ASTFeatureExtractor, path, AST), device)
