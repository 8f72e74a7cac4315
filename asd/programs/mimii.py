"""MIMII's 8-channel clips in, development machines of two channels in the challenge's layout out.

    <anything>/<machine>/id_NN/{normal,abnormal}/*.wav  ->  <out>/dev_data/raw/<machine>-mics-<a>-<b>/{train,test}/*.wav

Luzón-Álvarez et al. 2025, sec. 3: 1,000 normal clips of all units and noise levels for training, 200 normal and 200
anomalous ones for the test. MIMII has no domains: every fourth clip is called `target`, so that a detector with a
covariance per domain has its two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from asd.errors import BadInput
from asd.store import written_whole

N_TRAIN, N_TEST = 1000, 200  # clips of a machine, and of each condition in the test; sec. 3.1
TEST_SHARE = 0.4  # of a small collection's normal clips go to the test; *chosen*: so that both sides keep some
SEED = 2025  # of the random choice of clips
Microphones = tuple[int, int]  # reference first


def mimii_clips(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Machine -> normal and abnormal clips. Raises BadInput where the folder holds none."""
    found: dict[str, dict[str, list[Path]]] = {}
    for condition in ("normal", "abnormal"):
        for path in sorted(folder.rglob(f"{condition}/*.wav")):
            found.setdefault(path.parts[-4], {"normal": [], "abnormal": []})[condition].append(path)
    if not found or not all(clips["normal"] and clips["abnormal"] for clips in found.values()):
        raise BadInput(f"{folder}: no <machine>/id_NN/normal/*.wav and abnormal/*.wav (is it MIMII's folder?)")
    return found


def split(clips: Mapping[str, list[Path]]) -> Iterator[tuple[str, str, list[Path]]]:
    """(train | test, normal | anomaly, clips) drawn at random, none twice."""
    rng = np.random.default_rng(SEED)
    normal, abnormal = ([clips[c][i] for i in rng.permutation(len(clips[c]))] for c in ("normal", "abnormal"))
    n_test = min(N_TEST, int(TEST_SHARE * len(normal)))
    yield "test", "normal", normal[:n_test]
    yield "train", "normal", normal[n_test : n_test + N_TRAIN]
    yield "test", "anomaly", abnormal[:N_TEST]


def write_pairs(folder: Path, out: Path, pairs: Sequence[Microphones]) -> None:
    """The pair's two channels of each clip, in the challenge's layout; what is there already stays."""
    for machine, clips in mimii_clips(folder).items():
        for part, condition, paths in split(clips):
            for number, path in enumerate(paths):
                domain = "target" if number % 4 == 3 else "source"
                name = f"section_00_{domain}_{part}_{condition}_{number:04d}_{path.parts[-3]}.wav"
                places = {p: out / "dev_data" / "raw" / of_pair(machine, p) / part / name for p in pairs}
                missing = {pair: place for pair, place in places.items() if not place.exists()}
                if missing:
                    write_clip(path, missing)


def of_pair(machine: str, pair: Microphones) -> str:
    return f"{machine}-mics-{pair[0]}-{pair[1]}"


def machine_and_pair(name: str) -> tuple[str, str]:
    """The other way round; a machine of no pair has its near and far microphone.

    >>> machine_and_pair("fan-mics-0-4"), machine_and_pair("ToyCar")
    (('fan', '0-4'), ('ToyCar', 'near-far'))
    """
    match = re.fullmatch(r"(.+)-mics-(\d+-\d+)", name)
    return (match[1], match[2]) if match else (name, "near-far")


def write_clip(path: Path, places: Mapping[Microphones, Path]) -> None:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)  # (T, C)
    for pair, place in places.items():
        if max(pair) >= samples.shape[1]:
            raise BadInput(f"{path}: {samples.shape[1]} channels, microphones {pair[0]} and {pair[1]} wanted")
        with written_whole(place) as file:  # half a clip would be taken for one that is there already
            soundfile.write(file, samples[:, list(pair)], rate, format="WAV", subtype="PCM_16")
