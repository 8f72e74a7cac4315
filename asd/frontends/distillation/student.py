"""The student: a narrow-band LSTM, one small network for every frequency bin, that separates by what differs in space.

    NarrowBandLSTM.build      the recipe -> an untrained torch network, (K, F, 2 C) -> (K, F, 2)
    separate                  offline: a wave (C, T) -> the machine alone (T,), of unknown gain
    Stream                    the same block by block, for a causal (unidirectional) student

Structure: Quan and Li 2022 (narrow-band deep filtering), as the student of Shoda et al., "Spectral-to-spatial
distillation", sec. III-A. Real and imaginary parts of all channels go in, the machine's complex spectrum comes out;
both are divided by a mean magnitude of the reference channel, per bin, so that loudness does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from scipy.signal import lfilter
from torch import nn

from asd import signal
from asd.clips import RATE
from asd.errors import BadInput, check_least

TINY = 1e-8  # magnitude; stands for a silent bin's mean, far below PCM_16's rounding noise (about 1e-4)
BINS = 33  # a chunk's states stay in the core's cache: 1.6 times faster than all 257 bins, in training 2 times

State = list[tuple[torch.Tensor, torch.Tensor]]  # hidden and cell state of each layer, (1, K, units)


@dataclass(frozen=True)
class NarrowBandLSTM:
    """Sizes of the student. The paper's: units 256,128, bidirectional. The default streams, at 1 % of real time."""

    units: tuple[int, ...] = (64, 32)  # of each LSTM layer; chosen: 14 times fewer operations than 256-128, real time
    bidirectional: bool = False  # True: sees the whole clip, as the paper's; False: causal, so that it can stream
    memory: float = 2.0  # s, of the running mean magnitude a causal student divides by; chosen: longer than most events
    n_fft: int = 512  # samples, 32 ms; chosen: the student's filter must span the room's early reflections
    hop_length: int = 256  # samples, 16 ms
    seed: int = 0  # of the initial weights; a front-end is trained once per machine, so one is enough

    def __post_init__(self) -> None:
        check_least(self, 0, "seed")
        check_least(self, 2, "n_fft")
        if not self.units or min(self.units) < 1 or self.memory <= 0:
            raise BadInput(
                f"units {self.units}, memory {self.memory}: a layer or more of units, memory above 0 s needed"
            )
        if self.n_fft % 2 or self.hop_length < 1 or self.n_fft % self.hop_length or self.n_fft == self.hop_length:
            raise BadInput(
                f"n_fft {self.n_fft}, hop_length {self.hop_length}: an even n_fft and a whole fraction of it expected"
            )

    def build(self, n_channels: int) -> NarrowBandNet:
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return NarrowBandNet(n_channels, self.units, self.bidirectional)

    @property
    def decay(self) -> float:
        """Of the running mean magnitude, from frame to frame."""
        return float(np.exp(-self.hop_length / (RATE * self.memory)))


