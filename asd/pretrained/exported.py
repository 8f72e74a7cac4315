"""Networks in files that hold their own structure, TorchScript or ONNX: waves (B, T) in, embeddings out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from asd.errors import check, needed
from asd.pretrained.checkpoints import refusing
from asd.pretrained.keeping import kept

Run = Callable[[np.ndarray], np.ndarray]


@kept
def exported(path: Path, device: str) -> Run:
    """Raises BadInput for a file of another kind; so does what it gives, for waves that the network refuses."""
    loaders = {".pt": torchscript, ".onnx": onnx}
    check("checkpoint", path, path.suffix in loaders, "a TorchScript (.pt) or ONNX (.onnx) file")
    with refusing(f"{path}: not readable as a {path.suffix} network"):
        network = loaders[path.suffix](path, device)

    def run(waves: np.ndarray) -> np.ndarray:
        with refusing(f"{path}: fails on waves {waves.shape}"):
            return network(waves)

    return run


def torchscript(path: Path, device: str) -> Run:
    network = torch.jit.load(str(path), map_location=device).eval()

    @torch.inference_mode()
    def run(waves: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(waves).to(device)).cpu().numpy()

    return run


def onnx(path: Path, device: str) -> Run:
    library = needed("onnxruntime", "onnx")
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    session = library.InferenceSession(str(path), options, providers=[provider])
    (waves_in,) = session.get_inputs()
    return lambda waves: session.run(None, {waves_in.name: waves})[0]
