"""aiSFX, an embedding of sound effects: waves (T,) at 44.1 kHz in, log-mel frames (F, 96); blocks of 100 of them in,
embeddings (512,) out.

Ma and Lerch 2022 ("Representation learning for the automatic indexing of sound effects libraries"), model
X-Sequential-CE; its weights, CC BY 4.0, are in the package's wheel. The network is Kong's CNN of four double
convolutions. Of their two front-ends this is the one by librosa, peak level included: recordings in effects libraries
are near full scale.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from asd import signal
from asd.errors import BadInput, present
from asd.pretrained.checkpoints import Expected, below, load_exactly, read_tensors
from asd.pretrained.keeping import kept

AISFX = Expected("checkpoint.pth", "24,900,277 bytes", "the package aisfx (pip install --no-deps aisfx==0.1.2)")
RATE_44K = 44_100  # Hz
N_FFT, HOP, MELS = 2048, 1024, 96  # samples, 46 and 23 ms; mel bands from 0 to 22,050 Hz
BLOCK = 100  # frames that are embedded together, 2.3 s
GAIN = 10_000  # of mel power under the logarithm
LARGEST = 9.457798957824707  # log-mel of their loudest training recording; divided by it, frames are from 0 to 1
WIDTHS = (64, 128, 256, 512)  # channels of the blocks
POOLED = 3  # the first blocks halve time and frequency
NO_TENSORS = ("numpy.core.multiarray.scalar", "numpy.dtype")  # in the checkpoint: numbers of classes of training sets


class DoubleConvolution(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm and ReLU; the names are the checkpoint's."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(n_out), nn.BatchNorm2d(n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)))


class EffectsNetwork(nn.Module):
    """Blocks of log-mel frames (B, 100, 96) -> embeddings (B, 512): mean over frequency, maximum over time."""

    def __init__(self) -> None:
        super().__init__()
        sizes = zip((1, *WIDTHS), WIDTHS, strict=False)
        self.names = [f"conv_block{i}" for i in range(1, len(WIDTHS) + 1)]
        for name, (n_in, n_out) in zip(self.names, sizes, strict=True):
            self.add_module(name, DoubleConvolution(n_in, n_out))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames[:, None]
        for i, name in enumerate(self.names):
            x = self.get_submodule(name)(x)
            x = nn.functional.max_pool2d(x, 2) if i < POOLED else x
        return x.mean(dim=3).amax(dim=2)


@kept
def effects_network(path: Path, device: str) -> EffectsNetwork:
    """Raises BadInput for a file of something else."""
    network = EffectsNetwork()
    tensors = read_tensors(path, AISFX, NO_TENSORS)
    load_exactly(network, below(tensors, ("embedding_net.", ""), lambda name: name.startswith("conv_")), path, AISFX)
    return network.to(device).eval()


def shipped() -> Path:
    """The checkpoint inside the installed package, which is not imported. Raises BadInput where it is absent."""
    spec = find_spec("aisfx")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(
            "aisfx is not installed: pip install --no-deps aisfx==0.1.2 (its own requirements cannot be met and are "
            "not needed; or give its checkpoint.pth as `checkpoint`)"
        )
    return present(str(Path(spec.submodule_search_locations[0], "models", "checkpoint.pth")), AISFX)


def log_mel(wave: np.ndarray) -> np.ndarray:
    """(T,) at 44.1 kHz -> (F, 96) float32. Raises BadInput for a wave shorter than a window."""
    if len(wave) < N_FFT:
        raise BadInput(f"less than {N_FFT / RATE_44K:.3f} s, a window of aiSFX's spectrogram (was the clip cut off?)")
    level = wave / (np.abs(wave).max() or 1)
    power = signal.power(signal.stft(level[None].astype(np.float32), N_FFT, HOP))[0]  # (K, F)
    return (np.log10(power.T @ mel_filters().T * GAIN + 1) / LARGEST).astype(np.float32)


@lru_cache
def mel_filters() -> np.ndarray:
    """(96, K) float32 HTK mel filters, each with the sum 1."""
    import librosa

    return librosa.filters.mel(sr=RATE_44K, n_fft=N_FFT, n_mels=MELS, htk=True, norm=1.0)