class NarrowBandNet(nn.Module):
    """(K, F, 2 C) -> (K, F, 2): LSTM layers over time, shared by all bins, and a linear layer."""

    def __init__(self, n_channels: int, units: tuple[int, ...], bidirectional: bool) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        sizes = [2 * n_channels, *(directions * n for n in units)]
        self.layers = nn.ModuleList(
            nn.LSTM(n_in, n, batch_first=True, bidirectional=bidirectional)
            for n_in, n in zip(sizes, units, strict=False)
        )
        self.output = nn.Linear(sizes[-1], 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.step(x, None)[0]

    def step(self, x: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """The same from a state on (None: silence before), and the state after the last frame."""
        after = []
        for i, layer in enumerate(self.layers):
            x, last = layer(x, state[i] if state else None)  # (K, F, units)
            after.append(last)
        return self.output(x), after


# ---- into the network and back -------------------------------------------------------------------------------------


def mean_magnitude(magnitude: np.ndarray, recipe: NarrowBandLSTM) -> np.ndarray:
    """What the spectra are divided by, (..., K, F) -> the same shape or F = 1: running mean (causal) or clip mean."""
    if recipe.bidirectional:
        return magnitude.mean(axis=-1, keepdims=True) + TINY
    start = np.zeros((*magnitude.shape[:-1], 1))
    return running_mean(magnitude, recipe.decay, start, 0)[0] + TINY


def running_mean(x: np.ndarray, decay: float, before: np.ndarray, n_before: int) -> tuple[np.ndarray, np.ndarray]:
    """`m(t) = sum_i decay^(t-i) x(i) / sum_i decay^(t-i)` along the last axis, float32, and what to go on from.

    `before` (..., 1) and `n_before` are the sum and the number of frames before these.
    """
    sums, after = lfilter([1.0], [1.0, -decay], x, axis=-1, zi=decay * before)
    counts = (1 - decay ** (n_before + 1 + np.arange(x.shape[-1]))) / (1 - decay)
    return (sums / counts).astype(np.float32), after / decay


def network_input(spectra: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(..., C, K, F) complex64 and (..., K, F) -> (..., K, F, 2 C): [re 0, im 0, re 1, im 1, ...] / scale."""
    normed = np.ascontiguousarray(np.moveaxis(spectra / scale[..., None, :, :], -3, -1))  # (..., K, F, C)
    return normed.view(np.float32)


def window(n_fft: int) -> np.ndarray:
    """(n_fft,) Hann, periodic, float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def synthesis_window(n_fft: int, hop_length: int) -> np.ndarray:
    """Hann divided by the sum of the squared windows that meet in a sample, (n_fft,) float32.

    A clip's last samples, where a frame is missing, fade out: dividing by what is there would blow them up.
    """
    squares = np.square(window(n_fft), dtype=np.float64).reshape(-1, hop_length).sum(axis=0)  # (hop,)
    return (window(n_fft) / np.tile(squares, n_fft // hop_length)).astype(np.float32)


def inverse_stft(spectra: torch.Tensor, n_fft: int, hop_length: int, n_samples: int) -> torch.Tensor:
    """(..., F, K) complex -> (..., T), of a centred STFT; differentiable."""
    windows = torch.from_numpy(synthesis_window(n_fft, hop_length)).to(spectra.device)
    frames = torch.fft.irfft(spectra, n_fft) * windows
    overlap = n_fft // hop_length
    pieces = frames.unflatten(-1, (overlap, hop_length))  # (..., F, overlap, hop)
    padded = nn.functional.pad(pieces, (0, 0, 0, 0, 0, overlap - 1))  # (..., F + overlap - 1, overlap, hop)
    summed = sum(torch.roll(padded[..., r, :], r, dims=-2) for r in range(overlap))
    wave = summed.flatten(-2)[..., n_fft // 2 :]  # type: ignore[union-attr]
    return nn.functional.pad(wave, (0, max(0, n_samples - wave.shape[-1])))[..., :n_samples]


def estimate(network: NarrowBandNet, recipe: NarrowBandLSTM, waves: np.ndarray, reference: int = 0) -> torch.Tensor:
    """Waves of equal length (B, C, T) -> the network's (B, T) on its device, differentiable; for training."""
    n_batch, n_channels, n_samples = waves.shape
    flat = signal.stft(waves.reshape(-1, n_samples), recipe.n_fft, recipe.hop_length)
    spectra = flat.reshape(n_batch, n_channels, *flat.shape[1:])  # (B, C, K, F)
    scale = mean_magnitude(np.abs(spectra[:, reference]), recipe)  # (B, K, F or 1)
    device = network.output.weight.device
    x = torch.from_numpy(network_input(spectra, scale)).to(device)  # (B, K, F, 2 C)
    at_once = BINS if device.type == "cpu" else x.shape[0] * x.shape[1]
    y = torch.cat(list(map(network, x.flatten(0, 1).split(at_once)))).unflatten(0, (n_batch, -1))  # (B, K, F, 2)
    out = torch.view_as_complex(y.contiguous()) * torch.from_numpy(scale).to(device)
    return inverse_stft(out.transpose(1, 2), recipe.n_fft, recipe.hop_length, n_samples)


# ---- offline ---------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def separate(network: NarrowBandNet, recipe: NarrowBandLSTM, wave: np.ndarray, threads: int = 1) -> np.ndarray:
    """(C, T) -> (T,) float32, of unknown gain; channel 0 is the reference. Bins go through in chunks, bit-equal."""
    spectra = signal.stft(wave, recipe.n_fft, recipe.hop_length)  # (C, K, F)
    scale = mean_magnitude(np.abs(spectra[0]), recipe)  # (K, F or 1)
    x = torch.from_numpy(network_input(spectra, scale))  # (K, F, 2 C)
    y = torch.cat(list(_in_chunks(network, x, threads)))  # (K, F, 2)
    out = torch.view_as_complex(y) * torch.from_numpy(scale)
    return inverse_stft(out.T, recipe.n_fft, recipe.hop_length, wave.shape[1]).numpy()


def _in_chunks(network: NarrowBandNet, x: torch.Tensor, threads: int) -> Iterator[torch.Tensor]:
    if threads == 1:
        return map(network, x.split(BINS))
    with ThreadPoolExecutor(threads) as pool:
        return iter(list(pool.map(torch.inference_mode()(network), x.split(BINS))))


# ---- streaming -------------------------------------------------------------------------------------------------------


class Stream:
    """A recording under way: `push` blocks (C, n) of any length, get the samples that are complete, late by n_fft / 2.

    After `finish()` the pieces put together equal `separate` of the whole recording, to rounding.
    """

    def __init__(self, network: NarrowBandNet, recipe: NarrowBandLSTM) -> None:
        if recipe.bidirectional:
            raise BadInput("a bidirectional student needs the whole clip; only a unidirectional one can stream")
        self._network, self._recipe = network, recipe
        self._waiting: np.ndarray | None = None  # (C, n) samples that still belong to frames to come
        self._sums = np.zeros((recipe.n_fft // 2 + 1, 1))  # running mean magnitude
        self._n_frames = self._n_in = self._n_out = 0
        self._state: State | None = None
        self._tail = np.zeros(recipe.n_fft, np.float32)  # output samples that frames to come will add to
        self._skip = recipe.n_fft // 2  # samples before the recording's first

    def push(self, block: np.ndarray) -> np.ndarray:
        """(C, n) -> (m,) float32."""
        if self._waiting is None:
            self._waiting = np.zeros((len(block), self._recipe.n_fft // 2), np.float32)
        self._n_in += block.shape[1]
        self._waiting = np.concatenate([self._waiting, block.astype(np.float32)], axis=1)
        return self._advance()

    def finish(self) -> np.ndarray:
        """The rest, (m,): as many samples have come out as went in. The stream is over."""
        if self._waiting is None:
            return np.zeros(0, np.float32)
        zeros = np.zeros((len(self._waiting), self._recipe.n_fft // 2), np.float32)
        self._waiting = np.concatenate([self._waiting, zeros], axis=1)
        due = self._n_in - self._n_out  # before these last frames
        rest = np.concatenate([self._advance(), self._tail[self._skip :]])
        return rest[:due]

    def _advance(self) -> np.ndarray:
        """All frames that are complete, through the network and overlap-added."""
        recipe, waiting = self._recipe, self._waiting
        assert waiting is not None
        n = max(0, (waiting.shape[1] - recipe.n_fft) // recipe.hop_length + 1)
        if n == 0:
            return np.zeros(0, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(waiting, recipe.n_fft, axis=-1)
        chosen = frames[:, : n * recipe.hop_length : recipe.hop_length]  # (C, n, n_fft)
        spectra = scipy.fft.rfft(chosen * window(recipe.n_fft), axis=-1).swapaxes(-1, -2)  # (C, K, n)
        self._waiting = waiting[:, n * recipe.hop_length :]
        return self._added(self._through(spectra))

    @torch.inference_mode()
    def _through(self, spectra: np.ndarray) -> np.ndarray:
        """(C, K, n) -> (n, n_fft) windowed output frames."""
        recipe = self._recipe
        mean, self._sums = running_mean(np.abs(spectra[0]), recipe.decay, self._sums, self._n_frames)
        scale = mean + np.float32(TINY)
        self._n_frames += spectra.shape[-1]
        y, self._state = self._network.step(torch.from_numpy(network_input(spectra, scale)), self._state)
        out = torch.view_as_complex(y.contiguous()).numpy() * scale  # (K, n)
        return scipy.fft.irfft(out.T, recipe.n_fft) * synthesis_window(recipe.n_fft, recipe.hop_length)

    def _added(self, frames: np.ndarray) -> np.ndarray:
        n_fft, hop = self._recipe.n_fft, self._recipe.hop_length
        out = np.zeros(len(frames) * hop + n_fft, np.float32)
        out[:n_fft] = self._tail
        for i, frame in enumerate(frames):
            out[i * hop : i * hop + n_fft] += frame
        ready, self._tail = out[: len(frames) * hop], out[len(frames) * hop :].copy()
        ready, self._skip = ready[self._skip :], max(0, self._skip - len(ready))
        self._n_out += len(ready)
        return ready
