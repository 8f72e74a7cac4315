"""Blind source separation, the slow spatial peers: a wave (C, T) in, C sources at microphone 0 (C, T) out.

ILRMA (Kitamura et al. 2016) and FastMNMF (Sekiguchi et al. 2020) of `ssspy`, as Shoda et al. used them, and of
`pyroomacoustics` beside them. None knows which source is the machine: `most_similar` chooses it by an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from asd.clips import RATE
from asd.errors import BadInput, needed

N_FFT, HOP = 1024, 512  # samples; chosen: 64 ms, longer than the room's early reflections, and half the frames of 512
BASES, ITERATIONS = 8, 100  # Shoda et al., sec. IV-C
EXTRA = "separation"  # of the kit, brings the libraries

Blind = Callable[[np.ndarray], np.ndarray]  # (C, K, F) complex -> (C, K, F), sources at microphone 0


class Inseparable(BadInput):
    """A method finds no finite sources in this mixture; it may in others."""


def ssspy_ilrma(spectra: np.ndarray) -> np.ndarray:
    ilrma = needed("ssspy.bss.ilrma", EXTRA)
    return ilrma.GaussILRMA(n_basis=BASES, record_loss=False, rng=np.random.default_rng(0))(spectra, n_iter=ITERATIONS)


def ssspy_fastmnmf(spectra: np.ndarray) -> np.ndarray:
    mnmf = needed("ssspy.bss.mnmf", EXTRA)
    method = mnmf.FastGaussMNMF(n_basis=BASES, record_loss=False, rng=np.random.default_rng(0))
    return method(spectra, n_iter=ITERATIONS)


def pra_ilrma(spectra: np.ndarray) -> np.ndarray:
    ilrma = needed("pyroomacoustics", EXTRA).bss.ilrma
    with global_seed(0):
        found = ilrma(spectra.transpose(2, 1, 0).astype(np.complex128), n_iter=ITERATIONS, n_components=BASES)
    return found.transpose(2, 1, 0)


def pra_fastmnmf(spectra: np.ndarray) -> np.ndarray:
    mnmf = needed("pyroomacoustics", EXTRA).bss.fastmnmf2
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


def separated(name: str, wave: np.ndarray) -> np.ndarray:
    """(C, T) -> (C, T) by a method of METHODS. Raises Inseparable where it finds no finite sources."""
    from scipy.signal import ShortTimeFFT

    transform = ShortTimeFFT(np.hanning(N_FFT + 1)[:-1], HOP, fs=1.0)
    spectra = np.stack([transform.stft(channel.astype(np.float64)) for channel in wave])  # (C, K, F)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):  # what comes of it is told below
            sources = METHODS[name](spectra)
    except np.linalg.LinAlgError as error:
        raise _inseparable(name, wave, str(error)) from error
    found = np.stack([transform.istft(s, k1=wave.shape[1]) for s in sources]).astype(np.float32)
    if not np.isfinite(found).all():
        raise _inseparable(name, wave, "NaN or infinite samples")
    return found


def _inseparable(name: str, wave: np.ndarray, what: str) -> Inseparable:
    return Inseparable(
        f"{name}: no finite sources in a mixture of {len(wave)} channels and {wave.shape[1] / RATE:g} s ({what}); "
        "several seconds of broadband sound that differs between the channels expected (too short, a pure tone, or a "
        "silent channel?); without this method the others can be compared"
    )


def most_similar(sources: np.ndarray, embed: Callable[[np.ndarray], np.ndarray], reference: np.ndarray) -> np.ndarray:
    """(C, T) -> (T,): the source whose embedding is the most similar to the reference clip's."""
    wanted = embed(reference)
    return sources[int(np.argmax([float(embed(source) @ wanted) for source in sources]))]
