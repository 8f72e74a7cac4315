"""Denoising: a system and a data folder in, the data folder's clips with the noise taken out, in the same layout, out.

    <out>/<dev|eval>_data/raw/<machine>/{train,test,test_rename}/<the same names>.wav   32-bit float
    whatever else the machine's folder has (attributes_00.csv, supplemental/)             copied as it is
    denoised.json                                                                       what made it

The sound is that of the system's detector where it denoises (a gain on the near STFT), else of its front-end. Both are
fitted to the machine's training clips alone (and to supplemental/ where the system asks for it), under the guard on
files; each clip is denoised by itself. A machine's folder appears whole or not at all; one that is there is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.io.wavfile
from tqdm import tqdm

from asd import data, signal
from asd.clips import RATE, Clip, wav_paths
from asd.contracts import AnyFeatures, Audible, DenoisingDetector, Encoder, Feature, FittedFrontEnd, Wave
from asd.errors import BadInput
from asd.fingerprint import numbers
from asd.programs.fitting import fit
from asd.programs.request import Request
from asd.programs.session import Session, open_machines
from asd.programs.soundness import warn
from asd.store import staged, write_json, written_whole
from asd.system import Chain, SelectedSystem, System, clips_key

DENOISED = ("train", "test", "test_rename")  # folders of a machine
Sound = Callable[[Wave], Wave]  # (C, T) -> (1, T), the near channel without the noise
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Output:
    """Where denoised clips go, and their channels."""

    folder: Path
    channels: int | None = None  # 1: near alone; 2: near and far, which is left as it is; None: as many as there were

    def of(self, machine: data.Machine, kind: str) -> Path:
        return self.folder / data.KINDS[kind] / "raw" / machine.name

    def check(self, machine: data.Machine, kind: str) -> None:
        """Raises BadInput where a machine's folder is there already, or its clips have fewer channels than wanted."""
        if self.of(machine, kind).exists():
            raise BadInput(f"OUT: {self.of(machine, kind)} is there already; take another OUT or remove it")
        there = len(data.read_wave(machine.train[0]))
        if self.channels and self.channels > there:
            raise BadInput(f"--channels {self.channels}: clips of {machine.name} have {there}; leave it out")


def denoise(request: Request, out: Output, tell: Tell) -> None:
    """By the one system and the first seed of a request; what the store lacks is learnt first."""
    name = only_system(request)
    seed = request.seeds_of(name)[0]
    for machine in open_machines(request):  # their test clips too
        out.check(machine, request.kind)
    session = Session(replace(request, splits=("train",)))
    warn(session, tell)
    tell(f"{name}: what it learns from training clips, where {session.store.root} lacks it ...")
    learn(session, name)
    for machine in session.machines:
        folder = out.of(machine, request.kind)
        sound = sound_of(session.chains[name, machine.name], seed)
        with staged(folder) as hidden:
            write_clips(machine, sound, out.channels, hidden, request.workers)
            copy_rest(machine.folder, hidden)
            write_json(hidden / "denoised.json", record(session, name, seed, machine))
        tell(f"{folder}: written")


def only_system(request: Request) -> str:
    """Raises BadInput for a name that averages or chooses among several systems."""
    ((name, recipe),) = request.recipes.items()
    if not isinstance(recipe, System) or isinstance(recipe, SelectedSystem):
        raise BadInput(f"{name}: several systems stand behind it ({', '.join(request.trained)}); give a single one")
    return name


# ---- what is heard ---------------------------------------------------------------------------------------------------


def learn(session: Session, name: str) -> None:
    """A denoising detector is trained as run.py trains it; of any other system only the front-end is needed."""
    if isinstance(session.request.trained[name].detector, DenoisingDetector):
        fit(session)
    for machine in session.machines:
        with session.fitting(machine):
            _ = session.chains[name, machine.name].frontend


def sound_of(chain: Chain, seed: int) -> Sound:
    """Raises BadInput where neither detector nor front-end gives sound."""
    frontend, detector = chain.frontend, chain.system.detector
    if not isinstance(frontend, Audible):
        raise BadInput(f"{chain.name}: its front-end ({type(chain.system.frontend).__name__}) gives no sound to write")
    if isinstance(detector, DenoisingDetector):
        (trained,) = chain.trained((seed,))
        return partial(by_detector, frontend, chain.system.features, detector.denoiser(trained))
    return partial(by_frontend, frontend)


def by_frontend(frontend: Audible, wave: Wave) -> Wave:
    sound = frontend.sound(wave)
    if len(sound) != 1:
        raise BadInput(f"{type(frontend).__name__} keeps {len(sound)} channels as they are: no noise is taken out")
    return sound


def by_detector(
    frontend: FittedFrontEnd, features: AnyFeatures, denoiser: Callable[[Feature], Feature], wave: Wave
) -> Wave:
    """The near STFT with its phase, its power changed as denoising changes the clip's log-mels.

    The ratio of denoised to noisy is a band's power gain, and a bin has the mean of the bands that hear it
    (`signal.mel_gain`). It may be above 1, so that the sound's log-mels are about the denoised ones.
    """
    assert isinstance(frontend, Audible) and not isinstance(features, Encoder)
    power = frontend(wave)  # (C, K, F)
    n_fft = 2 * (power.shape[1] - 1)
    near = frontend.sound(wave)[:1]  # (1, T)
    spectra = signal.stft(near, n_fft, n_fft // 2)  # (1, K, F)
    if spectra.shape[-1] != power.shape[-1]:
        raise BadInput(
            f"hop_length: half of n_fft, {n_fft // 2}, expected of the front-end before a denoising detector"
        )
    gain = signal.mel_gain(denoiser(features(power)), n_fft)  # (K, F)
    return signal.istft(np.sqrt(gain) * spectra, n_fft, n_fft // 2, wave.shape[1])


# ---- what is written -------------------------------------------------------------------------------------------------


def write_clips(machine: data.Machine, sound: Sound, channels: int | None, folder: Path, workers: int) -> None:
    """Each clip of DENOISED folders under its own name, the far channel (unless `channels` is 1) unchanged behind."""
    paths = [path for split in DENOISED for path in wav_paths(machine.folder / split)]
    section = machine.train[0].section

    def write(path: Path) -> None:
        wave = data.read_wave(Clip(path, machine.name, section))
        try:
            near = sound(wave)  # (1, T)
        except BadInput as error:
            raise BadInput(f"{machine.name}/{path.parent.name}/{path.name}: {error}") from error
        with written_whole(folder / path.parent.name / path.name) as file:
            scipy.io.wavfile.write(file, RATE, np.concatenate([near, wave[1:channels]]).T)

    with ThreadPoolExecutor(workers) as pool:
        list(tqdm(pool.map(write, paths), machine.name, len(paths), unit="clip", disable=None))


def copy_rest(of: Path, folder: Path) -> None:
    """Everything else of a machine's folder: tables, supplemental/. Hidden files stay behind."""
    for path in sorted(of.iterdir()):
        if path.name.startswith(".") or path.name in DENOISED:
            continue
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns(".*"))
        else:
            shutil.copy(path, folder / path.name)


def record(session: Session, name: str, seed: int, machine: data.Machine) -> dict[str, object]:
    """What made the folder, and the training clips that it was fitted to."""
    of = {"folder": str(session.request.data.resolve()), "train": clips_key(machine.train)}
    return {"system": name, "seed": seed, "numbers": numbers(session.request.trained[name]), "fitted to": of}
