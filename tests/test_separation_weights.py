"""AudioSep and CLAP without their weights: original layouts filled with numbers, goldens, oracles, and wrong files."""

import json
import sys
import zipfile
from functools import partial

import golden_audiosep as golden
import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from asd.errors import BadInput
from asd.frontends import AudioSepTeacher, ClapEmbedder
from asd.frontends.distillation import audiosep, resunet
from asd.frontends.distillation.resunet import ResUNet30
from asd.pretrained import checkpoints, clap, windows


@pytest.fixture(scope="module")
def flat():
    """The network's state in its public names."""
    return {name: golden.filled(name, tuple(t.shape)) for name, t in ResUNet30().state_dict().items()}


def stepped(**words):
    """An optimiser of a small layer after one step."""
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-3, **words)
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return optimiser


def lightning(separator, clap):
    """What AudioSep's training saves: Lightning, network under ss_model, fixed transforms, CLAP beside it, AMSGrad."""
    fixed = {"base.stft.conv_real.weight": torch.zeros(1025, 1, 4), "base.istft.ola_window": torch.ones(4)}
    state = {f"ss_model.{name}": tensor for name, tensor in (separator | fixed).items()}
    optimiser = stepped(amsgrad=True)
    return {
        "epoch": 3,
        "global_step": 4_000_000,
        "pytorch-lightning_version": "1.9.0",
        "state_dict": state | {f"query_encoder.model.{name}": tensor for name, tensor in clap.items()},
        "loops": {"fit_loop": {"epoch_progress": {"total": {"ready": 4}}}},
        "callbacks": {"CheckpointEveryNSteps": {}},
        "optimizer_states": [optimiser.state_dict()],
        "lr_schedulers": [torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.9**step).state_dict()],
    }


def laion(clap):
    """What LAION's training saves: parallel names, and an optimiser whose rate a NumPy schedule has set."""
    optimiser = stepped()
    optimiser.param_groups[0]["lr"] = 1e-3 * (1 + np.cos(np.float64(0.3)))
    state = {f"module.{name}": tensor for name, tensor in clap.items()}
    return {"epoch": 15, "name": "music_speech", "optimizer": optimiser.state_dict(), "state_dict": state}


