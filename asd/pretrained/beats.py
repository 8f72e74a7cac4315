"""BEATs: waves (B, T) at 16 kHz in, embeddings of patches of 160 ms x 16 bands out, (B, n, D). Weights are the user's.

Chen et al. 2023 ("BEATs: audio pre-training with acoustic tokenizers"), the encoder alone; its position bias is Chi et
al. 2022 ("XLM-E", gated relative position bias), its residuals Wang et al. 2022 ("DeepNet"). Module names are those of
Microsoft's checkpoints, dicts of `cfg`, the sizes, and `model`, the tensors; a fine-tuned one's classifier is not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from asd.clips import RATE
from asd.errors import BadInput
from asd.pretrained.checkpoints import BEATS, load_exactly, only_tensors, read
from asd.pretrained.kaldi import FRAME, HOP, fbank
from asd.pretrained.keeping import kept

WINDOW = 10 * RATE  # samples, the length of the clips it was trained on; attention is quadratic in it
BANDS = 128  # of mel
MEAN, STD = 15.41663, 6.55582  # of the training's log-mel energies
FULL_SCALE = 2**15
GATES = 8  # numbers of which the two gates of a query are summed, four each
SUPPORTED = {  # all published checkpoints are so
    "layer_norm_first": False,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "activation_fn": "gelu",
    "conv_bias": False,
}


@dataclass(frozen=True)
class Sizes:
    """The part of a checkpoint's `cfg` that decides the network; what it leaves out has the original's defaults."""

    input_patch_size: int = -1  # bands and frames of a patch
    embed_dim: int = 512  # of a patch
    encoder_layers: int = 12
    encoder_embed_dim: int = 768
    encoder_ffn_embed_dim: int = 3072
    encoder_attention_heads: int = 12
    conv_pos: int = 128  # patches the convolutional position embedding sees
    conv_pos_groups: int = 16
    num_buckets: int = 320  # of relative positions, half of them for each direction
    max_distance: int = 1280  # patches; all further ones share a bucket
    deep_norm: bool = False
    layer_norm_first: bool = False
    relative_position_embedding: bool = False
    gru_rel_pos: bool = False
    activation_fn: str = "gelu"
    conv_bias: bool = False

    @property
    def residual(self) -> float:
        """DeepNet's alpha, the weight of what bypasses a sub-layer."""
        return (2 * self.encoder_layers) ** 0.25 if self.deep_norm else 1.0


