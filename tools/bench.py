#!/usr/bin/env python3
"""Speed, measured here and now: two ways of the same work in turn in one run, medians and their ratio.

    python tools/bench.py train       optimisation steps of the baseline's network, the organisers' way against ours
    python tools/bench.py features    log-mels of 10 s clips, librosa against ours

One process, one thread. Quote the ratio: absolute figures are this machine's, at this moment.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from torch import nn

from asd import signal
from asd.commands import command
from asd.detectors import AutoEncoder
from asd.detectors.vectors import Vectors, stack
from asd.epochs import Training
from asd.training import optimise, random_rows

CONTEXT = 5


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Rates of both, A B A B, after one round that does not count."""
    rates = [(theirs(), ours()) for _ in range(rounds + 1)][1:]
    return [a for a, _ in rates], [b for _, b in rates]


def report(title: str, unit: str, theirs: Sequence[float], ours: Sequence[float]) -> None:
    ratios = [b / a for a, b in zip(theirs, ours, strict=True)]
    print(f"{title}, {len(ours)} rounds in turn, one thread, medians (least to most):")
    for name, values in (("theirs", theirs), ("ours", ours)):
        print(f"  {name:7} {np.median(values):8.1f} {unit}  ({min(values):.1f} to {max(values):.1f})")
    print(f"  ratio   {np.median(ratios):8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


def random_clips(n_clips: int, n_frames: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(-40, 10, (n_frames, 128)).astype(np.float32) for _ in range(n_clips)]


def organisers_network() -> nn.Module:
    """The layers of `AutoEncoder()` as PyTorch's own modules."""
    sizes = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128]
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, momentum=0.01, eps=1e-3), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 640))


class Items(torch.utils.data.Dataset):
    """The organisers' cache, stacked vectors in float64, given out one at a time with the name of their clip."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, i: int) -> tuple[np.ndarray, str]:
        return self.vectors[i], f"section_00_source_train_normal_{i % 1000:04d}_noAttribute.wav"


def literal_epoch(vectors: np.ndarray) -> float:
    """Steps a second of one epoch the organisers' way: a DataLoader item by item, autograd's anomaly detection on."""
    network = organisers_network().train()
    torch.use_deterministic_algorithms(False)  # they assign to the function, and switch nothing on
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    loader = torch.utils.data.DataLoader(Items(vectors), batch_size=256, shuffle=True)
    begun = time.perf_counter()
    with torch.autograd.set_detect_anomaly(True):
        for batch, names in loader:
            _ = ["target" in name for name in names]  # the domain, parsed anew in each batch
            x = batch.float()
            adam.zero_grad()
            nn.functional.mse_loss(network(x), x).backward()
            adam.step()
    return len(loader) / (time.perf_counter() - begun)


def our_epoch(vectors: Vectors, precision: str) -> float:
    """Steps a second of one epoch of `asd.training`, its bookkeeping included."""

    def loss(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        return network(vectors[rows]).square().mean(dim=(1, 2))

    numbers = Training(epochs=1, validation_share=0.0, precision=precision)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        split = random_rows(len(vectors), numbers)
        optimise(AutoEncoder().trainer.build(640, (0,)), loss, split, numbers, (0,), "cpu", Path(folder))
        return -(-len(vectors) // numbers.batch_size) / (time.perf_counter() - begun)


def bench_train(rounds: int) -> None:
    torch.set_num_threads(1)
    clips = random_clips(300, 313)
    stacked, vectors = (
        np.concatenate([stack(clip, CONTEXT).numpy().astype(np.float64) for clip in clips]),
        Vectors(clips, CONTEXT),
    )
    for precision in ("float32", "bfloat16"):
        theirs, ours = in_turn(partial(our_epoch, vectors, precision), partial(literal_epoch, stacked), rounds)
        report(f"training, batches of 256 vectors of 640, theirs float32, ours {precision}", "steps/s", theirs, ours)


def waves(n_clips: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(n_clips):
        yield rng.normal(0, 0.1, (2, 160_000)).astype(np.float32)


def bench_features(rounds: int) -> None:
    import librosa

    clips = list(waves(20))

    def theirs() -> float:
        begun = time.perf_counter()
        for wave in clips:
            mel = librosa.feature.melspectrogram(y=wave[0], sr=16_000, n_fft=1024, hop_length=512, n_mels=128)
            10 * np.log10(np.maximum(mel, signal.EPS))
        return len(clips) / (time.perf_counter() - begun)

    def ours() -> float:
        begun = time.perf_counter()
        for wave in clips:
            signal.log_mel(signal.power(signal.stft(wave[:1], 1024, 512))[0], 128)
        return len(clips) / (time.perf_counter() - begun)

    report("log-mel of 10 s clips, one channel", "clips/s", *in_turn(ours, theirs, rounds))


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "features"])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(argv)
    {"train": bench_train, "features": bench_features}[args.what](args.rounds)


if __name__ == "__main__":
    sys.exit(main())
