"""Blind source separation, the slow spatial peers: a wave (C, T) in, C sources at microphone 0 (C, T) out.

ILRMA (Kitamura et al. 2016) and FastMNMF (Sekiguchi et al. 2020) of `ssspy`, as Shoda et al. used them, and of
`pyroomacoustics` beside them. None knows which source is the machine: `most_similar` chooses it by an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from asd.errors import BadInput

N_FFT, HOP = 1024, 512  # samples; chosen: 64 ms, longer than the room's early reflections, and half the frames of 512
BASES, ITERATIONS = 8, 100  # Shoda et al., sec. IV-C

Blind = Callable[[np.ndarray], np.ndarray]  # (C, K, F) complex -> (C, K, F), sources at microphone 0


def ssspy_ilrma(spectra: np.ndarray) -> np.ndarray:
    ilrma = _needed("ssspy.bss.ilrma")
    return ilrma.GaussILRMA(n_basis=BASES, record_loss=False, rng=np.random.default_rng(0))(spectra, n_iter=ITERATIONS)


def ssspy_fastmnmf(spectra: np.ndarray) -> np.ndarray:
    mnmf = _needed("ssspy.bss.mnmf")
    method = mnmf.FastGaussMNMF(n_basis=BASES, record_loss=False, rng=np.random.default_rng(0))
    return method(spectra, n_iter=ITERATIONS)


def pra_ilrma(spectra: np.ndarray) -> np.ndarray:
    ilrma = _needed("pyroomacoustics").bss.ilrma
    with global_seed(0):
        found = ilrma(spectra.transpose(2, 1, 0).astype(np.complex128), n_iter=ITERATIONS, n_components=BASES)
    return found.transpose(2, 1, 0)


def pra_fastmnmf(spectra: np.ndarray) -> np.ndarray:
    mnmf = _needed("pyroomacoustics").bss.fastmnmf2
    with global_seed(0):
        found = mnmf(spectra.transpose(2, 1, 0).astype(np.complex128), n_iter=ITERATIONS, n_components=BASES)
    return np.asarray(found).transpose(0, 2, 1) if found.shape[0] == len(spectra) else found.transpose(2, 1, 0)


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """NumPy's global generator, from which pyroomacoustics draws its start, seeded and set back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


METHODS: dict[str, Blind] = {
    "FastMNMF": ssspy_fastmnmf,
    "ILRMA": ssspy_ilrma,
    "FastMNMF (pyroomacoustics)": pra_fastmnmf,
    "ILRMA (pyroomacoustics)": pra_ilrma,
}


def separated(method: Blind, wave: np.ndarray) -> np.ndarray:
    """(C, T) -> (C, T)"""
    from scipy.signal import ShortTimeFFT

    transform = ShortTimeFFT(np.hanning(N_FFT + 1)[:-1], HOP, fs=1.0)
    spectra = np.stack([transform.stft(channel.astype(np.float64)) for channel in wave])  # (C, K, F)
    sources = method(spectra)
    return np.stack([transform.istft(s, k1=wave.shape[1]) for s in sources]).astype(np.float32)


def most_similar(sources: np.ndarray, embed: Callable[[np.ndarray], np.ndarray], reference: np.ndarray) -> np.ndarray:
    """(C, T) -> (T,): the source whose embedding is the most similar to the reference clip's."""
    wanted = embed(reference)
    return sources[int(np.argmax([float(embed(source) @ wanted) for source in sources]))]


def _needed(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".")[0]
        raise BadInput(f"{package} is not installed: pip install '.[separation]'") from error
