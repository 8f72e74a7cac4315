"""Mixtures whose clean machine sound is known: recordings and impulse responses in, (C, T) mixture and image out.

    <machine>/normal*.wav, anomaly*.wav (flac too), or the folders normal/ and anomaly/
    <noise>/*.wav
    impulse responses: an npz of `<room>__machine` and `<room>__noise_<i>` (C, taps), a folder of machine.wav and
    noise_*.wav with C channels, or a simulated room

Training and test share no stretch of a machine recording and no noise recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import fftconvolve

from asd.clips import RATE
from asd.contracts import Arrays
from asd.errors import BadInput

SUFFIXES = (".wav", ".flac")
TRAIN_SHARE = 0.6  # of the normal recordings, or of the only one's length
SELF_NOISE = -50.0  # dB of the mixture, each microphone's own


@dataclass(frozen=True)
class Mixture:
    """One clip."""

    wave: np.ndarray  # (C, T) float32
    clean: np.ndarray  # (T,) float32, the machine at microphone 0, without noise
    is_anomaly: bool
    snr: float  # dB at microphone 0


@dataclass(frozen=True)
class Room:
    """Impulse responses to C microphones, 0 the nearest to the machine."""

    machine: np.ndarray  # (C, taps)
    noise: tuple[np.ndarray, ...]  # (C, taps) each position

    @property
    def n_channels(self) -> int:
        return len(self.machine)


@dataclass(frozen=True)
class Scene:
    """What mixtures are drawn from."""

    normal: tuple[np.ndarray, ...]
    test_normal: tuple[np.ndarray, ...]
    anomaly: tuple[np.ndarray, ...]
    noise: tuple[np.ndarray, ...]
    test_noise: tuple[np.ndarray, ...]
    room: Room
    seconds: float
    snr: tuple[float, float]  # dB, drawn evenly

    def train(self, n: int, seed: int) -> list[Mixture]:
        """Normal ones."""
        return [self._draw(self.normal, self.noise, False, (seed, 0, i)) for i in range(n)]

    def test(self, n: int, seed: int) -> list[Mixture]:
        """Half normal, half anomalous."""
        normal = [self._draw(self.test_normal, self.test_noise, False, (seed, 1, i)) for i in range(n // 2)]
        return normal + [self._draw(self.anomaly, self.test_noise, True, (seed, 2, i)) for i in range(n // 2)]

    def reference(self) -> np.ndarray:
        """(T,) a clean normal training stretch at microphone 0: the one-shot reference."""
        rng = np.random.default_rng(0)
        return through(stretch(self.normal, int(self.seconds * RATE), rng), self.room.machine)[0]

    def _draw(
        self,
        machine: Sequence[np.ndarray],
        noise: Sequence[np.ndarray],
        is_anomaly: bool,
        numbers: tuple[int, int, int],
    ) -> Mixture:
        rng, length = np.random.default_rng(numbers), int(self.seconds * RATE)
        image = through(stretch(machine, length, rng), self.room.machine)  # (C, T)
        position = self.room.noise[rng.integers(len(self.room.noise))]
        disturbance = through(stretch(noise, length, rng), position)
        snr = float(rng.uniform(*self.snr))
        disturbance *= rms(image[0]) / max(rms(disturbance[0]), 1e-12) * 10 ** (-snr / 20)
        mixed = image + disturbance
        mixed += 10 ** (SELF_NOISE / 20) * rms(mixed[0]) * rng.standard_normal(mixed.shape)
        gain = 10 ** (rng.uniform(-30, -24) / 20) / rms(mixed[0])  # so that the level tells nothing of the SNR
        return Mixture((gain * mixed).astype(np.float32), (gain * image[0]).astype(np.float32), is_anomaly, snr)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def through(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(T,) -> (C, T)"""
    return np.stack([fftconvolve(x, h)[: len(x)] for h in response])