class Attention(nn.Module):
    """Self-attention whose logits get a bias by relative position, scaled by two gates that each query sets."""

    def __init__(self, sizes: Sizes, position: nn.Embedding) -> None:
        super().__init__()
        width, self.heads = sizes.encoder_embed_dim, sizes.encoder_attention_heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.grep_linear = nn.Linear(width // self.heads, GATES)
        self.grep_a = nn.Parameter(torch.ones(1, self.heads, 1, 1))
        self.relative_attention_bias = position  # one for all layers, under each one's name

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """(B, n, D), bias (H, n, n) -> (B, n, D)"""
        q, k, v = (self.split(project(x)) for project in (self.q_proj, self.k_proj, self.v_proj))  # (B, H, n, d)
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=self.gate(q) * bias)
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def gate(self, q: torch.Tensor) -> torch.Tensor:
        """(B, H, n, 1), eq. (4) of XLM-E with the learnt scale of the reset gate"""
        update, reset = self.grep_linear(q).unflatten(3, (2, GATES // 2)).sum(dim=4).sigmoid().chunk(2, dim=3)
        return update * (reset * self.grep_a - 1) + 2


class Layer(nn.Module):
    """Attention, then two linear layers, each behind a weighted residual and a layer norm."""

    def __init__(self, sizes: Sizes, position: nn.Embedding) -> None:
        super().__init__()
        width, inner = sizes.encoder_embed_dim, sizes.encoder_ffn_embed_dim
        self.residual = sizes.residual
        self.self_attn = Attention(sizes, position)
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        x = self.self_attn_layer_norm(self.residual * x + self.self_attn(x, bias))
        return self.final_layer_norm(self.residual * x + self.fc2(functional.gelu(self.fc1(x))))


class PositionConvolution(nn.Module):
    """A grouped convolution over patches; its weight is kept as direction and, per tap, length."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, self.groups, taps = sizes.encoder_embed_dim, sizes.conv_pos_groups, sizes.conv_pos
        self.weight_g = nn.Parameter(torch.ones(1, 1, taps))
        self.weight_v = nn.Parameter(torch.ones(width, width // self.groups, taps))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, n, D) -> (B, n, D)"""
        weight = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        taps = weight.shape[2]
        y = functional.conv1d(x.transpose(1, 2), weight, self.bias, padding=taps // 2, groups=self.groups)
        return functional.gelu(y[:, :, : x.shape[1]]).transpose(1, 2)  # an even kernel gives one too many


class Encoder(nn.Module):
    """Projected patches (B, n, D) -> (B, n, D)"""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.max_distance = sizes.max_distance
        self.pos_conv = nn.ModuleList([PositionConvolution(sizes)])
        position = nn.Embedding(sizes.num_buckets, sizes.encoder_attention_heads)
        self.layers = nn.ModuleList([Layer(sizes, position) for _ in range(sizes.encoder_layers)])
        self.layer_norm = nn.LayerNorm(sizes.encoder_embed_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer_norm(x + self.pos_conv[0](x))
        bias = self.bias(x.shape[1])
        for layer in self.layers:
            x = layer(x, bias)
        return x

    def bias(self, n: int) -> torch.Tensor:
        """(H, n, n) by query and key"""
        table = self.layers[0].get_submodule("self_attn.relative_attention_bias")
        assert isinstance(table, nn.Embedding)
        place = torch.arange(n, device=table.weight.device)
        bucket = buckets(place[None, :] - place[:, None], table.num_embeddings, self.max_distance)
        return table(bucket).permute(2, 0, 1)


class Beats(nn.Module):
    """Normalised log-mel energies (B, F, M) -> (B, n, D), patches in the order of time, then frequency."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        patch, embed, width = sizes.input_patch_size, sizes.embed_dim, sizes.encoder_embed_dim
        self.patch_embedding = nn.Conv2d(1, embed, patch, stride=patch, bias=False)
        self.layer_norm = nn.LayerNorm(embed)
        self.post_extract_proj = nn.Linear(embed, width) if embed != width else nn.Identity()
        self.encoder = Encoder(sizes)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embedding(mels[:, None]).flatten(2).transpose(1, 2)  # (B, n, embed)
        return self.encoder(self.post_extract_proj(self.layer_norm(patches)))

    @torch.inference_mode()
    def embed(self, waves: np.ndarray) -> np.ndarray:
        """(B, T) -> (B, n, D). Raises BadInput for less than one patch."""
        weight = self.patch_embedding.weight
        least = FRAME + (weight.shape[2] - 1) * HOP
        if waves.shape[1] < least:
            raise BadInput(f"{waves.shape[1]} samples; BEATs needs at least {least} (was the clip cut off?)")
        return self(torch.from_numpy(mels(waves)).to(weight.device)).cpu().numpy()


def mels(waves: np.ndarray) -> np.ndarray:
    """(B, T) -> (B, F, 128) as the network was trained on them"""
    energies = np.stack([fbank(FULL_SCALE * wave, BANDS) for wave in waves])
    return (energies - np.float32(MEAN)) / np.float32(2 * STD)


def buckets(distance: torch.Tensor, count: int, furthest: int) -> torch.Tensor:
    """Of key minus query: one each up to a quarter of `count`, then logarithmically wider ones, to either side."""
    half, near = count // 2, count // 4
    far = torch.log(distance.abs().float() / near) / math.log(furthest / near) * (half - near)
    far = (near + far.clamp(min=0).long()).clamp(max=half - 1)
    return torch.where(distance.abs() < near, distance.abs(), far) + half * (distance > 0)


@kept
def network(path: Path, device: str) -> Beats:
    """Raises BadInput for a file of something else."""
    held = read(path, BEATS)
    if not isinstance(held.get("cfg"), dict) or not isinstance(held.get("model"), dict):
        raise BadInput(f"{path}: no `cfg` and `model` in it; {BEATS}")
    ours = Beats(sizes_in(held["cfg"], path))
    load_exactly(ours, only_tensors(held["model"], path, BEATS), path, BEATS, optional=("predictor",))
    return ours.eval().to(device)


def sizes_in(cfg: dict[str, Any], path: Path) -> Sizes:
    """Raises BadInput where it describes another kind of network."""
    sizes = Sizes(**{f.name: cfg[f.name] for f in fields(Sizes) if f.name in cfg})
    others = {name: getattr(sizes, name) for name, value in SUPPORTED.items() if getattr(sizes, name) != value}
    if others or sizes.input_patch_size < 1:
        told = ", ".join(f"{name}={value}" for name, value in others.items()) or "no input_patch_size"
        raise BadInput(f"{path}: another kind of network ({told}); {BEATS}")
    return sizes
