"""What is wrong with the sound: clips in, their levels and one warning a machine for each kind of fault out.

Nothing here enters a score or a decision: a warning is for a person, who looks at the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asd.clips import Clip
from asd.contracts import Wave
from asd.data.waves import read_wave

FULL_SCALE = 32767 / 32768  # the largest PCM_16 number
RUN = 3  # samples at full scale in a row that make a clip a clipped one; chosen: one or two can be a true peak
INT16_SCALE = 8.0  # a peak above it is no sound of full scale 1; chosen, floats at int16 scale reach thousands
APART = 6.0  # dB; chosen: far above near, or test clips off training ones, by this much is no chance
CLIPPED = f"clipped, {RUN} or more samples in a row at full scale"
OTHER_WAY = 3.0  # dB; chosen: a clip whose near - far is this far on the other side of its siblings'


@dataclass(frozen=True)
class Sound:
    """One clip's samples in a few numbers."""

    clip: Clip
    levels: np.ndarray  # (C,) dB re full scale
    constant: np.ndarray  # (C,) bool, no sample differs from the first
    identical: bool  # near and far, sample by sample
    correlation: float  # of near and far, zero-lag, in [-1, 1]; 0 for a silent channel or one channel
    peak: float  # re full scale
    clipped: bool

    @property
    def difference(self) -> float:
        """near - far, dB."""
        return float(self.levels[0] - self.levels[-1])


def sound_of(clip: Clip) -> Sound:
    """Raises BadInput for samples that are not finite."""
    wave = read_wave(clip)
    constant = (wave == wave[:, :1]).all(axis=1)
    identical = len(wave) == 2 and bool(np.array_equal(wave[0], wave[1]))
    levels = np.array([decibels(float(np.mean(channel**2, dtype=np.float64))) for channel in wave])
    rho = correlation(wave) if len(wave) == 2 else 0.0
    return Sound(clip, levels, constant, identical, rho, float(np.abs(wave).max()), _is_clipped(wave))


def spread(clips: Sequence[Clip], n: int | None) -> Sequence[Clip]:
    """At most n of them, from beginning to end; all where None."""
    return clips if n is None else clips[:: max(1, len(clips) // n)][:n]


def decibels(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))


def correlation(wave: Wave) -> float:
    centred = wave - wave.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float(centred[0] @ centred[1] / scale) if scale > 0 else 0.0


def _is_clipped(wave: Wave) -> bool:
    """Whether RUN samples in a row stay at full scale, on one side."""
    for side in (wave >= FULL_SCALE, wave <= -FULL_SCALE):
        if side.any():
            runs = np.lib.stride_tricks.sliding_window_view(side, min(RUN, side.shape[1]), axis=1)
            if runs.all(axis=-1).any():
                return True
    return False


def near_is_dead(sounds: Sequence[Sound]) -> bool:
    """Whether the near channel of every clip holds one number from beginning to end."""
    return bool(sounds) and all(sound.constant[0] for sound in sounds)


def far_is_dead(sounds: Sequence[Sound]) -> bool:
    """Whether the far channel of every clip holds one number from beginning to end."""
    return bool(sounds) and all(len(sound.constant) == 2 and sound.constant[1] for sound in sounds)


def sound_problems(train: Sequence[Sound]) -> list[str]:
    """What leaves every system of one machine nothing to learn, in a sentence."""
    told = (
        f"near (channel 0) is constant in all {len(train)} training clips heard, the machine's sound expected (a dead "
        "microphone, or are the channels swapped?)"
    )
    return [f"{train[0].clip.machine}: {told}"] if near_is_dead(train) else []


def sound_warnings(train: Sequence[Sound], test: Sequence[Sound]) -> list[str]:
    """One sentence for each kind of fault that one machine's clips have."""
    both = [*train, *test]
    if not both:
        return []
    alive = [sound for sound in both if not sound.identical and not sound.constant.any()]
    near = [] if near_is_dead(train) else both  # else a problem
    found = [
        _told(near, lambda s: bool(s.constant[0]), "near is constant (a dead microphone, or silence?)"),
        _told(both, lambda s: len(s.constant) == 2 and bool(s.constant[1]), "far is constant (a dead microphone?)"),
        _told(
            [s for s in both if not s.constant.any()],
            lambda s: s.identical,
            "near and far are identical (was one channel copied to both?)",
        ),
        _told(both, lambda s: s.peak > INT16_SCALE, "samples far above 1, as floats at int16 scale (divide by 32768)"),
        _told(
            both,
            lambda s: s.clipped and s.peak <= INT16_SCALE,
            CLIPPED,
        ),
        _swapped([s for s in alive if len(s.levels) == 2]),
        _off(train, test),
    ]
    name = both[0].clip.machine
    return [f"{name}: {text}" for text in found if text]


def _told(sounds: Sequence[Sound], has: Callable[[Sound], bool], what: str) -> str:
    having = [sound for sound in sounds if has(sound)]
    if not having:
        return ""
    first = having[0].clip.path
    return f"{what}: {len(having)} of {len(sounds)} clips, first {first.parent.name}/{first.name}"


def _swapped(sounds: Sequence[Sound]) -> str:
    """All clips by how loud far is against near, or a few that are the other way round than their siblings."""
    if not sounds:
        return ""
    differences = np.array([sound.difference for sound in sounds])
    usual = float(np.median(differences))
    told = f"near - far {usual:+.1f} dB in the median of {len(sounds)} clips"
    if usual <= -APART:
        return f"channels likely swapped: {told}, near the machine the louder one expected (is channel 0 far?)"
    odd = np.flatnonzero(differences * np.sign(usual) <= -OTHER_WAY)
    if abs(usual) < OTHER_WAY or not odd.size:
        return ""
    first = sounds[odd[0]]
    return (
        f"channels likely swapped in {odd.size} clips: {told}, but {first.difference:+.1f} dB in "
        f"{first.clip.path.parent.name}/{first.clip.path.name}"
    )


def _off(train: Sequence[Sound], test: Sequence[Sound]) -> str:
    """Test clips whose near channel is louder or softer than the training clips' by more than these differ."""
    if not train or not test:
        return ""
    of_train, of_test = (np.array([sound.levels[0] for sound in sounds]) for sounds in (train, test))
    apart = float(np.median(of_test) - np.median(of_train))
    if abs(apart) < max(APART, 2 * float(of_train.std())):
        return ""
    return (
        f"test clips are {apart:+.1f} dB against training clips (near, medians {np.median(of_test):.1f} and "
        f"{np.median(of_train):.1f} dB; another gain or another recorder?)"
    )
