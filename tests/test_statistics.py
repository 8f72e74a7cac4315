"""Statistics as features: pooling over time and modulation against literal versions; the grid of systems of them."""

import numpy as np
import pytest
from conftest import tool

from asd import signal
from asd.errors import BadInput
from asd.features import LogMelStatistics, OctaveModulation
from asd.features.statistics import statistic

RNG = np.random.default_rng(0)
FRAMES = RNG.normal(-40, 8, size=(50, 6))


def power(n_frames=60, seed=1):
    return np.abs(np.random.default_rng(seed).normal(size=(1, 513, n_frames))).astype(np.float32)


def test_rank_pooling_equals_the_literal_weighted_mean_and_has_the_mean_and_the_maximum_as_its_ends():
    for band, pooled in zip(FRAMES.T, statistic(FRAMES, "rank", 0.9), strict=True):
        ordered = sorted(band, reverse=True)
        expected = sum(0.9**i * x for i, x in enumerate(ordered)) / sum(0.9**i for i in range(50))
        assert pooled == pytest.approx(expected)
    np.testing.assert_allclose(statistic(FRAMES, "rank", 1.0), FRAMES.mean(0))
    np.testing.assert_allclose(statistic(FRAMES, "rank", 0.0), FRAMES.max(0))


def test_percentiles_mean_and_deviation_are_numpys():
    np.testing.assert_allclose(statistic(FRAMES, "p99", 1.0), np.percentile(FRAMES, 99, axis=0))
    np.testing.assert_allclose(statistic(FRAMES, "mean", 1.0), FRAMES.mean(0))
    np.testing.assert_allclose(statistic(FRAMES, "std", 1.0), FRAMES.std(0))


def test_statistics_stand_side_by_side_in_one_row():
    row = LogMelStatistics(("mean", "p50"), n_mels=16)(power())
    frames = signal.log_mel(power()[0], 16)
    np.testing.assert_allclose(row, np.r_[frames.mean(0), np.median(frames, 0)][None], rtol=1e-6)


def test_without_the_level_a_gain_changes_nothing_and_with_it_everything():
    quiet, loud = power(), 100 * power()
    shape, level = LogMelStatistics(("mean", "std"), level=0.0), LogMelStatistics(("mean",))
    np.testing.assert_allclose(shape(quiet), shape(loud), atol=1e-3)
    np.testing.assert_allclose(level(loud) - level(quiet), 20.0, atol=1e-3)
    np.testing.assert_allclose(OctaveModulation()(quiet), OctaveModulation()(loud), atol=1e-3)


def test_modulation_finds_the_octave_of_a_band_that_pulses():
    n_frames, rate = 156, 31.25  # frames per second
    pulsing = 4.0 ** np.sin(2 * np.pi * 5.0 * np.arange(n_frames) / rate)  # 5 Hz: bin 12.5 of 78, octave 8 to 15
    row = OctaveModulation(n_mels=16)(np.ones((1, 513, n_frames), np.float32) * pulsing.astype(np.float32))
    assert row.shape == (1, 6 * 16)
    assert (row.reshape(6, 16).argmax(axis=0) == 3).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: LogMelStatistics(("median",)), "statistics median: one or more of mean, std, rank, p<percent>"),
        (lambda: LogMelStatistics(()), "statistics : one or more"),
        (lambda: LogMelStatistics(("p101",)), "statistics p101"),
        (lambda: LogMelStatistics(level=2.0), "level 2.0: from 0 to 1"),
        (lambda: LogMelStatistics()(power(4)), "frames 4: at least 5"),
        (lambda: OctaveModulation()(power(4)), "frames 4: at least 5"),
        (lambda: OctaveModulation(window=3), "window 3: at least 4"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(BadInput, match=message):
        wrong()


def test_the_grid_lists_every_combination_best_first_with_its_difference(data_folder, tmp_path, capsys):
    line = [str(data_folder), str(tmp_path), "--machines", "fan", "--features", "mean", "p99", "--frontends", "Near"]
    assert tool("backends").main([*line, "--backends", "nearest", "mahalanobis"]) == 0
    rows = [
        [c.strip() for c in r.strip("|").split("|")] for r in capsys.readouterr().out.splitlines() if r.startswith("|")
    ]
    values = [float(row[2]) for row in rows[2:]]
    assert len(values) == 4 and values == sorted(values, reverse=True)
    (reference,) = [row for row in rows if row[0] == "mean Near nearest"]
    assert reference[3:] == ["+0.000", "+0.000 to +0.000"]
    assert tool("backends").main([*line, "--backends", "neerest"]) == 2
    assert "--backends neerest: unknown, did you mean 'nearest'" in capsys.readouterr().err
    assert tool("backends").main([*line[:2], "--features", "meen"]) == 2
    assert "--features meen: unknown" in capsys.readouterr().err
