"""BEATs, AST and CLAP as encoders: random weights in the original layouts, held against other implementations."""

import json
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import golden_beats as golden
import numpy as np
import pytest
import torch
from golden_audiosep import filled
from scipy.signal import resample_poly
from test_separation_weights import TINY, tiny_clap_and_state

from asd.calibration import NormalStandardised
from asd.contracts import Encoder
from asd.detectors.backends import NearestNeighbours
from asd.encoders import AllRows, Ast, Beats, Clap, Maximum
from asd.errors import BadInput
from asd.frontends import ClapEmbedder, Near
from asd.pretrained import beats, clap
from asd.pretrained.kaldi import fbank
from asd.pretrained.keeping import kept
from asd.programs.fitting import extract, work
from asd.programs.proving import prove_here
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import evaluate, write
from asd.system import System

PUBLISHED = {**golden.CFG, "encoder_layers": 12, "encoder_embed_dim": 768, "encoder_ffn_embed_dim": 3072}
PUBLISHED |= {"encoder_attention_heads": 12, "embed_dim": 512}


def saved(path, cfg=None, **tensors):
    torch.save({"cfg": golden.CFG if cfg is None else cfg, "model": golden.state() | tensors}, path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("beats") / "tiny.pt")


def noise(seconds, channels=2, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (channels, int(16_000 * seconds))).astype(np.float32)


# ---- Kaldi's filter bank ---------------------------------------------------------------------------------------------


def literal_fbank(wave, n_mels):
    """Frame by frame, bin by bin, in float64."""

    def mel(hertz):
        return 1127 * np.log(1 + hertz / 700)

    step = (mel(8000) - mel(20)) / (n_mels + 1)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(256), np.arange(400)) / 512)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    rows = []
    for start in range(0, len(wave) - 399, 160):
        x = wave[start : start + 400].astype(np.float64)
        x = x - x.mean()
        x = np.array([x[i] - 0.97 * x[max(i - 1, 0)] for i in range(400)]) * window
        power = np.abs(turns @ x) ** 2
        row = np.zeros(n_mels)
        for m in range(n_mels):
            low = mel(20) + m * step
            for k in range(256):
                up, down = (mel(k * 31.25) - low) / step, (low + 2 * step - mel(k * 31.25)) / step
                row[m] += power[k] * max(0, min(up, down))
        rows.append(np.log(np.maximum(row, 2**-23)))
    return np.array(rows)


def test_the_filter_bank_is_kaldis():
    wave = 2**15 * golden.wave(0.06)
    assert fbank(wave, 128).shape == (4, 128)
    assert np.abs(fbank(wave, 128) - literal_fbank(wave, 128)).max() < 1e-5
    assert fbank(wave[:399], 128).shape == (0, 128)
    assert np.allclose(fbank(0 * wave, 128), np.log(2**-23))


