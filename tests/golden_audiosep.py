"""AudioSep's network in its public layout, filled with numbers that need no download; and golden values of its output.

python tests/golden_audiosep.py      rewrites golden_audiosep.json from the package `uss`, which ships the network:
                                     pip install --no-deps uss==0.0.4 torchlibrosa==0.1.0 einops
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden_audiosep.json"
PICKED = slice(3000, 12_000, 500)  # samples of the output that are kept


def filled(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Numbers that depend on the name alone; every bias and statistic is off its default, which would hide wiring."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        values = rng.uniform(0.5, 2, shape)
    elif name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    elif len(shape) == 1:
        values = rng.uniform(-0.3, 0.3, shape) + ("bn" in name and name.endswith("weight"))
    else:
        values = rng.uniform(-1, 1, shape) * (3 / np.prod(shape[1:])) ** 0.5
    return torch.from_numpy(np.asarray(values, np.float32))


def mixture_and_query() -> tuple[torch.Tensor, torch.Tensor]:
    """(1, T) at 32 kHz, (1, 512)"""
    rng = np.random.default_rng(0)
    query = rng.normal(size=(1, 512)).astype(np.float32)
    wave = rng.normal(0, 0.1, (1, 13_000)).astype(np.float32)
    return torch.from_numpy(wave), torch.from_numpy(query / np.linalg.norm(query))


def theirs() -> torch.nn.Module:
    """The oracle: uss's network, filled."""
    from uss.models.resunet import ResUNet30

    network = ResUNet30(1, 1, 512).eval()
    state = {k: t if "stft." in k else filled(k, tuple(t.shape)) for k, t in network.state_dict().items()}
    network.load_state_dict(state)
    return network


@torch.no_grad()
def their_output(network: torch.nn.Module) -> np.ndarray:
    wave, query = mixture_and_query()
    return network({"mixture": wave[:, None], "condition": query})["waveform"][0, 0].numpy()


if __name__ == "__main__":
    found = their_output(theirs())
    record = {"samples": found[PICKED].tolist(), "rms": float(np.sqrt(np.mean(found**2)))}
    GOLDEN.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
