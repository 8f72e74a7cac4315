"""Poolings, windows, and the encoders aiSFX, Nassl and FromFile: goldens and oracles on weights that are made here."""

import importlib.util
import sys
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_audiosep import filled
from scipy.signal import resample_poly

from asd.contracts import AnyFeatures, Encoder
from asd.encoders import Aisfx, AllRows, FromFile, GeneralisedMean, Maximum, Mean, MeanAndDeviation, Nassl
from asd.encoders.pooling import Pooling
from asd.errors import BadInput
from asd.pretrained import aisfx, nassl
from asd.pretrained.checkpoints import read_tensors
from asd.pretrained.keeping import kept
from asd.pretrained.windows import cut, embedded, heard, rows
from asd.settings import parts_for
from asd.system.fitted import described

POOLINGS = [Mean(), Maximum(), GeneralisedMean(), MeanAndDeviation(), AllRows()]


def noise(*shape, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


# ---- pooling ---------------------------------------------------------------------------------------------------------


def literal(pooling, column):
    """One dimension's numbers pooled by loops, as a list of what comes out."""
    mean = sum(column) / len(column)
    if isinstance(pooling, Mean):
        return [mean]
    if isinstance(pooling, Maximum):
        return [sorted(column)[-1]]
    if isinstance(pooling, MeanAndDeviation):
        return [mean, (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5]
    if isinstance(pooling, GeneralisedMean):
        powers = sum(abs(x) ** pooling.power * (1 if x > 0 else -1) for x in column) / len(column)
        return [abs(powers) ** (1 / pooling.power) * (1 if powers > 0 else -1)]
    return list(column)


@pytest.mark.parametrize("pooling", [*POOLINGS, GeneralisedMean(1.5)], ids=repr)
def test_a_pooling_equals_its_literal_form(pooling):
    embeddings = noise(7, 5)
    expected = np.array([literal(pooling, [float(x) for x in column]) for column in embeddings.T])  # (D, m)
    found = pooling.pool(embeddings)
    assert found.dtype == np.float32
    shape = (1, -1) if isinstance(pooling, MeanAndDeviation) else (-1, 5)
    assert found == pytest.approx(expected.T.reshape(shape), abs=1e-6)


def test_equal_rows_pool_to_themselves():
    row = noise(1, 6)
    for pooling in (Mean(), Maximum(), GeneralisedMean(3.0)):
        assert pooling.pool(np.repeat(row, 4, axis=0)) == pytest.approx(row, abs=1e-6)
    assert MeanAndDeviation().pool(np.repeat(row, 4, axis=0)) == pytest.approx(np.hstack([row, 0 * row]), abs=1e-6)
    assert AllRows().pool(row) is row


def test_a_generalised_mean_goes_from_the_mean_to_the_maximum():
    embeddings = np.abs(noise(9, 4))
    assert GeneralisedMean(1.0).pool(embeddings) == pytest.approx(Mean().pool(embeddings), rel=1e-6)
    assert GeneralisedMean(500.0).pool(embeddings) == pytest.approx(Maximum().pool(embeddings), rel=0.01)
    with pytest.raises(BadInput, match="power 0.5: at least 1 expected"):
        GeneralisedMean(0.5)


# ---- windows, and networks kept in memory ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "starts"), [(10, [0]), (13, [0, 3]), (26, [0, 4, 8, 12, 16]), (27, [0, 4, 8, 12, 16, 17])]
)
def test_windows_cover_the_signal_and_the_last_ends_with_it(length, starts):
    signal = noise(length, 2)
    assert np.array_equal(cut(signal, 10, 4), np.stack([signal[s : s + 10] for s in starts]))


def test_a_signal_shorter_than_a_window_has_zeros_behind_it():
    signal = noise(3, 2)
    (window,) = cut(signal, 5, 2)
    assert np.array_equal(window, np.vstack([signal, np.zeros((2, 2))]))


def test_the_first_channel_is_heard_at_the_encoders_rate():
    t = np.arange(16_000) / 16_000
    sound = np.stack([np.sin(2 * np.pi * 440 * t), noise(16_000)]).astype(np.float32)
    up = heard(sound, 44_100)
    assert up.dtype == np.float32 and len(up) == 44_100
    assert up[2000:-2000] == pytest.approx(np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)[2000:-2000], abs=2e-3)
    assert np.array_equal(heard(sound, 16_000), sound[0])