def test_the_filter_bank_equals_kaldi_native_fbank():
    """Which computes in float32: low bands lose digits to what pre-emphasis leaves of high ones."""
    reason = "NO KALDI-NATIVE-FBANK: the filter bank was only held against the literal one of this file"
    library = pytest.importorskip("kaldi_native_fbank", reason=reason)
    options = library.FbankOptions()
    options.frame_opts.dither, options.mel_opts.num_bins = 0, 128
    theirs, wave = library.OnlineFbank(options), 2**15 * golden.wave(1)
    theirs.accept_waveform(16_000, wave.tolist())
    theirs.input_finished()
    found = np.stack([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
    assert np.abs(fbank(wave, 128) - found).max() < 1e-3


# ---- BEATs -----------------------------------------------------------------------------------------------------------


def test_beats_gives_the_golden_output(checkpoint):
    record = json.loads(golden.GOLDEN.read_text())
    (found,) = beats.network(checkpoint).embed(golden.wave()[None])
    assert list(found.shape) == record["shape"] and found.dtype == np.float32
    assert np.abs(found[golden.PICKED] - record["values"]).max() < 1e-5


@pytest.mark.parametrize("deep_norm", [True, False])
def test_beats_equals_avex(deep_norm, tmp_path):
    if not golden.avex_is_here():
        pytest.skip("NO AVEX: BEATs was only held against golden values (see tests/golden_beats.py)")
    cfg = {**golden.CFG, "deep_norm": deep_norm}
    ours, mels = beats.network(saved(tmp_path / "tiny.pt", cfg)), beats.mels(noise(2.5))
    with torch.inference_mode():
        found = ours(torch.from_numpy(mels)).numpy()
    assert np.abs(found - golden.their_output(golden.theirs(cfg), mels)).max() < 1e-5


def test_beats_has_the_published_layout():
    with torch.device("meta"):
        network = beats.Beats(beats.sizes_in(PUBLISHED, "published"))
    assert {name: tuple(t.shape) for name, t in network.state_dict().items()} == golden.layout(PUBLISHED)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6) == 90


def test_patches_come_in_the_order_of_time():
    """A click late in the clip changes the first layer's late patches only, eight per 160 ms."""
    network = beats.Beats(beats.sizes_in(golden.CFG, "tiny"))
    quiet, clicked = np.zeros((2, 1, 16_000), np.float32)
    clicked[0, 12_000] = 0.5
    with torch.no_grad():
        patches = [network.patch_embedding(torch.from_numpy(beats.mels(w))[:, None]) for w in (quiet, clicked)]
    changed = np.flatnonzero((patches[0] != patches[1]).flatten(2).any(dim=1)[0])
    assert set(changed // 8) == {4}  # 0.64 to 0.8 s


def test_a_fine_tuned_checkpoint_gives_its_embeddings_too(checkpoint, tmp_path):
    cfg = {**golden.CFG, "finetuned_model": True, "predictor_class": 5}
    head = {"predictor.weight": filled("w", (5, 48)), "predictor.bias": filled("b", (5,))}
    tuned, plain = Beats(str(saved(tmp_path / "tuned.pt", cfg, **head))), Beats(str(checkpoint))
    assert np.array_equal(tuned.embed(noise(1)), plain.embed(noise(1)))


def test_beats_hears_the_near_channel_and_pools(checkpoint):
    sound, encoder = noise(1), Beats(str(checkpoint), AllRows())
    rows = encoder.embed(sound)
    assert isinstance(encoder, Encoder) and [p.name for p in encoder.files()] == ["tiny.pt"]
    assert rows.shape == (48, 48) and rows.dtype == np.float32
    assert np.array_equal(rows, encoder.embed(sound[:1]))
    assert np.array_equal(rows, encoder.embed(np.stack([sound[0], 0 * sound[1]])))
    assert np.array_equal(Beats(str(checkpoint)).embed(sound), rows.mean(axis=0, keepdims=True))
    assert np.array_equal(Beats(str(checkpoint), Maximum()).embed(sound), rows.max(axis=0, keepdims=True))


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_long_sound_is_heard_in_windows(batch, checkpoint):
    sound = noise(23, 1)
    found = Beats(str(checkpoint), AllRows(), batch=batch).embed(sound)
    windows = [sound[:, :160_000], sound[:, 160_000:320_000], sound[:, -160_000:]]
    alone = np.concatenate([Beats(str(checkpoint), AllRows()).embed(w) for w in windows])
    assert found.shape == (3 * 62 * 8, 48) and np.abs(found - alone).max() < 1e-5


def test_what_is_no_beats_checkpoint_is_refused(tmp_path):
    with pytest.raises(
        BadInput, match=r"'': no such file; expected a BEATs encoder .*361 MB\) from Microsoft .*not down"
    ):
        Beats().files()
    (tmp_path / "noise.pt").write_bytes(b"<html>not found</html>")
    with pytest.raises(BadInput, match="noise.pt: 22 bytes, not readable as tensors"):
        Beats(str(tmp_path / "noise.pt")).embed(noise(1))
    torch.save({"state_dict": golden.state()}, tmp_path / "flat.pt")
    with pytest.raises(BadInput, match="flat.pt: no `cfg` and `model` in it"):
        Beats(str(tmp_path / "flat.pt")).embed(noise(1))
    with pytest.raises(BadInput, match="another kind of network .layer_norm_first=True, gru_rel_pos=False"):
        beats.network(saved(tmp_path / "kind.pt", golden.CFG | {"layer_norm_first": True, "gru_rel_pos": False}))
    with pytest.raises(BadInput, match="no input_patch_size"):
        beats.network(saved(tmp_path / "tokens.pt", {n: v for n, v in golden.CFG.items() if n != "input_patch_size"}))
    with pytest.raises(BadInput, match="1 unexpected .encoder.extra."):
        beats.network(saved(tmp_path / "extra.pt", **{"encoder.extra": torch.ones(2)}))
    with pytest.raises(BadInput, match="of another shape .encoder.layer_norm.bias."):
        beats.network(saved(tmp_path / "shape.pt", **{"encoder.layer_norm.bias": torch.ones(2)}))
    with pytest.raises(BadInput, match="batch 0: at least 1 expected"):
        Beats(batch=0)


def test_a_clip_shorter_than_a_patch_is_refused(checkpoint):
    assert Beats(str(checkpoint), AllRows()).embed(noise(0.175)).shape == (8, 48)
    with pytest.raises(BadInput, match="2799 samples; BEATs needs at least 2800"):
        Beats(str(checkpoint)).embed(noise(0.175)[:, :-1])


def test_threads_share_one_network(checkpoint):
    sounds = [noise(0.5, seed=i) for i in range(8)]
    alone = [Beats(str(checkpoint)).embed(sound) for sound in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(Beats(str(checkpoint)).embed, sounds))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_threads_that_ask_at_once_load_once(tmp_path):
    loads, start = [], threading.Barrier(4)

    @kept
    def load(path, device):
        loads.append((path, device))
        time.sleep(0.05)
        return object()

    def ask(_):
        start.wait()
        return load(tmp_path)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert loads == [(tmp_path, "cpu")]


# ---- AST -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library():
    return pytest.importorskip("transformers", reason="NO TRANSFORMERS: AST and CLAP were not tried ('.[encoders]')")


@pytest.fixture(scope="module")
def ast_folder(library, tmp_path_factory):
    """A small classifier as the hub keeps one: 0.5 s of input, no dropout needed, every tensor off its default."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    network = library.ASTForAudioClassification(library.ASTConfig(max_length=48, **sizes))
    network.load_state_dict({name: filled(name, tuple(t.shape)) for name, t in network.state_dict().items()})
    folder = tmp_path_factory.mktemp("ast")
    network.save_pretrained(folder)
    library.ASTFeatureExtractor(max_length=48, mean=-4.3, std=4.6).save_pretrained(folder)
    return folder


def their_ast(library, folder, wave):
    """All patches (12, 4, D) of bands and times, by the library's own classes."""
    features = library.ASTFeatureExtractor.from_pretrained(folder)
    mels = features(wave, sampling_rate=16_000, return_tensors="pt")["input_values"]
    with torch.no_grad():
        found = library.ASTModel.from_pretrained(folder).eval()(mels).last_hidden_state[0]
    return found[2:].reshape(12, 4, -1).numpy()  # (128 - 16) // 10 + 1, (48 - 16) // 10 + 1


def test_ast_equals_the_librarys_forward(library, ast_folder):
    sound = noise(0.4, 1)  # 38 frames: its third patch ends at frame 36, the fourth at 46 holds padding
    theirs = their_ast(library, ast_folder, sound[0])
    found = Ast(str(ast_folder), AllRows()).embed(sound)
    assert found.shape == (3 * 12, 32) and found.dtype == np.float32
    by_hand = np.concatenate([theirs[:, t] for t in range(3)])
    assert np.abs(found - by_hand).max() < 1e-5 and by_hand.std(axis=0).max() > 0.05


def test_a_full_window_gives_all_patches_and_a_long_clip_more(library, ast_folder):
    window = 400 + 47 * 160
    sound = noise(1, 1)[:, : 2 * window]
    found = Ast(str(ast_folder), AllRows(), batch=2).embed(sound)
    theirs = [their_ast(library, ast_folder, sound[0, i : i + window]) for i in (0, window)]
    assert np.abs(found - np.concatenate([t.transpose(1, 0, 2).reshape(48, -1) for t in theirs])).max() < 1e-5
    assert np.array_equal(Ast(str(ast_folder)).embed(sound), Ast(str(ast_folder)).embed(np.concatenate([sound, sound])))
    assert len(Ast(str(ast_folder), AllRows()).embed(sound[:, :1000])) == 12  # shorter than one patch: padded


def test_a_folder_that_lacks_something_is_refused(library, ast_folder, tmp_path):
    assert {p.name for p in Ast(str(ast_folder)).files()} >= {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    }
    with pytest.raises(BadInput, match="'gone': no such file; expected a folder with the config.json.*346 MB"):
        Ast("gone").files()
    with pytest.raises(BadInput, match="golden_beats.json: a file; expected a folder"):
        Ast(str(golden.GOLDEN)).embed(noise(1))
    shutil.copytree(ast_folder, tmp_path / "bare")
    (tmp_path / "bare" / "preprocessor_config.json").unlink()
    with pytest.raises(BadInput, match="bare: not readable .*; expected a folder"):
        Ast(str(tmp_path / "bare")).embed(noise(1))
    library.ASTModel(library.ASTConfig(num_hidden_layers=0)).save_pretrained(tmp_path / "short")
    config = json.loads((tmp_path / "short" / "config.json").read_text()) | {"num_hidden_layers": 1}
    (tmp_path / "short" / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="short: [0-9]+ weights missing .*; expected a folder"):
        Ast(str(tmp_path / "short")).embed(noise(1))


def test_a_missing_library_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    (tmp_path / "config.json").write_text("{}")
    for encoder in (Ast(str(tmp_path)), Clap(str(tmp_path))):
        with pytest.raises(BadInput, match="extra `encoders`"):
            encoder.embed(noise(1))


# ---- CLAP ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_clap(library, tmp_path, monkeypatch):
    """(the library's network, a file of its state in LAION's layout)"""
    monkeypatch.setattr(clap, "SIZES", {**clap.SIZES, **TINY})
    network, state = tiny_clap_and_state(library)
    torch.save(
        {"epoch": 1, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "c.pt"
    )
    return network, tmp_path / "c.pt"


@pytest.fixture
def clap_file(tiny_clap):
    return tiny_clap[1]


def test_clap_equals_the_librarys_forward(library, tiny_clap):
    network, path = tiny_clap
    sound = noise(12)
    features = library.ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="rand_trunc", padding="repeatpad"
    )
    up = resample_poly(sound[0], 3, 1)
    theirs = []
    for piece in (up[:480_000], up[-480_000:]):
        mels = features(piece, sampling_rate=48_000, return_tensors="pt")["input_features"]
        with torch.no_grad():
            vector = network(input_features=mels).audio_embeds[0].numpy()
        theirs.append(vector / np.linalg.norm(vector))
    for batch in (1, 2):
        found = Clap(str(path), AllRows(), batch=batch).embed(sound)
        assert found.shape == (2, 512) and found.dtype == np.float32
        assert np.abs(found - theirs).max() < 1e-5
    mean = np.mean(theirs, axis=0)
    assert np.abs(Clap(str(path)).embed(sound)[0] - mean).max() < 1e-5
    assert np.abs(ClapEmbedder(str(path)).embed(sound[0]) - mean / np.linalg.norm(mean)).max() < 1e-5


# ---- a whole system --------------------------------------------------------------------------------------------------


def session(kind, encoder, data_folder, results, **departing):
    recipes = {"mine": System(Near(), encoder, NearestNeighbours(), NormalStandardised())}
    fields = {"device": "cpu", "machines": ["fan" if kind == "dev" else "drone"], "may_select": False, **departing}
    return Session(Request(kind, data_folder, results, recipes, recipes, seeds=(0,), **fields))


def run_and_prove(kind, encoder, data_folder, results):
    first = session(kind, encoder, data_folder, results)
    extract(first)
    work(first)
    write(first, "mine")
    prove_here(session(kind, encoder, data_folder, results, may_train=False, splits=("train",)))
    return first


def test_a_system_with_beats_is_developed_evaluated_and_proven(checkpoint, data_folder, tmp_path):
    encoder = Beats(str(checkpoint), AllRows())
    developed = run_and_prove("dev", encoder, data_folder, tmp_path)
    assert "fan" in str(evaluate(developed, "mine"))
    run_and_prove("eval", encoder, data_folder, tmp_path)
    assert len(list((tmp_path / "eval" / "mine").glob("anomaly_score_drone_*.csv"))) == 1


def test_another_checkpoint_at_the_same_path_is_noticed(checkpoint, data_folder, tmp_path):
    encoder = Beats(str(shutil.copy(checkpoint, tmp_path / "own.pt")))

    def found():
        made = session("dev", encoder, data_folder, tmp_path)
        return made.training_features(["mine"], made.machine("fan")), encoder.embed(noise(1))

    (before,), embedded = found()
    saved(tmp_path / "own.pt", **{"post_extract_proj.bias": torch.ones(48)})
    (after,), anew = found()
    assert before != after and np.abs(embedded - anew).max() > 0.01


@pytest.mark.parametrize(("kind", "fixture"), [(Ast, "ast_folder"), (Clap, "clap_file")])
def test_a_system_with_the_librarys_encoders_is_proven(kind, fixture, request, data_folder, tmp_path):
    run_and_prove("eval", kind(str(request.getfixturevalue(fixture))), data_folder, tmp_path / "results")
