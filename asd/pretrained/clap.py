"""CLAP's audio encoder through `transformers`: a wave (T,) in, unit embeddings of its windows out, (n, 512).

Wu et al. 2023 ("Large-scale contrastive language-audio pretraining"). Weights are the user's: LAION's checkpoint,
AudioSep's (the whole CLAP lies in it) or a folder of the Hugging Face hub's laion/larger_clap_general.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly
from torch.nn import functional

from asd.clips import RATE
from asd.errors import BadInput, needed
from asd.pretrained.checkpoints import CLAP, Tensors, below, load_exactly, read_tensors
from asd.pretrained.hub import from_folder
from asd.pretrained.keeping import kept
from asd.pretrained.windows import in_windows

CLAP_RATE = 48_000  # Hz
WINDOW = 10 * CLAP_RATE  # samples; longer clips are cut into windows
PREFIXES = ("query_encoder.model.", "module.", "")  # AudioSep's, LAION's, flat
SIZES: dict[str, Any] = {  # of the HTS-AT "base" encoder; the library's defaults are another one's
    "patch_embeds_hidden_size": 128,
    "hidden_size": 1024,
    "depths": [2, 2, 12, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "projection_dim": 512,
}
NAMES = (  # LAION's -> the library's, in this order
    ("audio_branch", "audio_model.audio_encoder"),
    ("attn", "attention.self"),
    ("self.proj", "output.dense"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
    ("norm1", "layernorm_before"),
    ("norm2", "layernorm_after"),
    ("bn0", "batch_norm"),
)
LEFT_OUT = re.compile(r"spectrogram_extractor|logmel_extractor|tscam_conv|audio_branch\.head|attn_mask")
OPTIONAL = ("relative_position_index", "num_batches_tracked")  # buffers that hold no weights


@dataclass(frozen=True, eq=False)
class AudioEncoder:
    network: torch.nn.Module
    features: Any  # ClapFeatureExtractor
    device: str

    def embed(self, wave: np.ndarray, batch: int = 1) -> np.ndarray:
        """(T,) at 16 kHz -> (n, 512), each window's; `batch` windows at once"""
        up = resample_poly(wave, CLAP_RATE // RATE, 1).astype(np.float32)  # (T',)
        return in_windows(self._windows, up, WINDOW, batch)

    @torch.inference_mode()
    def _windows(self, waves: np.ndarray) -> np.ndarray:
        """(B, T') at 48 kHz -> (B, 1, 512) of length 1"""
        mel = self.features(list(waves), sampling_rate=CLAP_RATE, return_tensors="pt")["input_features"]
        found = self.network(input_features=mel.to(self.device)).audio_embeds  # (B, 512)
        return functional.normalize(found, dim=1)[:, None].cpu().numpy()


@kept
def audio_encoder(path: Path, device: str) -> AudioEncoder:
    """Raises BadInput for a file of something else, or without the library."""
    library = needed("transformers", "encoders")  # slow to import
    features = library.ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="rand_trunc", padding="repeatpad"
    )  # Hz, and what LAION's training did with clips shorter than a window; none longer comes
    if path.is_dir():
        network = from_folder(library.ClapAudioModelWithProjection, path, CLAP, OPTIONAL)
    else:
        network = library.ClapAudioModelWithProjection(library.ClapAudioConfig(**SIZES))
        load_exactly(network, renamed(read_tensors(path, CLAP), path), path, CLAP, OPTIONAL)
    return AudioEncoder(network.eval().to(device), features, device)


def renamed(tensors: Tensors, path: Path) -> Tensors:
    """The audio branch of a LAION-named CLAP under the library's names; queries, keys and values come apart."""
    ours = below(tensors, PREFIXES, lambda name: name.startswith(("audio_branch", "audio_projection")))
    if not ours:
        raise BadInput(f"{path}: no audio_branch.* in it; {CLAP}")
    out: Tensors = {}
    for name, tensor in ours.items():
        if LEFT_OUT.search(name):
            continue
        new = library_name(name)
        if "qkv" in new:
            thirds = tensor.chunk(3)
            out |= {new.replace("qkv", part): t for part, t in zip(("query", "key", "value"), thirds, strict=True)}
        else:
            out[new] = tensor
    return out


def library_name(name: str) -> str:
    """
    >>> library_name("audio_branch.layers.0.blocks.1.attn.proj.weight")
    'audio_model.audio_encoder.layers.0.blocks.1.attention.output.dense.weight'
    """
    if projection := re.match(r"audio_projection\.(\d)\.", name):
        layer = "linear1" if projection[1] == "0" else "linear2"
        return name.replace(f"audio_projection.{projection[1]}", f"audio_projection.{layer}")
    for theirs, ours in NAMES:
        name = name.replace(theirs, ours)
    return name
