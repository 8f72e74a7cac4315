"""CLAP's audio encoder through `transformers`: a wave (T,) in, its unit embedding (512,) out. Weights are the user's.

Wu et al. 2023 ("Large-scale contrastive language-audio pretraining"). Accepted are LAION's checkpoint, AudioSep's (the
whole CLAP lies in it) and a folder of the Hugging Face hub's laion/larger_clap_general.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly

from asd.clips import RATE
from asd.errors import BadInput, needed
from asd.frontends.distillation.embedders import unit
from asd.pretrained.checkpoints import CLAP, Tensors, below, found, load_exactly, read_tensors

CLAP_RATE = 48_000  # Hz
WINDOW = 10 * CLAP_RATE  # samples; longer clips are cut into windows, and their embeddings averaged
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


@dataclass(frozen=True)
class ClapEmbedder:
    """Embeddings of a user's CLAP checkpoint, the paper's embedder."""

    checkpoint: str = ""  # .pt or .ckpt file, or a folder with the hub's config.json and weights

    def files(self) -> tuple[Path, ...]:
        path = found(self.checkpoint, CLAP)
        return tuple(sorted(p for p in path.iterdir() if p.is_file())) if path.is_dir() else (path,)

    def embed(self, wave: np.ndarray) -> np.ndarray:
        """(T,) at 16 kHz -> (512,)"""
        return audio_encoder(found(self.checkpoint, CLAP)).embed(wave)


@dataclass(frozen=True, eq=False)
class AudioEncoder:
    network: torch.nn.Module
    features: Any  # ClapFeatureExtractor

    @torch.inference_mode()
    def embed(self, wave: np.ndarray) -> np.ndarray:
        up = resample_poly(wave, CLAP_RATE // RATE, 1).astype(np.float32)  # (T',)
        vectors = [self._window(piece) for piece in windows(up)]
        return unit(np.mean([unit(vector) for vector in vectors], axis=0))

    def _window(self, wave: np.ndarray) -> np.ndarray:
        mel = self.features(wave, sampling_rate=CLAP_RATE, return_tensors="pt")["input_features"]
        return self.network(input_features=mel).audio_embeds[0].numpy()


def windows(wave: np.ndarray) -> list[np.ndarray]:
    """Pieces of at most WINDOW samples that cover the wave; the last ends with it."""
    if len(wave) <= WINDOW:
        return [wave]
    starts = [*range(0, len(wave) - WINDOW, WINDOW), len(wave) - WINDOW]
    return [wave[s : s + WINDOW] for s in starts]


@lru_cache(maxsize=1)
def audio_encoder(path: Path) -> AudioEncoder:
    """Raises BadInput for a file of something else, or without the library."""
    library = needed("transformers", "separation")  # slow to import
    features = library.ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="rand_trunc", padding="repeatpad"
    )  # Hz, and what LAION's training did with clips shorter than a window; none longer comes
    if path.is_dir():
        network = library.ClapAudioModelWithProjection.from_pretrained(str(path), local_files_only=True)
    else:
        network = library.ClapAudioModelWithProjection(library.ClapAudioConfig(**SIZES))
        load_exactly(network, renamed(read_tensors(path, CLAP), path), path, CLAP, OPTIONAL)
    return AudioEncoder(network.eval(), features)


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
