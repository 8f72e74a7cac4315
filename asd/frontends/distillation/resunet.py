"""AudioSep's separation network: residual U-Net on magnitudes, steered by a query embedding. (B, T) -> (B, T) at 32 kHz

Kong et al. 2021 ("Decoupling magnitude and phase estimation with deep ResUNet"), additively modulated as in Liu et al.
2025 ("Separate anything you describe"). Module names are those of the public checkpoints; weights are the user's.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

RATE_32K = 32_000  # Hz
N_FFT, HOP = 2048, 320  # samples, 64 and 10 ms
BINS = N_FFT // 2 + 1  # 1,025; the network sees all but the last
QUERY = 512  # size of a query embedding
SLOPE = 0.01  # of the leaky ReLUs
WIDTH = 32  # channels of the outermost layers
TINY = 1e-10  # power under the square root, and the least modulus a phase residual is divided by

Channels = tuple[int, int, tuple[int, int]]  # in, out, pooling over (time, frequency)
ENCODER: tuple[Channels, ...] = (
    (32, 32, (2, 2)),
    (32, 64, (2, 2)),
    (64, 128, (2, 2)),
    (128, 256, (2, 2)),
    (256, 384, (2, 2)),
    (384, 384, (1, 2)),
)
INNER: Channels = (384, 384, (1, 1))
DECODER: tuple[Channels, ...] = (
    (384, 384, (1, 2)),
    (384, 384, (2, 2)),
    (384, 256, (2, 2)),
    (256, 128, (2, 2)),
    (128, 64, (2, 2)),
    (64, 32, (2, 2)),
)
TIME_FACTOR = 32  # frames are padded to a multiple of it, the product of the poolings over time

Shifts = dict[str, torch.Tensor]  # what the query adds after each batch norm, (B, channels, 1, 1)


class Residual(nn.Module):
    """Two 3 x 3 convolutions, each behind batch norm, shift and leaky ReLU, and a shortcut."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_out)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        if n_in != n_out:
            self.shortcut = nn.Conv2d(n_in, n_out, 1)

    def forward(self, x: torch.Tensor, shifts: Shifts, name: str) -> torch.Tensor:
        y = self.conv1(activated(self.bn1(x), shifts[f"{name}->beta1"]))
        y = self.conv2(activated(self.bn2(y), shifts[f"{name}->beta2"]))
        return (self.shortcut(x) if hasattr(self, "shortcut") else x) + y


def activated(x: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(x + shift, SLOPE)


class Encoder(nn.Module):
    """-> (pooled, before pooling)"""

    def __init__(self, n_in: int, n_out: int, pooling: tuple[int, int]) -> None:
        super().__init__()
        self.conv_block1 = Residual(n_in, n_out)
        self.pooling = pooling

    def forward(self, x: torch.Tensor, shifts: Shifts, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.conv_block1(x, shifts, f"{name}->conv_block1")
        return functional.avg_pool2d(y, self.pooling), y


class Decoder(nn.Module):
    """Back to the size of `skip`, which joins, then a residual block. `bn2` is in the checkpoints and is not used."""

    def __init__(self, n_in: int, n_out: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_in)
        self.conv1 = nn.ConvTranspose2d(n_in, n_out, stride, stride=stride, bias=False)
        self.conv_block2 = Residual(2 * n_out, n_out)

    def forward(self, x: torch.Tensor, skip: torch.Tensor, shifts: Shifts, name: str) -> torch.Tensor:
        y = self.conv1(activated(self.bn1(x), shifts[f"{name}->beta1"]))
        return self.conv_block2(torch.cat([y, skip], dim=1), shifts, f"{name}->conv_block2")


class Base(nn.Module):
    """Magnitudes (B, 1, F, 1025) and shifts -> three maps (B, 3, F, 1025)"""

    def __init__(self) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(BINS)
        self.pre_conv = nn.Conv2d(1, WIDTH, 1)
        self.encoders = [f"encoder_block{i}" for i in range(1, len(ENCODER) + 1)]
        self.decoders = [f"decoder_block{i}" for i in range(1, len(DECODER) + 1)]
        for name, sizes in zip(self.encoders, ENCODER, strict=True):
            self.add_module(name, Encoder(*sizes))
        self.conv_block7a = Encoder(*INNER)
        for name, sizes in zip(self.decoders, DECODER, strict=True):
            self.add_module(name, Decoder(*sizes))
        self.after_conv = nn.Conv2d(WIDTH, 3, 1)

    def forward(self, magnitude: torch.Tensor, shifts: Shifts) -> torch.Tensor:
        n_frames = magnitude.shape[2]
        x = self.bn0(magnitude.transpose(1, 3)).transpose(1, 3)  # normed per bin
        x = functional.pad(x, (0, -1, 0, -n_frames % TIME_FACTOR))  # the last bin is dropped
        x = self.pre_conv(x)
        skips = []
        for name in self.encoders:
            x, before = self.get_submodule(name)(x, shifts, name)
            skips.append(before)
        x, _ = self.conv_block7a(x, shifts, "conv_block7a")
        for name in self.decoders:
            x = self.get_submodule(name)(x, skips.pop(), shifts, name)
        return functional.pad(self.after_conv(x), (0, 1))[:, :, :n_frames]  # the dropped bin comes back as zero


class ResUNet30(nn.Module):
    """Mixtures (B, T) at 32 kHz and query embeddings (B, 512) -> what the query asks for, (B, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Base()
        self.film = nn.ModuleDict({name: nn.Linear(QUERY, n) for name, n in shifted(self.base)})
        self.window: torch.Tensor
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def forward(self, waves: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        spectra = self.stft(waves)  # (B, K, F)
        magnitude = spectra.abs().square().clamp(min=TINY).sqrt()
        shifts = {name: linear(query)[:, :, None, None] for name, linear in self.film.items()}
        maps = self.base(magnitude.transpose(1, 2)[:, None], shifts).transpose(2, 3)  # (B, 3, K, F)
        return self.inverse(masked(spectra, magnitude, maps), waves.shape[-1])

    def stft(self, waves: torch.Tensor) -> torch.Tensor:
        return torch.stft(waves, N_FFT, HOP, window=self.window, pad_mode="reflect", return_complex=True)

    def inverse(self, spectra: torch.Tensor, n_samples: int) -> torch.Tensor:
        return torch.istft(spectra, N_FFT, HOP, window=self.window, length=n_samples)


def masked(spectra: torch.Tensor, magnitude: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Magnitude mask and phase residual, maps (B, 3, K, F), onto the mixture's spectra (B, K, F)."""
    mask, turn = torch.sigmoid(maps[:, 0]), torch.complex(torch.tanh(maps[:, 1]), torch.tanh(maps[:, 2]))
    turn = turn / turn.abs().clamp(min=TINY)
    phase = spectra / magnitude
    return functional.relu(magnitude * mask) * phase * turn


def shifted(base: Base) -> list[tuple[str, int]]:
    """Names and channels of the batch norms a query shifts: all 38 but bn0; the decoders' six bn2 are idle."""
    found = []
    for name, module in base.named_modules():
        if isinstance(module, (Residual, Decoder)):
            path = name.replace(".", "->")
            found += [(f"{path}->beta1", module.bn1.num_features), (f"{path}->beta2", module.bn2.num_features)]
    return found
