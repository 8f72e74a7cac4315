"""AudioSep as a teacher: the near channel, separated by a query that is a clip of the machine, or a text.

Liu et al. 2025 ("Separate anything you describe"); audio queries without fine-tuning after Shoda et al., sec. III-C.
The checkpoint is the user's: AudioSep's own layout (`ss_model.*`), or a flat state dict of `base.*` and `film.*`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from scipy.signal import resample_poly

from asd.array_files import read_numpy
from asd.clips import RATE
from asd.contracts import Wave
from asd.errors import BadInput, present
from asd.frontends.distillation.clap import ClapEmbedder
from asd.frontends.distillation.embedders import unit
from asd.frontends.distillation.resunet import QUERY, RATE_32K, ResUNet30
from asd.frontends.distillation.teachers import Separate
from asd.pretrained import clap_text
from asd.pretrained.checkpoints import AUDIOSEP, below, found, load_exactly, read_tensors
from asd.pretrained.keeping import kept

PREFIXES = ("ss_model.", "module.", "model.", "")
FIXED = ("base.stft.", "base.istft.")  # the transform's own tensors in the checkpoints; torch.stft makes them


@dataclass(frozen=True)
class AudioSepTeacher:
    """The paper's teacher, 26 M parameters on the near channel alone, some seconds per clip on a CPU."""

    learns: ClassVar = False  # `open` takes nothing from the training clips

    checkpoint: str = ""  # audiosep_base_4M_steps.ckpt
    clap: str = ""  # CLAP checkpoint for the audio query; empty: the one inside `checkpoint`
    text_embedding: str = ""  # .npy of a CLAP text embedding (512,) to ask by text; empty: ask by the reference clip
    text: str = ""  # what to ask for, "fan running"; empty: ask by the reference clip
    tokenizer: str = ""  # folder of RoBERTa's vocab.json and merges.txt, for `text`
    device: str = "cpu"  # cpu | cuda, of the separator and of the query's CLAP

    def __post_init__(self) -> None:
        if self.text and self.text_embedding:
            raise BadInput(f"text '{self.text}', text_embedding {self.text_embedding}: one of the two expected")

    def files(self) -> tuple[Path, ...]:
        clap = () if self.text_embedding or not self.clap else ClapEmbedder(self.clap).files()
        embedding = (text_embedding_file(self.text_embedding),) if self.text_embedding else ()
        tokenizer = clap_text.tokenizer_files(self.tokenizer) if self.text else ()
        return (found(self.checkpoint, AUDIOSEP), *clap, *embedding, *tokenizer)

    def open(self, waves: Sequence[Wave], reference: np.ndarray) -> Separate:
        network = separator(found(self.checkpoint, AUDIOSEP), self.device)
        query = torch.from_numpy(self.query(reference))[None].to(self.device)  # (1, 512)

        @torch.inference_mode()
        def separate(wave: Wave) -> np.ndarray:
            up = resample_poly(wave[0], RATE_32K // RATE, 1).astype(np.float32)
            separated = network(torch.from_numpy(up)[None].to(self.device), query)[0].cpu().numpy()  # (2 T,)
            return resample_poly(separated, 1, RATE_32K // RATE).astype(np.float32)[: wave.shape[1]]

        return separate

    def query(self, reference: np.ndarray) -> np.ndarray:
        """(512,) float32"""
        if self.text_embedding:
            return read_text_embedding(text_embedding_file(self.text_embedding))
        if self.text:
            return clap_text.embed(self.text, self.clap or self.checkpoint, self.tokenizer)
        return ClapEmbedder(self.clap or self.checkpoint, self.device).embed(reference)


def text_embedding_file(path: str) -> Path:
    return present(path, f"`text_embedding` is a .npy of CLAP's embedding of a text, ({QUERY},)")


def read_text_embedding(path: Path) -> np.ndarray:
    """(512,) of length 1 from a .npy file. Raises BadInput."""
    vector = read_numpy(path, f"a vector of {QUERY} numbers")
    if isinstance(vector, dict) or vector.dtype.kind not in "fiu":
        raise BadInput(f"{path}: an .npz or no numbers, a finite vector of {QUERY} numbers expected")
    if vector.size != QUERY or not np.isfinite(vector).all() or not np.any(vector):
        raise BadInput(f"{path}: shape {vector.shape}, a finite vector of {QUERY} numbers expected")
    return unit(vector.reshape(-1).astype(np.float32))


@kept
def separator(path: Path, device: str) -> ResUNet30:
    """The network in evaluation state. Raises BadInput for a file of something else."""
    tensors = below(read_tensors(path, AUDIOSEP), PREFIXES, lambda name: name.startswith(("base.", "film.")))
    network = ResUNet30()
    ours = {name: tensor for name, tensor in tensors.items() if not name.startswith(FIXED)}
    load_exactly(network, ours, path, AUDIOSEP, ("num_batches_tracked",))
    return network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
