"""The plain ways: the organisers' baseline (v5.1.1) as its description has it, with libraries' own means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from asd import signal

CONTEXT = 5


def network() -> nn.Sequential:
    """The layers of `AutoEncoder()` as PyTorch's own modules."""
    sizes = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128]
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, momentum=0.01, eps=1e-3), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 640))


def holding(ours: nn.Module) -> nn.Module:
    """The plain network with the weights of one of our stacked ones (S = 1), in evaluation state."""
    theirs = network()
    state = ours.state_dict()
    theirs.load_state_dict(
        {k: v[0].T if v.ndim == 3 and v.shape[1] > 1 else v.reshape(-1) for k, v in state.items()}, strict=False
    )
    return theirs.eval()


def log_mel(wave: np.ndarray) -> np.ndarray:
    """(T,) -> (M, F) in dB, by librosa."""
    import librosa

    mel = librosa.feature.melspectrogram(y=wave, sr=16_000, n_fft=1024, hop_length=512, n_mels=128, power=2.0)
    return 10 * np.log10(np.maximum(mel, signal.EPS))


def stacked(log_mels: np.ndarray) -> np.ndarray:
    """(M, F) -> (F', context * M) float64, the vectors that are kept for a whole training."""
    n_mels, n_frames = log_mels.shape
    vectors = np.zeros((n_frames - CONTEXT + 1, CONTEXT * n_mels))
    for place in range(CONTEXT):
        vectors[:, place * n_mels : (place + 1) * n_mels] = log_mels[:, place : place + len(vectors)].T
    return vectors


class Items(torch.utils.data.Dataset):
    """Vectors given out one at a time with the name of their clip."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, i: int) -> tuple[np.ndarray, str]:
        return self.vectors[i], f"section_00_source_train_normal_{i % 1000:04d}_noAttribute.wav"


def epoch(vectors: np.ndarray) -> None:
    """A DataLoader item by item, autograd's anomaly detection on."""
    net = network().train()
    torch.use_deterministic_algorithms(False)  # they assign to the function, and switch nothing on
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    with torch.autograd.set_detect_anomaly(True):
        for batch, names in torch.utils.data.DataLoader(Items(vectors), batch_size=256, shuffle=True):
            _ = ["target" in name for name in names]  # the domain, parsed anew in each batch
            x = batch.float()
            adam.zero_grad()
            nn.functional.mse_loss(net(x), x).backward()
            adam.step()


@torch.no_grad()
def mahala(path: Path, net: nn.Module, precisions: list[torch.Tensor]) -> float:
    """Of one clip: the mean of the whole matrix R P R' of its frames' residuals, the smaller of both domains."""
    import librosa

    wave, _ = librosa.load(path, sr=None, mono=False)
    x = torch.from_numpy(stacked(log_mel(wave[0]))).float()
    residuals = (x - net(x)).reshape(-1, x.shape[1] // CONTEXT)  # (F' context, M)
    return min(float((residuals @ p @ residuals.T).mean()) for p in precisions)