def saved_by_numpy_1(held, path):
    """`torch.save` as it was with NumPy 1, which had its scalars in another module."""
    torch.save(held, path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert any(b"numpy.core.multiarray" in part for part in parts.values()) or np.__version__ >= "2"


@pytest.fixture(scope="module")
def checkpoint(flat, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "audiosep.ckpt"
    torch.save(lightning(flat, {"logit_scale_a": torch.ones(())}), path)
    return path


def separated(network):
    wave, query = golden.mixture_and_query()
    with torch.no_grad():
        return network(wave, query)[0].numpy()


def test_the_network_gives_the_golden_output(checkpoint):
    found, record = separated(audiosep.separator(checkpoint)), json.loads(golden.GOLDEN.read_text())
    assert found[golden.PICKED] == pytest.approx(record["samples"], abs=1e-6)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(record["rms"], rel=1e-5)


def test_the_network_equals_uss(checkpoint):
    reason = "NO USS: AudioSep's network was only held against golden values (see tests/golden_audiosep.py)"
    pytest.importorskip("uss", reason=reason)
    assert np.abs(golden.their_output(golden.theirs()) - separated(audiosep.separator(checkpoint))).max() < 1e-5


def test_the_network_has_the_published_size():
    assert sum(p.numel() for p in ResUNet30().parameters()) == 26_447_941


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_other_layouts_are_read_too(flat, prefix, checkpoint, tmp_path):
    torch.save({prefix + name: tensor for name, tensor in flat.items()}, tmp_path / "flat.pt")
    name = "base.decoder_block3.conv_block2.conv1.weight"
    read = audiosep.separator(tmp_path / "flat.pt").state_dict()
    assert torch.equal(read[name], audiosep.separator(checkpoint).state_dict()[name])


def test_a_text_query_separates_the_near_channel(checkpoint, tmp_path):
    np.save(tmp_path / "query.npy", golden.mixture_and_query()[1].numpy())
    teacher = AudioSepTeacher(str(checkpoint), text_embedding=str(tmp_path / "query.npy"))
    wave = np.random.default_rng(0).normal(0, 0.1, (2, 6001)).astype(np.float32)
    separate = teacher.open([], np.zeros(1))
    found = separate(wave)
    assert found.shape == (6001,) and np.isfinite(found).all() and found.std() > 0
    assert np.array_equal(found, separate(np.stack([wave[0], 0 * wave[1]])))
    assert [path.name for path in teacher.files()] == ["audiosep.ckpt", "query.npy"]


def test_missing_and_wrong_checkpoints_say_what_is_expected(flat, tmp_path):
    expected = r"1,264,844,076 bytes\) from the AudioSep project .*not downloaded"
    with pytest.raises(
        BadInput, match=f"checkpoint '': no such file; expected audiosep_base_4M_steps.ckpt.*{expected}"
    ):
        _ = AudioSepTeacher().files()
    (tmp_path / "noise.ckpt").write_bytes(b"<html>not found</html>")
    with pytest.raises(BadInput, match=f"noise.ckpt: 22 bytes, not readable as tensors .*{expected}"):
        audiosep.separator(tmp_path / "noise.ckpt")
    torch.save({"state_dict": {"other.weight": torch.ones(3)}}, tmp_path / "other.ckpt")
    with pytest.raises(BadInput, match="other.ckpt: not this network's weights: [0-9]+ missing"):
        audiosep.separator(tmp_path / "other.ckpt")
    torch.save(dict(list(flat.items())[1:]) | {"base.bn9.weight": torch.ones(3)}, tmp_path / "near.ckpt")
    with pytest.raises(BadInput, match="1 missing .base.bn0.weight.; 1 unexpected .base.bn9.weight."):
        audiosep.separator(tmp_path / "near.ckpt")
    torch.save({**flat, "base.bn0.weight": torch.ones(3)}, tmp_path / "shape.ckpt")
    with pytest.raises(BadInput, match="1 of another shape .base.bn0.weight."):
        audiosep.separator(tmp_path / "shape.ckpt")
    with pytest.raises(BadInput, match=r"'gone.pt': no such file; expected music_speech_audioset.*LAION"):
        _ = ClapEmbedder("gone.pt").files()


@pytest.mark.parametrize("wrong", [np.zeros(512), np.ones(511), np.full(512, np.nan)])
def test_a_text_embedding_that_is_none_is_refused(wrong, tmp_path):
    np.save(tmp_path / "query.npy", wrong)
    with pytest.raises(BadInput, match="query.npy: shape .*a finite vector of 512"):
        audiosep.read_text_embedding(tmp_path / "query.npy")


def test_nothing_that_is_no_tensor_is_unpickled_and_the_cause_is_told_whole(tmp_path):
    torch.save({"state_dict": {"base.x": torch.ones(1)}, "extra": pytest.raises}, tmp_path / "code.ckpt")
    cause = r"not readable as tensors \(Unsupported global: GLOBAL _pytest.raises.raises was not an allowed [a-z ]*\);"
    with pytest.raises(BadInput, match=f"code.ckpt: .*{cause}") as refused:
        audiosep.separator(tmp_path / "code.ckpt")
    assert "\x1b" not in str(refused.value) and "trust" not in str(refused.value)


@pytest.mark.parametrize("save", [torch.save, saved_by_numpy_1])
def test_an_optimiser_with_numpy_scalars_is_passed_over(save, tmp_path):
    save(laion({"audio_branch.x": torch.arange(3.0)}), tmp_path / "laion.pt")
    assert checkpoints.read_tensors(tmp_path / "laion.pt", clap.CLAP)["module.audio_branch.x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("other", [np.arange(3), np.int64(3), np.float32(3)])
def test_no_more_of_numpy_is_read_than_float64_scalars(other, tmp_path):
    torch.save({"state_dict": {"x": torch.ones(1)}, "other": other}, tmp_path / "other.pt")
    with pytest.raises(BadInput, match="other.pt: .*not readable as tensors .*numpy"):
        checkpoints.read_tensors(tmp_path / "other.pt", clap.CLAP)


# ---- CLAP ------------------------------------------------------------------------------------------------------------

TINY = {"hidden_size": 256, "patch_embeds_hidden_size": 32, "depths": [1, 1, 1, 1], "num_attention_heads": [2, 2, 4, 4]}


def laion_names(name):
    """The library's name under LAION's, literally; None for what LAION keeps elsewhere."""
    for ours, laions in (("linear1", "0"), ("linear2", "2")):
        name = name.replace(f"audio_projection.{ours}", f"audio_projection.{laions}")
    if "attention.self.query" in name:
        return name.replace("attention.self.query", "attn.qkv").replace("audio_model.audio_encoder", "audio_branch")
    pairs = (
        ("audio_model.audio_encoder", "audio_branch"),
        ("attention.self.relative", "attn.relative"),
        ("attention.output.dense", "attn.proj"),
        ("intermediate.dense", "mlp.fc1"),
        ("output.dense", "mlp.fc2"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("batch_norm", "bn0"),
    )
    for ours, laions in pairs:
        name = name.replace(ours, laions)
    return None if "attention.self" in name else name


def tiny_clap_and_state(library):
    """A small network of the library, every tensor off its default; and its state as LAION names it."""
    network = library.ClapAudioModelWithProjection(library.ClapAudioConfig(**{**clap.SIZES, **TINY})).eval()
    own = network.state_dict()
    network.load_state_dict({n: t if "index" in n else golden.filled(n, tuple(t.shape)) for n, t in own.items()})
    state = {}
    for name, tensor in network.state_dict().items():
        if laion := laion_names(name):
            parts = [own[name.replace("query", p)] for p in ("query", "key", "value")] if "query" in name else [tensor]
            state[laion] = torch.cat(parts) if len(parts) > 1 else tensor
    beside = (
        "audio_branch.tscam_conv.weight",
        "audio_branch.layers.0.blocks.0.attn_mask",
        "text_branch.x",
        "logit_scale_a",
    )
    return network, state | {name: torch.ones(2) for name in beside}


@pytest.fixture(scope="module")
def encoder():
    reason = "NO TRANSFORMERS: CLAP was not tried (pip install '.[separation]')"
    return tiny_clap_and_state(pytest.importorskip("transformers", reason=reason))


@pytest.mark.parametrize("layout", [partial(lightning, {}), laion, dict], ids=["AudioSep", "LAION", "flat"])
def test_clap_is_read_from_every_layout(encoder, layout, tmp_path, monkeypatch):
    monkeypatch.setattr(clap, "SIZES", {**clap.SIZES, **TINY})
    network, state = encoder
    path = tmp_path / "clap.pt"
    torch.save(layout(state), path)
    read = clap.audio_encoder(path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(read.network.state_dict()[name], tensor), name
    wave = np.random.default_rng(0).normal(0, 0.1, 16_000 * 12).astype(np.float32)
    embedding = ClapEmbedder(str(path)).embed(wave)
    assert embedding.shape == (512,) and np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(embedding, ClapEmbedder(str(path)).embed(wave))


@pytest.fixture
def tiny_clap(encoder, tmp_path, monkeypatch):
    """A checkpoint of the small network, readable as CLAP while the test runs."""
    monkeypatch.setattr(clap, "SIZES", {**clap.SIZES, **TINY})
    torch.save(encoder[1], tmp_path / "tiny.pt")
    return tmp_path / "tiny.pt"


def test_an_audio_query_separates_as_the_network_called_by_hand(checkpoint, tiny_clap):
    rng = np.random.default_rng(0)
    wave, reference = (rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((2, 6001), (16_000,)))
    query = torch.from_numpy(ClapEmbedder(str(tiny_clap)).embed(reference))[None]

    def by_hand(query):
        with torch.no_grad():
            up = torch.from_numpy(resample_poly(wave[0], 2, 1).astype(np.float32))[None]  # 32 kHz
            return resample_poly(audiosep.separator(checkpoint)(up, query)[0].numpy(), 1, 2)

    teacher = AudioSepTeacher(str(checkpoint), clap=str(tiny_clap))
    found = teacher.open([], reference)(wave)
    assert found.shape == (6001,) and np.allclose(found, by_hand(query), atol=1e-6)
    assert np.abs(found - by_hand(0 * query)).max() > 1e-4
    assert [path.name for path in teacher.files()] == ["audiosep.ckpt", "tiny.pt"]


def test_clap_has_laions_band(tiny_clap):
    """50 to 14,000 Hz; a tone above it leaves the features low, one inside does not."""
    encoder, t = clap.audio_encoder(tiny_clap), np.arange(clap.WINDOW) / clap.CLAP_RATE

    def loudest(hertz):
        tone = 0.1 * np.sin(2 * np.pi * hertz * t) * np.hanning(len(t))  # without clicks, which sound in every band
        return float(encoder.features(tone, sampling_rate=48_000, return_tensors="pt")["input_features"].max())

    assert loudest(13_000) > loudest(15_000) + 40  # dB
    assert (encoder.features.frequency_min, encoder.features.frequency_max) == (50, 14_000)


def test_clap_is_read_from_a_folder_of_the_hub(encoder, tmp_path):
    encoder[0].save_pretrained(tmp_path)
    read = clap.audio_encoder(tmp_path)
    assert all(torch.equal(t, read.network.state_dict()[n]) for n, t in encoder[0].state_dict().items())
    assert {p.name for p in ClapEmbedder(str(tmp_path)).files()} >= {"config.json", "model.safetensors"}


def test_a_checkpoint_without_an_audio_branch_and_a_missing_library_are_told(tmp_path, monkeypatch):
    torch.save({"text_branch.x": torch.ones(2)}, tmp_path / "text.pt")
    with pytest.raises(BadInput, match="text.pt: no audio_branch"):
        clap.renamed(clap.read_tensors(tmp_path / "text.pt", clap.CLAP), tmp_path / "text.pt")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BadInput, match="extra `encoders`"):
        clap.audio_encoder(tmp_path / "text.pt")


@pytest.fixture
def originals(encoder, tmp_path, monkeypatch):
    """AudioSep's and LAION's files with all that lies in them, of networks small enough to run in seconds."""
    monkeypatch.setattr(clap, "SIZES", {**clap.SIZES, **TINY})
    monkeypatch.setattr(resunet, "WIDTH", 2)
    for name in ("ENCODER", "DECODER"):
        narrow = tuple((n_in // 16, n_out // 16, pooling) for n_in, n_out, pooling in getattr(resunet, name))
        monkeypatch.setattr(resunet, name, narrow)
    monkeypatch.setattr(resunet, "INNER", (24, 24, (1, 1)))
    state = {name: golden.filled(name, tuple(t.shape)) for name, t in ResUNet30().state_dict().items()}
    torch.save(lightning(state, encoder[1]), tmp_path / "audiosep.ckpt")
    torch.save(laion(encoder[1]), tmp_path / "laion.pt")
    return tmp_path / "audiosep.ckpt", tmp_path / "laion.pt"


def test_the_papers_teacher_and_embedder_run_to_omega(originals, tmp_path, data_folder):
    from test_contracts import opened

    from asd.programs.fitting import fit
    from asd.programs.writing import evaluate, write

    audiosep, laion = originals
    sets = {"teacher": "AudioSepTeacher", "teacher.checkpoint": audiosep, "teacher.clap": laion}
    sets |= {"embedder": "ClapEmbedder", "embedder.checkpoint": audiosep, "clips": 6}
    session = opened("ssd", data_folder, tmp_path, assignments=[f"frontend.{k}={v}" for k, v in sets.items()])
    fit(session)
    write(session, "ssd")
    assert evaluate(session, "ssd")[-1][0] == "harmonic mean"
    assert np.ptp(session.fitted("ssd", session.machines[0]).members[0].frontend.sci) > 0


def test_windows_cover_a_long_clip():
    pieces = windows.cut(np.arange(25 * 48_000), clap.WINDOW, clap.WINDOW)
    assert [len(p) for p in pieces] == [clap.WINDOW] * 3 and pieces[-1][-1] == 25 * 48_000 - 1
    assert len(windows.cut(np.arange(clap.WINDOW), clap.WINDOW, clap.WINDOW)) == 1
