"""Clips of a machine: those that went most wrong, to see and to hear, and a list of the most anomalous ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from asd import data, evaluation, importing, signal
from asd.clips import CONDITIONS, RATE
from asd.contracts import Audible, DenoisingDetector, Wave
from asd.programs.denoising import sound_of
from asd.programs.report.embedding import Picture, mp3, webp
from asd.programs.report.runs import Run, data_of
from asd.programs.report.tables import Rows
from asd.programs.session import Session
from asd.system import Chain

RANGE = 70  # dB shown of a spectrogram
FLOOR = 1e-12  # under its logarithm
MICROPHONES = ("near", "far")
N_FFT, HOP_LENGTH = 1024, 512  # of the near and far spectrograms, as in the systems
HEARD = 5.0  # s of a clip that can be played
PEAK = 0.9  # of the loudest of a clip's sounds


@dataclass(frozen=True)
class ShownClip:
    """A clip's spectrograms and its sounds, label -> data URI."""

    name: str
    picture: Picture
    sounds: Mapping[str, str]

    @property
    def size(self) -> int:
        return len(self.picture.src) + sum(map(len, self.sounds.values()))


@dataclass(frozen=True)
class Link:
    """A table's cell that leads somewhere."""

    text: str
    href: str


def worst_clips(run: Run, session: Session, machine: str, was: Mapping[str, str]) -> list[ShownClip]:
    """Near, far where there is one, and what each front-end makes of them, of the clips that went most wrong."""
    clips = {clip.path.name: clip for clip in session.machine(machine).test}
    evaluation.same_clips(clips, run.scores.scores[machine], f"{session.request.data}: {machine}")
    threshold, found = run.record[machine]["threshold"], []
    for name, what in run.worst(machine):
        wave = data.read_wave(clips[name])
        powers, waves = looks_and_sounds(session, machine, wave)
        caption = f"{what}: score {told(run.scores.scores[machine][name])}, threshold {told(threshold)}. {name}"
        caption += f" (recording {was[name]})" if name in was else ""
        picture = Picture(webp(draw(powers, wave.shape[1] / RATE)), caption)
        found.append(ShownClip(name, picture, players(waves)))
    return found


def recordings(run: Run, machine: str, data_folder: Path | None) -> dict[str, str]:
    """Name of a test clip -> the recording that it was before it was imported; {} where nothing was, or it has gone."""
    was = importing.origins(data_of(run.record[machine], data_folder) / data.KINDS.get(run.kind, "") / "raw" / machine)
    return {Path(clip).name: recording for clip, recording in was.items() if clip.startswith("test/")}


def told(score: float) -> str:
    """Four digits, that columns of them are even."""
    return f"{score:#.4g}".rstrip(".")


def looks_and_sounds(session: Session, machine: str, wave: Wave) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Title -> power spectrogram (K, F), and title -> sound (T,)."""
    powers = dict(zip(MICROPHONES, signal.power(signal.stft(wave, N_FFT, HOP_LENGTH)), strict=False))  # one is near
    waves = dict(zip(MICROPHONES, wave, strict=False))
    seeds = dict(reversed([member for members in session.members.values() for member in members]))  # the first of each
    for name in session.used:
        chain = session.chains[name, machine]
        power, sound = denoised(chain, seeds[name], wave)
        if not any(power.shape == known.shape and np.allclose(power, known, rtol=1e-3) for known in powers.values()):
            title = f"denoised: {type(chain.system.frontend).__name__}, {chain.name}"
            powers[title] = power
            waves |= {title: sound} if sound is not None else {}
    return powers, waves


def denoised(chain: Chain, seed: int, wave: Wave) -> tuple[np.ndarray, np.ndarray | None]:
    """Power (K, F) and, where it can be heard, sound (T,) of the front-end, or of a detector that denoises."""
    if isinstance(chain.system.detector, DenoisingDetector):
        (sound,) = sound_of(chain, seed)(wave)
        return signal.power(signal.stft(sound[None], N_FFT, HOP_LENGTH))[0], sound
    frontend = chain.frontend
    return frontend(wave)[0], frontend.sound(wave)[0] if isinstance(frontend, Audible) else None


def players(waves: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The first HEARD seconds, all equally louder, so that levels compare."""
    gain = PEAK / max(max(float(np.abs(wave).max()) for wave in waves.values()), FLOOR)
    return {title: mp3(gain * wave[: int(HEARD * RATE)]) for title, wave in waves.items()}


def draw(powers: Mapping[str, np.ndarray], seconds: float) -> Figure:
    figure = Figure(figsize=(5.0, 0.5 + 1.5 * len(powers)))
    axes = figure.subplots(len(powers), 1, sharex=True, squeeze=False)[:, 0]
    top = 10 * np.log10(max(float(p.max()) for p in powers.values()) + FLOOR)
    extent = (0, seconds, 0, RATE / 2000)
    for axis, (title, power) in zip(axes, powers.items(), strict=True):
        decibel = 10 * np.log10(power + FLOOR) - top
        image = axis.imshow(decibel, origin="lower", aspect="auto", extent=extent, vmin=-RANGE, vmax=0, cmap="magma")
        axis.set_title(title, loc="left")
        axis.set_ylabel("kHz")
    axes[-1].set_xlabel("s")
    figure.colorbar(image, ax=list(axes), label="dB re the loudest point", shrink=0.9)
    return figure


def listed(run: Run, session: Session | None, machine: str, shown: Mapping[str, str], was: Mapping[str, str]) -> Rows:
    """The most anomalous clips; a name leads to the place on the page (`shown`), else to the clip.

    `was` is what `recordings` found.
    """
    files = {clip.path.name: clip.path.resolve().as_uri() for clip in session.machine(machine).test} if session else {}
    truth, origin = run.truths.get(machine, {}), ("recording",) if was else ()
    rows: Rows = [("rank", "score", "decided", *(("truth", "domain") if truth else ()), "clip", *origin)]
    for rank, name in enumerate(run.most_anomalous(machine), start=1):
        href = shown.get(name) or files.get(name)
        kind = (CONDITIONS[truth[name].is_anomaly], truth[name].domain) if truth else ()
        decided = CONDITIONS[run.scores.decisions[machine][name]]
        cells: Sequence = (str(rank), told(run.scores.scores[machine][name]), decided, *kind)
        rows.append((*cells, Link(name, href) if href else name, *([was.get(name, "-")] if was else [])))
    return rows
