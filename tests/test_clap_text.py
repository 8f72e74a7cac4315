"""CLAP's text branch without its weights: a small network in the original layouts, a small tokenizer, AudioSep."""

import json

import golden_audiosep as golden
import numpy as np
import pytest
import torch

from asd.errors import BadInput
from asd.frontends import AudioSepTeacher
from asd.frontends.distillation.resunet import ResUNet30
from asd.pretrained import clap_text

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 20}
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "f", "a", "n", "Ġ", "r", "u", "fa", "fan", "Ġr", "Ġru", "<mask>"]


@pytest.fixture(scope="module")
def library():
    return pytest.importorskip("transformers", reason="NO TRANSFORMERS: CLAP's text was not tried (extra `encoders`)")


@pytest.fixture
def network(library, monkeypatch):
    monkeypatch.setattr(clap_text, "SIZES", {**clap_text.SIZES, **TINY})
    made = library.ClapTextModelWithProjection(library.ClapTextConfig(**clap_text.SIZES)).eval()
    own = made.state_dict()
    made.load_state_dict({n: t if "_ids" in n else golden.filled(n, tuple(t.shape)) for n, t in own.items()})
    return made


@pytest.fixture
def tokenizer(library, tmp_path):
    folder = tmp_path / "roberta"
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(PIECES)}))
    (folder / "merges.txt").write_text("#version: 0.2\nf a\nfa n\nĠ r\nĠr u\n")
    return folder


def laion(network):
    """Its state as LAION names it, with the audio branch and the second heads beside it."""
    state = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in (("text_model.", "text_branch."), ("linear1", "0"), ("linear2", "2")):
            name = name.replace(ours, theirs)
        state[name] = tensor
    beside = ("audio_branch.x", "text_transform.sequential.0.weight", "logit_scale_t")
    return state | {name: torch.ones(2) for name in beside}


def test_a_text_is_cut_as_roberta_cuts_it(tokenizer):
    assert clap_text.tokens_of("fan run", str(tokenizer)) == [0, 11, 13, 6, 2]
    assert len(clap_text.tokens_of("fan" * 200, str(tokenizer))) == clap_text.LONGEST


@pytest.mark.parametrize("prefix", ["query_encoder.model.", "module.", ""])
def test_the_text_branch_is_read_from_every_layout(network, tokenizer, prefix, tmp_path):
    path = tmp_path / "clap.pt"
    torch.save({"state_dict": {prefix + name: tensor for name, tensor in laion(network).items()}}, path)
    found = clap_text.embed("fan run", str(path), str(tokenizer))
    filled = torch.tensor([[0, 11, 13, 6, 2] + [1] * 72])  # as LAION fills it, with a mask over what was filled
    with torch.no_grad():
        expected = network(input_ids=filled, attention_mask=(filled != 1).long()).text_embeds[0].numpy()
    assert found == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5) and found.shape == (512,)
    assert np.abs(found - clap_text.embed("run", str(path), str(tokenizer))).max() > 1e-4


def test_the_text_branch_is_read_from_a_folder_of_the_hub(network, tokenizer, tmp_path):
    network.save_pretrained(tmp_path / "hub")
    torch.save(laion(network), tmp_path / "flat.pt")
    both = [clap_text.embed("fan", str(tmp_path / name), str(tokenizer)) for name in ("hub", "flat.pt")]
    assert both[0] == pytest.approx(both[1], abs=1e-6)


def test_audiosep_is_asked_by_text(network, tokenizer, tmp_path):
    resunet = {f"ss_model.{n}": golden.filled(n, tuple(t.shape)) for n, t in ResUNet30().state_dict().items()}
    inside = {f"query_encoder.model.{name}": tensor for name, tensor in laion(network).items()}
    torch.save({"state_dict": resunet | inside}, tmp_path / "audiosep.ckpt")
    wave = np.random.default_rng(0).normal(0, 0.1, (2, 6001)).astype(np.float32)
    teachers = [
        AudioSepTeacher(str(tmp_path / "audiosep.ckpt"), text=t, tokenizer=str(tokenizer)) for t in ("fan", "run")
    ]
    one, other = (teacher.open([], np.zeros(1))(wave) for teacher in teachers)
    assert one.shape == (6001,) and np.abs(one - other).max() > 1e-5
    assert [path.name for path in teachers[0].files()] == ["audiosep.ckpt", "merges.txt", "vocab.json"]


def test_what_a_text_lacks_is_told(tokenizer, tmp_path):
    torch.save({"audio_branch.x": torch.ones(2)}, tmp_path / "audio.pt")
    with pytest.raises(BadInput, match="audio.pt: no text_branch"):
        clap_text.embed("fan", str(tmp_path / "audio.pt"), str(tokenizer))
    with pytest.raises(BadInput, match="no vocab.json and no tokenizer.json in it; expected a folder with RoBERTa's"):
        clap_text.tokens_of("fan", str(tmp_path))
    with pytest.raises(BadInput, match="one of the two expected"):
        AudioSepTeacher(text="fan", text_embedding="query.npy")
