"""The bench: its plain ways compute what ours do, and a row tells the ratio."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import write_clip

from asd import data
from asd.clips import Clip
from asd.detectors import AutoEncoder, SelectiveMahalanobis
from asd.features import LogMel
from asd.frontends import Near
from asd.programs import bench
from asd.programs.bench import plain, turns, working
from asd.programs.bench.learning import epoch, noise, our_log_mel
from asd.programs.bench.turns import Row, in_turn


def test_the_plain_score_of_a_clip_is_ours(tmp_path):
    detector = AutoEncoder(scoring=SelectiveMahalanobis())
    clips, is_target = noise(4, 120), np.arange(4) >= 2
    small = replace(detector, training=replace(detector.training, windows_per_epoch=32))
    scorer = small.fit_scorer(epoch(small, clips, is_target, str(tmp_path)), 0, clips, is_target)
    clip = Clip(tmp_path / "clip.wav", "fan", "section_00")
    write_clip(clip.path, np.random.default_rng(0).normal(0, 0.1, (2, 16_000)))
    precisions = [torch.from_numpy(scorer.fitted[f"precision_{domain}"]) for domain in ("source", "target")]
    theirs = plain.mahala(clip.path, plain.holding(scorer.network.get_submodule("network")), precisions)
    assert scorer.score(LogMel()(Near()(data.read_wave(clip)))) == pytest.approx(theirs, rel=1e-2)


def test_the_plain_features_are_ours():
    wave = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    np.testing.assert_allclose(plain.log_mel(wave).T, our_log_mel(wave), atol=1e-3)
    vectors = plain.stacked(plain.log_mel(wave))
    np.testing.assert_allclose(vectors[3], np.concatenate(list(our_log_mel(wave)[3:8])), atol=1e-3)


def test_a_ratio_is_of_two_ways_in_turn(monkeypatch):
    order, seconds = [], {"theirs": 3.0, "ours": 1.5}
    monkeypatch.setattr(turns, "core_seconds", lambda work: seconds[work()])
    ways = [lambda name=name: order.append(name) or name for name in seconds]
    assert in_turn("w", "steps/s", 6, *ways, 2) == Row("w", "2 steps/s", "4 steps/s", "2.00 (2.00 to 2.00)")
    assert order == ["theirs", "ours"] * 3


def test_quick_leaves_workers_out_with_a_reason():
    assert [row.ratio for row in working.rows(bench.QUICK)] == ["left out: by --quick"] * 2
