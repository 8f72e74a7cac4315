"""The aiSFX embedder of distillation: on weights made here, and on the installed package's where it is there."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from golden_audiosep import filled

from asd.encoders import Aisfx
from asd.errors import BadInput
from asd.frontends import AisfxEmbedder, Distilled, LogMelEmbedder
from asd.frontends.distillation.embedders import scis
from asd.pretrained.aisfx import EffectsNetwork
from asd.separation.measures import spearman

T = 16_000 * 3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("aisfx") / "checkpoint.pth"
    torch.save({name: filled(name, tuple(t.shape)) for name, t in EffectsNetwork().state_dict().items()}, path)
    return str(path)


def test_the_embedder_is_the_encoders_mean_with_length_one(checkpoint):
    wave = np.random.default_rng(0).normal(0, 0.1, T).astype(np.float32)
    found, mean = AisfxEmbedder(checkpoint).embed(wave), Aisfx(checkpoint).embed(wave[None])[0]
    assert found.shape == (512,) and found == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert AisfxEmbedder(checkpoint).embed(8 * wave) == pytest.approx(found, abs=1e-5)
    assert [path.name for path in AisfxEmbedder(checkpoint).files()] == ["checkpoint.pth"]
    assert Distilled(embedder=AisfxEmbedder(checkpoint)).files()[0].name == "checkpoint.pth"


def test_without_the_package_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr("asd.pretrained.aisfx.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install --no-deps aisfx==0.1.2"):
        AisfxEmbedder().files()


def hum_and_noise():
    """A machine's hum (T,) and ten mixtures with less and less noise, each with the SI-SNR gained on the first."""
    rng, t = np.random.default_rng(0), np.arange(T) / 16_000
    hum = sum(np.sin(2 * np.pi * 90 * k * t + k) / k for k in range(1, 15))
    noise = rng.normal(size=T)
    decibels = np.linspace(0, 27, 10)
    return np.float32(0.05 * hum), [np.float32(0.05 * (hum + 2 * noise * 10 ** (-d / 20))) for d in decibels], decibels


@pytest.mark.parametrize("embedder", [LogMelEmbedder(), AisfxEmbedder()], ids=["logmel", "aisfx"])
def test_sci_of_a_trained_embedding_and_of_the_fingerprint_ranks_by_the_noise_that_is_gone(embedder):
    if isinstance(embedder, AisfxEmbedder) and find_spec("aisfx") is None:
        pytest.skip("NO AISFX: SCi by a trained embedding was not tried (pip install --no-deps aisfx==0.1.2)")
    hum, mixtures, decibels = hum_and_noise()
    found = scis(embedder, [(less, mixtures[0]) for less in mixtures], hum)
    assert found[0] == 0 and spearman(found, decibels) > 0.9