def stretch(pool: Sequence[np.ndarray], length: int, rng: np.random.Generator) -> np.ndarray:
    """(length,) at RMS 1 from a recording drawn in proportion to its length; a shorter one is repeated."""
    lengths = np.array([len(x) for x in pool], float)
    x = pool[rng.choice(len(pool), p=lengths / lengths.sum())]
    x = np.tile(x, -(-length // len(x)))
    start = int(rng.integers(0, len(x) - length + 1))
    return x[start : start + length] / max(rms(x[start : start + length]), 1e-9)


# ---- from folders ----------------------------------------------------------------------------------------------------


def open_scene(machine: Path, noise: Path, room: Room, seconds: float, snr: tuple[float, float]) -> Scene:
    """Raises BadInput where a folder lacks what a mixture is made of."""
    normal, anomaly = recordings(machine, "normal"), recordings(machine, "anomaly")
    noises = [read_mono(path) for path in audio_files(noise)]
    if len(noises) < 2:
        raise BadInput(f"{noise}: {len(noises)} recordings, at least 2 expected (training and test share none)")
    train, test = halves(normal)
    for what, pool in (
        (f"{machine}: normal", [*train, *test]),
        (f"{machine}: anomaly", anomaly),
        (f"{noise}:", noises),
    ):
        check_sounding(what, pool, seconds)
    return Scene(train, test, tuple(anomaly), tuple(noises[::2]), tuple(noises[1::2]), room, seconds, snr)


def check_sounding(what: str, pool: Sequence[np.ndarray], seconds: float) -> None:
    """Raises BadInput for digital silence of half a mixture: a mixture drawn there would have no SNR."""
    for x in pool:
        silent = longest_silence(x)
        if silent >= min(int(seconds * RATE) // 2, len(x)):
            raise BadInput(
                f"{what} recording of {len(x) / RATE:g} s holds {silent / RATE:g} s of digital silence, less than half "
                f"a mixture's {seconds:g} s expected (cut it out; is channel 0 the microphone?)"
            )


def longest_silence(x: np.ndarray) -> int:
    """Samples of the longest run of zeros.

    >>> longest_silence(np.array([0, 1, 0, 0, 2, 0]))
    2
    """
    sounding = np.flatnonzero(np.concatenate([[1], x, [1]]))
    return int(np.diff(sounding).max()) - 1


def recordings(folder: Path, condition: str) -> list[np.ndarray]:
    """`<condition>*.wav` of the folder, or all of its sub-folder of that name."""
    paths = audio_files(folder / condition) or [p for p in audio_files(folder) if p.name.startswith(condition)]
    if not paths:
        raise BadInput(f"{folder}: no {condition}*.wav and no folder {condition}/ with recordings of the machine alone")
    return [read_mono(path) for path in paths]


def halves(normal: list[np.ndarray]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """For training and for test: recordings, or the two parts of the only one."""
    if len(normal) == 1:
        cut = int(TRAIN_SHARE * len(normal[0]))
        return (normal[0][:cut],), (normal[0][cut:],)
    cut = int(TRAIN_SHARE * len(normal))
    return tuple(normal[:cut]), tuple(normal[cut:])


def audio_files(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(p for p in found if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


def read_mono(path: Path) -> np.ndarray:
    """(T,) float32, channel 0. Raises BadInput at another rate."""
    samples = read_samples(path, "float32", "")
    if not len(samples):
        raise BadInput(f"{path}: an empty recording (was it cut off?)")
    return samples[:, 0]


def read_samples(path: Path, dtype: str, what: str) -> np.ndarray:
    """(T, C). Raises BadInput at another rate, with `what` is at that rate."""
    samples, rate = soundfile.read(path, dtype=dtype, always_2d=True)
    if rate != RATE:
        raise BadInput(f"{path}: {what}{rate} Hz, {RATE} expected (resample it first)")
    return samples


# ---- rooms -----------------------------------------------------------------------------------------------------------


def read_room(path: Path, name: str = "") -> Room:
    """An npz (its room `name`, or the first) or a folder."""
    if path.is_dir():
        machine, noise = [p for p in audio_files(path) if p.stem == "machine"], audio_files(path)
        if not machine:
            raise BadInput(f"{path}: no machine.wav; expected impulse responses machine.wav and noise_*.wav")
        others = {p.name: read_response(p) for p in noise if p.stem.startswith("noise")}
        return checked_room(path, read_response(machine[0]), others)
    if not path.is_file():
        raise BadInput(f"{path}: no such file; impulse responses are an npz or a folder of wavs")
    found = read_arrays(path)
    rooms = sorted({key.split("__")[0] for key in found if key.endswith("__machine")})
    if not rooms or (name and name not in rooms):
        raise BadInput(f"{path}: no room '{name}' (there: {', '.join(rooms) or 'none'}); keys are <room>__machine")
    chosen = name or rooms[0]
    noise_keys = sorted(key for key in found if key.startswith(f"{chosen}__noise"))
    return checked_room(path, found[f"{chosen}__machine"], {key: found[key] for key in noise_keys})


def read_arrays(path: Path) -> Arrays:
    """Of an npz. Raises BadInput for anything else."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return dict(found.items())
    except Exception as error:  # whatever zip or NumPy make of another file
        raise BadInput(
            f"{path}: not readable as an npz; expected arrays <room>__machine and <room>__noise_<i> (C, taps) in one "
            "(is it another file renamed?)"
        ) from error


def read_response(path: Path) -> np.ndarray:
    """(C, taps). Raises BadInput at another rate."""
    return read_samples(path, "float64", "impulse response at ").T


def checked_room(path: Path, machine: np.ndarray, noise: Arrays) -> Room:
    """Raises BadInput where a noise position is missing or was recorded by other microphones than the machine."""
    if not noise:
        raise BadInput(
            f"{path}: no impulse response of a noise position; at least one expected, <room>__noise_0 or noise_0.wav"
        )
    for name, response in {"machine": machine, **noise}.items():
        if response.ndim != 2 or not response.size or len(response) != len(machine):
            raise BadInput(
                f"{path}: {name} has shape {response.shape}, the machine's {machine.shape}; (C, taps) with the same C "
                "microphones expected (transposed, or of another recording?)"
            )
    return Room(machine, tuple(noise.values()))


def simulated_room(n_channels: int, seed: int = 0) -> Room:
    """The paper's room of 6 x 6 x 2.4 m by image sources (pyroomacoustics), machine in the middle.

    Microphones stand in a line away from the machine, 0.5 m apart, the first 0.5 m from it; three noise positions.
    """
    import pyroomacoustics as pra

    size, machine = [6.0, 6.0, 2.4], np.array([2.5, 3.0, 1.0])
    absorption, order = pra.inverse_sabine(0.15, size)  # s, the paper's reverberation time
    noises = [np.array(p) for p in ([5.2, 1.0, 1.5], [1.0, 5.2, 1.3], [5.0, 5.0, 1.8])]
    microphones = machine[:, None] + np.outer([1.0, 0.2, 0.2], 0.5 * np.arange(1, n_channels + 1))
    room = pra.ShoeBox(size, fs=RATE, materials=pra.Material(absorption), max_order=order)
    for position in (machine, *noises):
        room.add_source(position)
    room.add_microphone_array(microphones)
    room.compute_rir()
    taps = max(len(h) for row in room.rir for h in row)
    responses = [np.stack([np.pad(row[s], (0, taps - len(row[s]))) for row in room.rir]) for s in range(4)]
    return Room(responses[0], tuple(responses[1:]))
