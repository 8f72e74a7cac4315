"""A small BEATs in Microsoft's layout, filled with numbers that need no download; and golden values of its output.

PYTHONPATH=. python tests/golden_beats.py    rewrites golden_beats.json from the package `avex`, which has the network:
                                             pip install --no-deps avex==1.4.0; pip install pydantic
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch
from golden_audiosep import filled

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden_beats.json"
PICKED = (slice(None, None, 97), slice(None, None, 5))  # of the output (n, D), what is kept
CFG = {  # the keys of the published checkpoints, most of them; training's are there too
    "encoder_layers": 3,
    "encoder_embed_dim": 48,
    "encoder_ffn_embed_dim": 96,
    "encoder_attention_heads": 4,
    "activation_fn": "gelu",
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.05,
    "dropout_input": 0.0,
    "layer_norm_first": False,
    "conv_bias": False,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": True,
    "num_buckets": 320,
    "max_distance": 800,
    "gru_rel_pos": True,
    "deep_norm": True,
    "input_patch_size": 16,
    "layer_wise_gradient_decay_ratio": 0.6,
    "embed_dim": 32,
}
LAYER = {  # name -> shape by width d, inner width f, heads h
    **{f"self_attn.{p}_proj.weight": "d d" for p in ("q", "k", "v", "out")},
    **{f"self_attn.{p}_proj.bias": "d" for p in ("q", "k", "v", "out")},
    "self_attn.grep_linear.weight": "8 d/h",
    "self_attn.grep_linear.bias": "8",
    "self_attn.grep_a": "1 h 1 1",
    "self_attn.relative_attention_bias.weight": "b h",
    "self_attn_layer_norm.weight": "d",
    "self_attn_layer_norm.bias": "d",
    "fc1.weight": "f d",
    "fc1.bias": "f",
    "fc2.weight": "d f",
    "fc2.bias": "d",
    "final_layer_norm.weight": "d",
    "final_layer_norm.bias": "d",
}


def layout(cfg: dict) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a published checkpoint's `model`, written down from the original."""
    d, e, patch = cfg["encoder_embed_dim"], cfg["embed_dim"], cfg["input_patch_size"]
    heads = cfg["encoder_attention_heads"]
    letters = {"d": d, "f": cfg["encoder_ffn_embed_dim"], "h": heads, "d/h": d // heads, "b": cfg["num_buckets"]}
    names = {
        "patch_embedding.weight": (e, 1, patch, patch),
        "layer_norm.weight": (e,),
        "layer_norm.bias": (e,),
        "post_extract_proj.weight": (d, e),
        "post_extract_proj.bias": (d,),
        "encoder.pos_conv.0.weight_g": (1, 1, cfg["conv_pos"]),
        "encoder.pos_conv.0.weight_v": (d, d // cfg["conv_pos_groups"], cfg["conv_pos"]),
        "encoder.pos_conv.0.bias": (d,),
        "encoder.layer_norm.weight": (d,),
        "encoder.layer_norm.bias": (d,),
    }
    for i in range(cfg["encoder_layers"]):
        for name, shape in LAYER.items():
            names[f"encoder.layers.{i}.{name}"] = tuple(letters.get(s) or int(s) for s in shape.split())
    return names


def state(cfg: dict = CFG) -> dict[str, torch.Tensor]:
    """Every bias, norm, gate and position off its default; one table of positions under each layer's name."""
    tensors = {name: filled(name, shape) for name, shape in layout(cfg).items()}
    for name in tensors:
        if "norm.weight" in name or name.endswith(("grep_a", "weight_g")):
            tensors[name] = tensors[name] + 1
        elif "relative_attention_bias" in name:
            tensors[name] = 3 * filled("positions", tuple(tensors[name].shape))
        elif "grep_linear" in name or "_proj" in name:
            tensors[name] = 2 * tensors[name]  # gates and attention away from one half and even
    return tensors


def wave(seconds: float = 6.0) -> np.ndarray:
    """(T,) tones in noise; enough patches that far positions share buckets"""
    rng, t = np.random.default_rng(0), np.arange(int(seconds * 16_000)) / 16_000
    return (0.1 * np.sin(2 * np.pi * 440 * t * (1 + 0.1 * t)) + rng.normal(0, 0.03, len(t))).astype(np.float32)


def avex_is_here() -> bool:
    return importlib.util.find_spec("avex") is not None and importlib.util.find_spec("pydantic") is not None


def theirs(cfg: dict = CFG) -> torch.nn.Module:
    """The oracle: avex's network, filled. Only its folder of BEATs is imported; the rest of avex needs much more."""
    folder = Path(importlib.util.find_spec("avex").submodule_search_locations[0], "models", "beats")
    spec = importlib.util.spec_from_file_location("avex_beats", folder / "__init__.py")
    package = sys.modules["avex_beats"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    network = package.BEATs(package.BEATsConfig(**cfg)).eval()
    told = network.load_state_dict(state(cfg), strict=False)  # the filter bank is a buffer there
    assert all(n.startswith("fbank.") or "parametrizations.weight" in n for n in told.missing_keys), told
    assert not told.unexpected_keys, told
    return network


@torch.no_grad()
def their_output(network: torch.nn.Module, mels: np.ndarray) -> np.ndarray:
    """Normalised log-mel energies (B, F, 128) -> (B, n, D)"""
    network.preprocess = lambda source: torch.from_numpy(mels)
    return network.extract_features(torch.zeros(len(mels), 1), feature_only=True)[0].numpy()


if __name__ == "__main__":
    from asd.pretrained.beats import mels

    found = their_output(theirs(), mels(wave()[None]))[0]
    GOLDEN.write_text(json.dumps({"shape": found.shape, "values": found[PICKED].tolist()}) + "\n")