def test_windows_are_embedded_in_batches_and_in_order():
    windows, sizes = noise(7, 3), []

    def run(batch):
        sizes.append(len(batch))
        return np.stack([batch, 2 * batch], axis=1)  # two rows of each

    expected = np.stack([windows, 2 * windows], axis=1).reshape(14, 3)
    assert np.array_equal(embedded(run, windows, 3), expected) and sizes == [3, 3, 1]
    with pytest.raises(BadInput, match=r"embeddings \(3,\) of 3 windows: \(3, n, D\) or \(3, D\) expected"):
        rows(noise(3), 3)
    with pytest.raises(BadInput, match=r"embeddings \(2, 4\) of 3 windows"):
        rows(noise(2, 4), 3)


def test_a_network_is_loaded_once_by_many_threads_and_again_when_its_file_changes(tmp_path):
    path, loaded = tmp_path / "weights", []
    path.write_text("first")
    load = kept(lambda path, device: loaded.append(path.read_text()) or object())
    found = []
    threads = [threading.Thread(target=lambda: found.append(load(path, "cpu"))) for _ in range(8)]
    _ = [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert loaded == ["first"] and len(found) == 8 and len(set(found)) == 1
    path.write_text("second one")
    assert load(path, "cpu") is not found[0] and loaded == ["first", "second one"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "weights").write_text("")
    with pytest.raises(BadInput, match="device cuda: cpu, or cuda on a machine with a GPU, expected"):
        kept(lambda path, device: None)(tmp_path / "weights", "cuda")


# ---- aiSFX -----------------------------------------------------------------------------------------------------------

# Every 64th number of the embeddings of `blocks()`, by the original network holding the numbers of `filled`.
GOLDEN = [
    0.110901,
    0.0,
    0.006812,
    0.336286,
    0.384159,
    0.301306,
    0.027196,
    0.0,
    0.112512,
    0.0,
    0.006568,
    0.332793,
    0.385853,
    0.303308,
    0.029917,
    0.0,
]


def blocks():
    return np.random.default_rng(3).uniform(0, 1, (2, 100, 96)).astype(np.float32)


def state():
    return OrderedDict((name, filled(name, tuple(t.shape))) for name, t in aisfx.EffectsNetwork().state_dict().items())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """In the original's layout: the network under its name, a classifier beside it, then numbers of classes."""
    path = tmp_path_factory.mktemp("aisfx") / "checkpoint.pth"
    weights = OrderedDict((f"embedding_net.{name}", tensor) for name, tensor in state().items())
    weights["fc.0.0.weight"] = torch.zeros(256, 512)
    torch.save((weights, {"sounds": (0, 5)}), path)
    return path


def test_the_effects_network_gives_the_golden_embeddings(checkpoint):
    with torch.inference_mode():
        found = aisfx.effects_network(checkpoint, "cpu")(torch.from_numpy(blocks())).numpy()
    assert found.shape == (2, 512)
    assert found[:, ::64].ravel() == pytest.approx(GOLDEN, abs=1e-5)


def test_the_effects_network_has_the_published_size():
    assert sum(p.numel() for p in aisfx.EffectsNetwork().parameters()) == 4_686_144


def test_its_log_mel_is_librosas():
    import librosa

    wave = noise(30_000, scale=0.1)
    words = {"n_fft": 2048, "hop_length": 1024, "n_mels": 96, "fmin": 0, "fmax": 22_050, "htk": True, "norm": 1.0}
    mel = librosa.feature.melspectrogram(y=wave / np.abs(wave).max(), sr=44_100, power=2.0, **words)
    assert aisfx.log_mel(wave) == pytest.approx(np.log10(10_000 * mel.T + 1) / 9.457798957824707, abs=1e-5)
    assert np.array_equal(aisfx.log_mel(np.zeros(30_000, np.float32)), np.zeros((30, 96)))


def test_aisfx_embeds_windows_of_the_near_channel_whatever_its_level(checkpoint):
    sound = noise(2, 70_000, scale=0.1)  # 4.4 s, 189 frames: windows from frame 0, 50 and 89
    encoder = Aisfx(str(checkpoint), AllRows(), batch=2)
    found = encoder.embed(sound)
    assert found.shape == (3, 512) and found.dtype == np.float32
    assert np.array_equal(found, encoder.embed(np.stack([sound[0], 0 * sound[1]])))
    assert found == pytest.approx(encoder.embed(3 * sound[:1]), abs=1e-4)
    assert Aisfx(str(checkpoint), AllRows(), batch=1).embed(sound) == pytest.approx(found, abs=1e-5)
    assert Aisfx(str(checkpoint)).embed(sound) == pytest.approx(found.mean(axis=0, keepdims=True), abs=1e-5)
    assert Aisfx(str(checkpoint), AllRows(), hop=25).embed(sound).shape == (5, 512)
    assert encoder.files() == (checkpoint,)


def test_aisfx_refuses_a_clip_shorter_than_its_spectrograms_window(checkpoint):
    with pytest.raises(BadInput, match="less than 0.046 s, a window of aiSFX's spectrogram"):
        Aisfx(str(checkpoint)).embed(noise(1, 700))
    assert Aisfx(str(checkpoint)).embed(noise(1, 800)).shape == (1, 512)


def test_numbers_beside_the_tensors_are_passed_over_and_other_types_refused(tmp_path):
    path = tmp_path / "checkpoint.pth"
    torch.save(({"weight": torch.ones(2)}, {"sounds": np.int64(5)}), path)
    names = ("numpy._core.multiarray.scalar", "numpy.dtype")
    assert list(read_tensors(path, aisfx.AISFX, names)) == ["weight"]
    torch.save(({"weight": torch.ones(2)}, Path("elsewhere")), path)
    with pytest.raises(BadInput, match="not readable as tensors .*expected checkpoint.pth"):
        read_tensors(path, aisfx.AISFX, names)


def test_wrong_weights_and_numbers_are_refused(checkpoint, tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(BadInput, match=r"other.pth: not this network's weights: 48 missing \(conv_block1"):
        Aisfx(str(tmp_path / "other.pth")).embed(noise(1, 40_000))
    with pytest.raises(BadInput, match="checkpoint 'nowhere.pth': no such file; expected checkpoint.pth"):
        Aisfx("nowhere.pth").files()
    with pytest.raises(BadInput, match="hop 0: at least 1 expected"):
        Aisfx(hop=0)


def test_without_the_package_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(aisfx, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"aisfx is not installed: pip install --no-deps aisfx==0.1.2 \("):
        Aisfx().files()


@pytest.fixture(scope="module")
def theirs():
    """Their network with their weights, and their cutting into blocks."""
    reason = (
        "NO AISFX: our network and its real weights were not compared with theirs (pip install --no-deps aisfx==0.1.2)"
    )
    models = pytest.importorskip("aisfx.models.cnn2d", reason=reason)
    weights, sets = torch.load(aisfx.shipped(), map_location="cpu", weights_only=False)
    network = models.CrossNet(models.EmbeddingNet("max", 3, 1, 64), sets, "cpu").eval()
    network.load_state_dict(weights)
    return network


def test_our_network_with_their_weights_equals_theirs(theirs):
    with torch.inference_mode():
        expected = theirs.get_embedding(torch.from_numpy(blocks()))
        found = aisfx.effects_network(aisfx.shipped(), "cpu")(torch.from_numpy(blocks()))
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5) and expected.std() > 0.1


def test_embeddings_equal_theirs_of_the_same_sound(theirs):
    import librosa
    from aisfx.preprocessing import blocking, spectrogram_normalize

    sound = noise(1, 92_880, scale=0.1)  # 251 frames at 44.1 kHz; they leave out the last window, of one more frame
    up = resample_poly(sound[0], 441, 160)
    words = {"n_mels": 96, "norm": 1.0, "htk": True, "hop_length": 1024, "win_length": 2048}
    mel = librosa.feature.melspectrogram(y=up / np.abs(up).max(), sr=44_100, **words)
    frames = spectrogram_normalize(np.log10(mel.T * 10_000 + 1))
    with torch.no_grad():
        expected = theirs.get_embedding(torch.Tensor(blocking(frames, 100, 50, True))).numpy()
    assert Aisfx(pooling=AllRows()).embed(sound)[: len(expected)] == pytest.approx(expected, abs=1e-4)


# ---- Nassl -----------------------------------------------------------------------------------------------------------

STAND_IN = """
import torch

class Network(torch.nn.Module):
    def forward(self, near, far):
        assert not self.training and near.dtype == far.dtype == torch.float32
        seconds = torch.stack([near, near - far], dim=-1).reshape(len(near), -1, 16_000, 2)
        rows = seconds.square().mean(dim=2)  # (B, n, 2): each second's powers of near and difference
        return rows if {patches} else rows.mean(dim=1)

def restore_model(*, ckpt_path, device):
    torch.load(ckpt_path, weights_only=True)
    return Network().to(device).train()
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A package `nassl` of the same interface; `stand_in(source)` gives a checkpoint."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(source):
        (tmp_path / "nassl").mkdir()
        (tmp_path / "nassl" / "__init__.py").write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop("nassl", None)
        torch.save({"weight": torch.ones(1)}, tmp_path / "encoder.ckpt")
        return tmp_path / "encoder.ckpt"

    yield install
    sys.modules.pop("nassl", None)


@pytest.mark.parametrize("patches", [True, False])
def test_nassl_hears_near_and_far(stand_in, patches):
    path = stand_in(STAND_IN.format(patches=patches))
    near, far = sound = noise(2, 48_000)
    seconds = np.stack([near, near - far]).reshape(2, 3, 16_000)
    expected = (seconds**2).mean(axis=2).T  # (3, 2)
    found = Nassl(str(path), AllRows()).embed(sound)
    assert found == pytest.approx(expected if patches else expected.mean(axis=0, keepdims=True), rel=1e-5)
    assert Nassl(str(path)).embed(sound) == pytest.approx(expected.mean(axis=0, keepdims=True), rel=1e-5)
    assert Nassl(str(path)).files() == (path, path.parent / "nassl" / "__init__.py")


def test_nassl_refuses_one_channel_by_name(stand_in):
    path = stand_in(STAND_IN.format(patches=True))
    with pytest.raises(BadInput, match=r"Nassl hears 1 channel of sound: 2 \(near, far; .*NearAndFar\) expected"):
        Nassl(str(path)).embed(noise(1, 16_000))


def test_what_nassl_cannot_do_is_told(stand_in, tmp_path):
    path = stand_in(STAND_IN.format(patches=True))
    with pytest.raises(BadInput, match=r"encoder.ckpt: fails on waves \(1, 17000\) \(shape '\[1, -1, 16000, 2\]'"):
        Nassl(str(path)).embed(noise(2, 17_000))
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(BadInput, match="text.ckpt: nassl cannot restore it"):
        Nassl(str(tmp_path / "text.ckpt")).embed(noise(2, 16_000))
    with pytest.raises(BadInput, match="checkpoint '': no such file; expected a checkpoint of the package nassl"):
        Nassl().files()


def test_without_the_package_or_with_pypis_of_that_name_it_is_told_where_it_comes_from(stand_in, monkeypatch):
    path = stand_in("'''A wrapper of OpenSSL.'''")
    with pytest.raises(BadInput, match="the installed package nassl has no `restore_model`: install the encoders' own"):
        Nassl(str(path)).embed(noise(2, 16_000))
    monkeypatch.setattr(nassl, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="nassl is not installed: .*PyPI's `nassl` is another project's"):
        Nassl(str(path)).files()


# ---- TorchScript and ONNX --------------------------------------------------------------------------------------------


class EightSamples(torch.nn.Module):
    """(B, T) -> (B, T / 8, 3)"""

    def __init__(self):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(noise(8, 3)))

    def forward(self, waves):
        return waves.reshape(waves.shape[0], -1, 8) @ self.matrix


@pytest.fixture(scope="module")
def torchscript(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "network.pt"
    torch.jit.script(EightSamples()).save(str(path))
    return path


def test_a_torchscript_file_embeds_whole_clips(torchscript):
    sound = noise(2, 800)
    found = FromFile(str(torchscript), AllRows()).embed(sound)
    assert found.dtype == np.float32 and found == pytest.approx(sound[0].reshape(100, 8) @ noise(8, 3), abs=1e-5)
    assert FromFile(str(torchscript)).embed(sound) == pytest.approx(found.mean(axis=0, keepdims=True), abs=1e-5)
    assert FromFile(str(torchscript)).files() == (torchscript,)


def test_its_windows_are_seconds_at_its_own_rate(torchscript):
    sound = noise(1, 1600)  # 0.1 s
    up = resample_poly(sound[0], 3, 1)  # 4,800 samples at 48 kHz
    windows = cut(up.astype(np.float32), 1920, 960)  # 40 and 20 ms
    found = FromFile(str(torchscript), AllRows(), batch=2, rate=48_000, window=0.04, hop=0.02).embed(sound)
    assert len(windows) == 4 and found == pytest.approx(windows.reshape(-1, 8) @ noise(8, 3), abs=1e-5)
    one_after_another = FromFile(str(torchscript), AllRows(), rate=48_000, window=0.05).embed(sound)
    assert one_after_another == pytest.approx(up.reshape(-1, 8) @ noise(8, 3), abs=1e-5)


def test_other_files_and_sounds_are_refused(torchscript, tmp_path):
    (tmp_path / "text.pt").write_text("no network")
    (tmp_path / "weights.pth").write_text("no network")
    with pytest.raises(BadInput, match="text.pt: not readable as a .pt network"):
        FromFile(str(tmp_path / "text.pt")).embed(noise(1, 800))
    with pytest.raises(BadInput, match=r"weights.pth: a TorchScript \(.pt\) or ONNX \(.onnx\) file expected"):
        FromFile(str(tmp_path / "weights.pth")).embed(noise(1, 800))
    with pytest.raises(BadInput, match="checkpoint '': no such file; expected a network that maps waves"):
        FromFile().files()
    with pytest.raises(BadInput, match=r"network.pt: fails on waves \(1, 801\) \(RuntimeError: shape '\[1, -1, 8\]'"):
        FromFile(str(torchscript)).embed(noise(1, 801))
    with pytest.raises(BadInput, match="window -1.0: 0 or at least one sample expected"):
        FromFile(window=-1.0)


def field(number, content):
    """One field of a protocol buffer: a whole number, or bytes with their length."""
    if isinstance(content, int):
        return bytes([number << 3]) + varint(content)
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def tensor(name, array, kind):
    dims = b"".join(field(1, n) for n in array.shape)
    return field(5, dims + field(2, kind) + field(8, name) + field(9, array.tobytes()))


def value(name, *dims):
    shape = b"".join(field(1, field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(kind, output, *inputs):
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind))


def eight_samples_as_onnx():
    """`EightSamples`, written by hand: torch's exporters need the package onnx."""
    graph = node(b"Reshape", b"pieces", b"waves", b"shape") + node(b"MatMul", b"rows", b"pieces", b"matrix")
    graph += field(2, b"graph") + tensor(b"shape", np.array([0, -1, 8]), 7) + tensor(b"matrix", noise(8, 3), 1)
    graph += field(11, value(b"waves", b"B", b"T")) + field(12, value(b"rows", b"B", b"n", b"D"))
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


def test_an_onnx_file_gives_what_torchscript_gives(torchscript, tmp_path):
    pytest.importorskip("onnxruntime", reason="NO ONNXRUNTIME: ONNX files were not tried (pip install '.[onnx]')")
    (tmp_path / "network.onnx").write_bytes(eight_samples_as_onnx())
    sound, numbers = noise(1, 1600), {"pooling": AllRows(), "window": 0.02, "hop": 0.01, "batch": 4}
    expected = FromFile(str(torchscript), **numbers).embed(sound)
    assert FromFile(str(tmp_path / "network.onnx"), **numbers).embed(sound) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(BadInput, match=r"network.onnx: fails on waves \(1, 801\)"):
        FromFile(str(tmp_path / "network.onnx")).embed(noise(1, 801))


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is not None, reason="onnxruntime is installed")
def test_without_onnxruntime_the_extra_is_told(tmp_path):
    (tmp_path / "network.onnx").write_bytes(eight_samples_as_onnx())
    with pytest.raises(BadInput, match=r"pip install '.\[onnx\]'"):
        FromFile(str(tmp_path / "network.onnx")).embed(noise(1, 800))


# ---- as parts of a system --------------------------------------------------------------------------------------------


def test_encoders_fit_in_the_place_of_features_and_poolings_in_theirs():
    assert all(isinstance(encoder, Encoder) for encoder in (Aisfx(), Nassl(), FromFile()))
    assert {Aisfx, Nassl, FromFile} <= set(parts_for(AnyFeatures))
    assert {type(pooling) for pooling in POOLINGS} <= set(parts_for(Pooling))


class NearSound:
    """An audible front-end."""

    def __call__(self, wave):
        raise AssertionError("an encoder sees no power")

    def sound(self, wave):
        return wave[:1]

    def arrays(self):
        return {}


def test_an_encoder_hears_the_front_ends_sound(torchscript):
    wave, encoder = noise(2, 800), FromFile(str(torchscript))
    assert np.array_equal(described(NearSound(), encoder, wave), encoder.embed(wave[:1]))
