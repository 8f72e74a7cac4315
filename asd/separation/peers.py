"""Peers of the student, trained with clean pairs: three spectral filters on one channel. (B, T) -> (B, T)

Forms, in plain torch, of TF-GridNet (Wang et al. 2023), a Conformer mask network (Gulati et al. 2020; the paper's
"Conv-Transformer") and DPRNN (Luo et al. 2020), as Shoda et al. compare them without telling sizes. Layers, widths,
heads and windows are those of the networks' own papers (SIZES["paper"]), or *chosen* to train in minutes on one core
(SIZES["small"]); the structure is simpler than theirs, TF-GridNet's attention for instance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from asd.checkpoint import Run
from asd.clips import RATE
from asd.epochs import Training
from asd.si_snr import si_snr
from asd.training import optimise, random_groups

N_FFT, HOP = 512, 256  # samples, as the student's
BINS = N_FFT // 2 + 1


class Spectral(nn.Module):
    """The base of networks on complex spectra; the wave is brought to RMS 1 and back."""

    def __init__(self) -> None:
        super().__init__()
        self.window: torch.Tensor
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def filtered(self, spectra: torch.Tensor) -> torch.Tensor:
        """(B, K, F) complex -> the same."""
        raise NotImplementedError

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        level = level_of(waves)
        spectra = torch.stft(waves / level, N_FFT, HOP, window=self.window, return_complex=True, pad_mode="constant")
        out = torch.istft(self.filtered(spectra), N_FFT, HOP, window=self.window, length=waves.shape[-1])
        return level * out


def level_of(waves: torch.Tensor) -> torch.Tensor:
    """RMS, (B, T) -> (B, 1); above 0 for silence too."""
    return waves.square().mean(-1, keepdim=True).sqrt() + 1e-8


class ConformerMask(Spectral):
    """Log magnitudes through Conformer blocks to a mask between 0 and 1."""

    def __init__(self, width: int = 96, blocks: int = 3, heads: int = 4, kernel: int = 15) -> None:
        super().__init__()
        self.into = nn.Linear(BINS, width)
        self.blocks = nn.Sequential(*(ConformerBlock(width, heads, kernel) for _ in range(blocks)))
        self.out = nn.Linear(width, BINS)

    def filtered(self, spectra: torch.Tensor) -> torch.Tensor:
        x = torch.log1p(spectra.abs()).transpose(1, 2)  # (B, F, K)
        mask = torch.sigmoid(self.out(self.blocks(self.into(x))))
        return spectra * mask.transpose(1, 2)


class ConformerBlock(nn.Module):
    """Half a feed-forward, self-attention, convolution, half a feed-forward, each added to its input. (B, F, W)"""

    def __init__(self, width: int, heads: int, kernel: int) -> None:
        super().__init__()
        self.first, self.last = (feed_forward(width) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.convolution = Convolution(width, kernel)
        self.end = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + 0.5 * self.first(x)
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.convolution(x)
        return self.end(x + 0.5 * self.last(x))


def feed_forward(width: int) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))


class Convolution(nn.Module):
    """Gated pointwise, depthwise over time, pointwise. (B, F, W)"""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layers = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1),
            nn.GLU(dim=1),
            nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(self.norm(x).transpose(1, 2)).transpose(1, 2)


class TFGridNet(Spectral):
    """Real and imaginary maps through blocks along frequency, along time and across frames; complex out."""

    def __init__(self, width: int = 16, blocks: int = 2, hidden: int = 32, stride: int = 4, heads: int = 2) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.Conv2d(2, width, 3, padding=1), nn.GroupNorm(1, width))
        self.blocks = nn.Sequential(*(GridBlock(width, hidden, stride, heads) for _ in range(blocks)))
        self.out = nn.Conv2d(width, 2, 3, padding=1)

    def filtered(self, spectra: torch.Tensor) -> torch.Tensor:
        x = torch.view_as_real(spectra).permute(0, 3, 2, 1)  # (B, 2, F, K)
        y = self.out(self.blocks(self.into(x)))
        return torch.view_as_complex(y.permute(0, 3, 2, 1).contiguous())


class GridBlock(nn.Module):
    """(B, W, F, K) -> the same."""

    def __init__(self, width: int, hidden: int, stride: int, heads: int) -> None:
        super().__init__()
        self.along_frequency, self.along_time = (Strided(width, hidden, stride) for _ in range(2))
        self.attention = nn.MultiheadAttention(width * heads, heads, batch_first=True)
        self.query = nn.Conv2d(width, heads, 1)
        self.squeeze = nn.Linear(heads * BINS, width * heads)
        self.spread = nn.Linear(width * heads, BINS)
        self.norm = nn.GroupNorm(1, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n_batch, width, n_frames, n_bins = x.shape
        rows = x.permute(0, 2, 3, 1).flatten(0, 1)  # (B F, K, W)
        x = x + self.along_frequency(rows).unflatten(0, (n_batch, n_frames)).permute(0, 3, 1, 2)
        columns = x.permute(0, 3, 2, 1).flatten(0, 1)  # (B K, F, W)
        x = x + self.along_time(columns).unflatten(0, (n_batch, n_bins)).permute(0, 3, 2, 1)
        frames = self.squeeze(self.query(self.norm(x)).permute(0, 2, 1, 3).flatten(2))  # (B, F, heads W)
        gate = self.spread(self.attention(frames, frames, frames, need_weights=False)[0])  # (B, F, K)
        return x * torch.sigmoid(gate)[:, None]


class Strided(nn.Module):
    """A bidirectional LSTM over stretches of `stride` steps. (N, L, W) -> the same."""

    def __init__(self, width: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride, self.norm = stride, nn.LayerNorm(width)
        self.lstm = nn.LSTM(width * stride, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, width * stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        padded = functional.pad(self.norm(x), (0, 0, 0, -length % self.stride))
        stretches = padded.reshape(n, -1, self.stride * width)
        return self.out(self.lstm(stretches)[0]).reshape(n, -1, width)[:, :length]


class DPRNN(nn.Module):
    """Time domain: a learnt filter bank, LSTMs within and across overlapping chunks, a mask, and back."""

    def __init__(self, width: int = 64, hidden: int = 48, blocks: int = 2, taps: int = 32, chunk: int = 100) -> None:
        super().__init__()
        self.taps, self.chunk = taps, chunk
        self.encoder = nn.Conv1d(1, width, taps, stride=taps // 2, bias=False)
        self.norm = nn.GroupNorm(1, width)
        self.within, self.across = (nn.ModuleList(Strided(width, hidden, 1) for _ in range(blocks)) for _ in range(2))
        self.mask = nn.Conv1d(width, width, 1)
        self.decoder = nn.ConvTranspose1d(width, 1, taps, stride=taps // 2, bias=False)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        level = level_of(waves)
        n_samples, hop = waves.shape[-1], self.taps // 2
        padded = functional.pad(waves / level, (hop, hop + -n_samples % hop))
        encoded = functional.relu(self.encoder(padded[:, None]))  # (B, W, L)
        mask = functional.relu(self.mask(self._chunked(self.norm(encoded))))
        return level * self.decoder(encoded * mask)[:, 0, hop : hop + n_samples]

    def _chunked(self, x: torch.Tensor) -> torch.Tensor:
        """(B, W, L) -> the same, through chunks that overlap by half."""
        n_batch, width, length = x.shape
        half = self.chunk // 2
        padded = functional.pad(x, (half, half + -length % half))
        chunks = padded.unfold(-1, self.chunk, half).permute(0, 2, 3, 1)  # (B, N, chunk, W)
        for within, across in zip(self.within, self.across, strict=True):
            chunks = chunks + within(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])
            turned = chunks.transpose(1, 2)  # (B, chunk, N, W)
            chunks = chunks + across(turned.flatten(0, 1)).unflatten(0, turned.shape[:2]).transpose(1, 2)
        halves = chunks.permute(0, 3, 1, 2).unflatten(-1, (2, half))  # (B, W, N, 2, half)
        first, second = halves[:, :, 1:, 0], halves[:, :, :-1, 1]  # the two chunks that meet in each half
        return (first + second).flatten(2)[..., :length]


PEERS: dict[str, Callable[..., nn.Module]] = {
    "TF-GridNet": TFGridNet,
    "Conv-Transformer": ConformerMask,
    "DPRNN": DPRNN,
}
SIZES: dict[str, dict[str, dict[str, int]]] = {
    "paper": {
        "TF-GridNet": {"width": 48, "blocks": 6, "hidden": 192, "stride": 4, "heads": 4},
        "Conv-Transformer": {"width": 144, "blocks": 16, "heads": 4, "kernel": 31},  # chosen of three: Conformer S
        "DPRNN": {"width": 64, "hidden": 128, "blocks": 6, "taps": 16, "chunk": 100},  # chosen of four: its fastest
    },
    "small": {title: {} for title in PEERS},  # the defaults of the classes
}


def built(name: str, size: str) -> nn.Module:
    """An untrained peer; the same weights at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PEERS[name](**SIZES[size][name])


def supervised(
    network: nn.Module,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    training: Training,
    seconds: float,
    scratch: Path,
) -> Run:
    """A peer trained on (mixture, clean) pairs (T,), in segments of `seconds`, to the best mean SI-SNR.

    The same call with the same folder `scratch` resumes a training that was killed.
    """
    length = min(int(seconds * RATE), *(len(clean) for _, clean in pairs))
    starts = [(i, s) for i, (_, c) in enumerate(pairs) for s in range(0, len(c) - length + 1, length)]
    groups = np.array([i for i, _ in starts])
    loss = partial(_loss, pairs, starts, length)
    return optimise(network, loss, random_groups(groups, training), training, [0], "cpu", scratch)


def _loss(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    starts: Sequence[tuple[int, int]],
    length: int,
    network: nn.Module,
    rows: torch.Tensor,
) -> torch.Tensor:
    """(1, B) -> (1,)"""
    chosen = [(pairs[i], s) for i, s in (starts[row] for row in rows[0].tolist())]
    mixtures, clean = (
        torch.from_numpy(np.stack([pair[side][s : s + length] for pair, s in chosen])) for side in (0, 1)
    )
    return -si_snr(network(mixtures), clean).mean()[None]
