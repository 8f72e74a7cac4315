"""Devices: what --device may be, checked against what PyTorch offers, and how it stands in a key."""

import pytest
import torch

from asd.errors import BadInput
from asd.programs.session import chosen_device
from asd.training import environment, stacks


@pytest.fixture
def gpus(monkeypatch):
    """PyTorch with so many CUDA GPUs."""

    def seen(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return seen


def test_each_gpu_of_a_machine_can_be_chosen_and_no_other(gpus):
    gpus(2)
    assert [chosen_device(d, True) for d in ("auto", "cpu", "cuda", "cuda:1")] == ["cuda", "cpu", "cuda", "cuda:1"]
    with pytest.raises(BadInput, match="--device cuda:2: PyTorch sees 2 CUDA GPUs, counted from cuda:0"):
        chosen_device("cuda:2", True)


def test_a_device_that_is_not_there_is_told_in_one_sentence(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for wanted, told in [
        ("cuda:1", "--device cuda:1: PyTorch sees no CUDA GPU"),
        ("mps", "--device mps: PyTorch sees no Apple GPU"),
        ("gpu", "--device gpu: auto, cpu, cuda, cuda:1 .* or mps expected"),
    ]:
        with pytest.raises(BadInput, match=told):
            chosen_device(wanted, True)
    assert chosen_device("auto", True) == "cpu"
    assert chosen_device("cuda:1", False) == "cuda:1"  # opened, not trained: scoring is on the CPU


def test_which_gpu_of_its_kind_trained_is_in_no_key():
    assert environment("cuda:1") == environment("cuda") != environment("cpu")
    assert stacks("cuda:1") and stacks("mps") and not stacks("cpu")
