"""CLAP's text encoder through `transformers`: a text in, its unit embedding (512,) out.

Wu et al. 2023: RoBERTa base, its pooled output, two linear layers. Weights are the user's (those of `clap`: AudioSep's
checkpoint holds the text branch too), and so are the tokenizer's files, RoBERTa's vocab.json and merges.txt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from asd.errors import BadInput, needed
from asd.pretrained.checkpoints import CLAP, Expected, Tensors, below, files_at, found, load_exactly, read_tensors
from asd.pretrained.clap import PREFIXES
from asd.pretrained.hub import from_folder, loaded
from asd.pretrained.keeping import kept

TOKENIZER = Expected(
    "a folder with RoBERTa's vocab.json and merges.txt",
    "about 1.3 MB",
    "a local copy of the hub's roberta-base or laion/larger_clap_general",
)
LONGEST = 77  # tokens; LAION cuts and fills a text to as many
SIZES: dict[str, Any] = {"layer_norm_eps": 1e-5, "projection_dim": 512}  # RoBERTa base's; the library's has 1e-12
OPTIONAL = ("position_ids", "token_type_ids")  # buffers that hold no weights


@dataclass(frozen=True, eq=False)
class TextEncoder:
    network: torch.nn.Module

    @torch.inference_mode()
    def embed(self, tokens: Sequence[int]) -> np.ndarray:
        """Token numbers with their start and end -> (512,)"""
        given = torch.tensor([list(tokens)])
        return functional.normalize(self.network(input_ids=given).text_embeds[0], dim=0).numpy()


@kept
def text_encoder(path: Path, device: str) -> TextEncoder:
    """Raises BadInput for a file of something else, or without the library."""
    library = needed("transformers", "encoders")  # slow to import
    if path.is_dir():
        network = from_folder(library.ClapTextModelWithProjection, path, CLAP, OPTIONAL)
    else:
        network = library.ClapTextModelWithProjection(library.ClapTextConfig(**SIZES))
        load_exactly(network, renamed(read_tensors(path, CLAP), path), path, CLAP, OPTIONAL)
    return TextEncoder(network.eval().to(device))


def renamed(tensors: Tensors, path: Path) -> Tensors:
    """The text branch of a LAION-named CLAP under the library's names."""
    ours = below(tensors, PREFIXES, lambda name: name.startswith(("text_branch", "text_projection")))
    if not ours:
        raise BadInput(f"{path}: no text_branch.* in it; {CLAP}")
    return {library_name(name): tensor for name, tensor in ours.items()}


def library_name(name: str) -> str:
    """
    >>> library_name("text_branch.pooler.dense.weight"), library_name("text_projection.2.bias")
    ('text_model.pooler.dense.weight', 'text_projection.linear2.bias')
    """
    if projection := re.match(r"text_projection\.(\d)\.", name):
        layer = "linear1" if projection[1] == "0" else "linear2"
        return name.replace(f"text_projection.{projection[1]}", f"text_projection.{layer}")
    return name.replace("text_branch", "text_model")


def tokenizer_files(folder: str) -> tuple[Path, ...]:
    """Raises BadInput where the folder is missing."""
    return files_at(found(folder, TOKENIZER))


def tokens_of(text: str, folder: str) -> list[int]:
    """Token numbers of a text with their start and end, at most LONGEST. Raises BadInput."""
    library = needed("transformers", "encoders")
    path = found(folder, TOKENIZER)
    if not any((path / name).is_file() for name in ("vocab.json", "tokenizer.json")):
        raise BadInput(f"{path}: no vocab.json and no tokenizer.json in it; {TOKENIZER}")
    tokenizer = loaded(library.RobertaTokenizer, path, TOKENIZER)
    return list(tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"])


def embed(text: str, checkpoint: str, tokenizer: str) -> np.ndarray:
    """(512,) of a text, of length 1."""
    return text_encoder(found(checkpoint, CLAP)).embed(tokens_of(text, tokenizer))
