import shutil

import numpy as np
import pytest
import torch

from asd import checkpoint, epochs, training
from asd.contracts import Workplace
from asd.detectors import AutoEncoder, OrganisersNet, SquaredError
from asd.detectors.vectors import Vectors
from asd.epochs import Training
from asd.errors import BadInput
from asd.macs import macs
from asd.training import random_groups, random_rows

RNG = np.random.default_rng(0)
VECTORS = Vectors([RNG.normal(size=(40, 6)).astype(np.float32) for _ in range(10)], 5)


def loss(network, rows):
    return SquaredError().loss(network, VECTORS[rows], 5)


def build(seeds):
    return AutoEncoder(network=OrganisersNet(width=16, bottleneck=4)).trainer.build(30, seeds)


def trained(tmp_path, seeds=(1,), epochs=6, loss=loss, **numbers):
    numbers = Training(epochs=epochs, batch_size=32, **numbers)
    return training.trained_weights(
        build, loss, random_rows(len(VECTORS), numbers), numbers, Workplace(seeds, "cpu", tmp_path)
    )


def same(a, b):
    return all(np.array_equal(a[k], b[k]) for k in a if k != "history") and np.array_equal(
        a["history"][:, :2], b["history"][:, :2]
    )


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    (first,), (again,), (other,) = trained(tmp_path / "a"), trained(tmp_path / "b"), trained(tmp_path / "c", (2,))
    assert same(first, again) and not same(first, other)


def test_the_loss_falls_and_each_epoch_is_recorded(tmp_path):
    (weights,) = trained(tmp_path, epochs=30)
    assert weights["history"].shape == (30, 3)
    assert weights["history"][-1, 0] < 0.9 * weights["history"][0, 0]


def test_a_finished_training_in_the_same_folder_is_not_repeated(tmp_path):
    (first,) = trained(tmp_path)

    def never(network, rows):
        raise AssertionError("trained a second time")

    (again,) = trained(tmp_path, loss=never)
    assert same(first, again)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("batch", [1, 40, 71])
def test_a_killed_run_resumes_to_the_same_bytes(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SHARE", 1e9)  # a checkpoint after every epoch
    (undisturbed,) = trained(tmp_path / "a")
    calls = []

    def dies(network, rows):
        calls.append(rows.shape)
        if len(calls) == batch:
            raise Killed
        return loss(network, rows)

    with pytest.raises(Killed):
        trained(tmp_path / "b", loss=dies)
    resumed_calls = []
    (resumed,) = trained(tmp_path / "b", loss=lambda n, r: resumed_calls.append(1) or loss(n, r))
    assert same(undisturbed, resumed)
    if batch > 40:
        assert len(resumed_calls) < 72 - 24  # it did not begin anew


def test_a_damaged_checkpoint_is_told_and_training_begins_anew(tmp_path, caplog):
    (undisturbed,) = trained(tmp_path)
    path = tmp_path / "checkpoint.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (again,) = trained(tmp_path)
    assert same(undisturbed, again) and f"{path}: its last 64 bytes" in caplog.text


def test_numbers_too_small_to_be_fast_are_zero():
    assert (torch.full((4,), 1e-30) * torch.full((4,), 1e-10)).tolist() == [0.0] * 4  # 1e-40


def test_a_stack_of_seeds_trains_each_as_alone(tmp_path):
    numbers = Training(epochs=3, batch_size=32)
    split = random_rows(len(VECTORS), numbers)
    together = training.optimise(build((1, 2)), loss, split, numbers, (1, 2), "cpu", tmp_path / "x")
    x = VECTORS[torch.arange(50)]
    for i, seed in enumerate((1, 2)):
        alone = training.optimise(build((seed,)), loss, split, numbers, (seed,), "cpu", tmp_path / "y")
        losses = np.array(together.history)[:, [i, 2 + i]], np.array(alone.history)[:, :2]  # (epochs, 2)
        np.testing.assert_allclose(*losses, rtol=1e-4)
        y, y_alone = together.network(x.expand(2, 50, 30))[i], alone.network(x[None])[0]
        torch.testing.assert_close(y, y_alone, rtol=0, atol=2e-2)
        shutil.rmtree(tmp_path / "y")


def test_adam_step_equals_pytorchs_own_on_a_plain_network(tmp_path):
    """One batch an epoch, two epochs, against torch.nn.Linear trained by the textbook loop."""
    rows = Vectors([RNG.normal(size=(12, 3)).astype(np.float32)], 5)  # 8 rows

    class Stacked(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((1, 15, 15), 0.1))

        def forward(self, x):
            return x - torch.bmm(x, self.weight)

    numbers = Training(epochs=2, batch_size=8, validation_share=0.0, weight_decay=1e-2)
    run = training.optimise(
        Stacked(),
        lambda n, r: SquaredError().loss(n, rows[r], 5),
        random_rows(8, numbers),
        numbers,
        (0,),
        "cpu",
        tmp_path,
    )
    plain = torch.nn.Parameter(torch.full((15, 15), 0.1))
    adam = torch.optim.Adam([plain], 1e-3, weight_decay=1e-2)
    x = rows[torch.arange(8)]
    for _ in range(2):
        adam.zero_grad()
        torch.nn.functional.mse_loss(x @ plain, x).backward()
        adam.step()
    torch.testing.assert_close(run.network.weight[0], plain, rtol=1e-5, atol=1e-6)


def test_split_and_batches_cover_every_row_once():
    rows, held_out = epochs.split_rows(100, 0.1, seed=3)
    assert sorted([*rows, *held_out]) == list(range(100)) and len(held_out) == 10
    batches = epochs.epoch_batches(rows, Training(batch_size=32), 3, 0)
    assert sorted(np.concatenate(batches)) == list(rows)
    assert not np.array_equal(batches[0], epochs.epoch_batches(rows, Training(batch_size=32), 3, 1)[0])
    fewer = epochs.epoch_batches(rows, Training(batch_size=32, windows_per_epoch=40), 3, 0)
    assert [len(b) for b in fewer] == [32, 8]
    assert [len(b) for b in epochs.epoch_batches(np.arange(65), Training(batch_size=32), 3, 0)] == [32, 32]


def test_a_diverged_training_is_an_error(tmp_path):
    with pytest.raises(BadInput, match="training loss .* not finite"):
        trained(tmp_path, loss=lambda n, r: loss(n, r) * torch.inf)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 1}, {"validation_share": 1.0}, {"windows_per_epoch": -1}]
)
def test_impossible_numbers_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(BadInput, match=f"{name} {value}: .* expected"):
        Training(**wrong)


def test_bfloat16_trains_to_nearly_the_same_losses_and_keeps_float32_weights(tmp_path):
    numbers = {"epochs": 8, "learning_rate": 1e-2}  # fast enough to show weights that lag behind
    (full,), (half,) = trained(tmp_path / "a", **numbers), trained(tmp_path / "b", **numbers, precision="bfloat16")
    assert not same(full, half)
    np.testing.assert_allclose(half["history"][:, 0], full["history"][:, 0], rtol=0.03)
    assert {array.dtype for array in half.values()} <= {np.dtype("float32"), np.dtype("float64")}
    with pytest.raises(BadInput, match="precision float16: float32, bfloat16 or tf32 expected"):
        Training(precision="float16")
    with pytest.raises(BadInput, match="precision tf32 on cpu: float32 or bfloat16 expected"):
        trained(tmp_path / "c", precision="tf32")


def test_recurrent_layers_are_counted_too():
    lstm = torch.nn.LSTM(4, 8, num_layers=2, bidirectional=True, batch_first=True).eval()
    with torch.no_grad():
        counted = macs(lambda: lstm(torch.randn(3, 5, 4)))
    one_direction = [4 * 8 * (n_in + 8) for n_in in (4, 16)]  # four gates, input and recurrent weights
    assert counted == 3 * 5 * 2 * sum(one_direction)


# ---- stopping, clipping, groups --------------------------------------------------------------------------------------


class Slope(torch.nn.Module):
    """Three numbers without a leading axis: a network of one seed needs none."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(3))


def optimised(tmp_path, loss, rows, seeds=(0,), **numbers):
    numbers = Training(**{"epochs": 3, "batch_size": 4, **numbers})
    split = random_rows(rows, numbers) if isinstance(rows, int) else random_groups(rows, numbers)
    return training.optimise(Slope(), loss, split, numbers, seeds, "cpu", tmp_path / "x")


def test_a_gradient_is_clipped_to_the_norm(tmp_path):
    norms = []

    def steep(network, rows):
        return (1e3 * network.w.sum())[None]

    class Watched(torch.optim.Adam):
        def step(self, closure=None):
            norms.extend(float(p.grad.norm()) for group in self.param_groups for p in group["params"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "Adam", Watched)
        optimised(tmp_path / "a", steep, 8, clip_norm=0.5)
        clipped = list(norms)
        norms.clear()
        optimised(tmp_path / "b", steep, 8)
    assert clipped == pytest.approx([0.5] * len(clipped)) and len(clipped) == 6
    assert norms == pytest.approx([1e3 * 3**0.5] * 6)


def test_with_patience_the_best_weights_are_taken_back(tmp_path):
    """w rises by a step an epoch; the held-out loss is least after the third."""
    states = []

    def passes_by(network, rows):
        if network.training:
            return -network.w.sum()[None]
        states.append(network.w.detach().clone())
        return torch.tensor([abs(len(states) - 3.0)])

    run = optimised(tmp_path, passes_by, 5, epochs=20, patience=2, validation_share=0.2)
    assert [row[1] for row in run.history] == [2, 1, 0, 1, 2]
    assert torch.equal(run.network.w, states[2]) and not torch.equal(states[2], states[4])


def test_an_epoch_of_a_part_of_the_rows_is_validated_on_as_large_a_part():
    numbers = Training(batch_size=32, windows_per_epoch=45)
    batches = epochs.validation_batches(np.arange(90), np.arange(90, 100), numbers, 3)
    assert len(np.concatenate(batches)) == 5 and set(np.concatenate(batches)) <= set(range(90, 100))
    whole = epochs.validation_batches(np.arange(90), np.arange(90, 100), Training(batch_size=4), 3)
    assert np.concatenate(whole).tolist() == list(range(90, 100)) and [len(b) for b in whole] == [4, 4, 2]
    assert epochs.validation_batches(np.arange(90), np.arange(0), numbers, 3) == []


def test_groups_do_not_leak_into_validation(tmp_path):
    groups, seen = np.repeat(np.arange(10), 3), {True: set(), False: set()}

    def watches(network, rows):
        seen[network.training] |= set(groups[rows[0].numpy()].tolist())
        return network.w.square().sum()[None]

    optimised(tmp_path, watches, groups, validation_share=0.3)
    assert len(seen[False]) == 3 and seen[True] | seen[False] == set(range(10)) and not seen[True] & seen[False]
    rows, held_out = epochs.split_groups(groups, 0.3, seed=4)
    assert sorted([*rows, *held_out]) == list(range(30)) and len(held_out) == 9


def test_patience_without_held_out_rows_and_several_seeds_that_would_decide_for_each_other_are_refused(tmp_path):
    with pytest.raises(BadInput, match="validation_share 0.2 holds none of the rows out .*too few training clips"):
        optimised(tmp_path, loss, 4, patience=2, validation_share=0.2)
    with pytest.raises(BadInput, match="clip_norm 5.0: seeds have gradients of their own"):
        optimised(tmp_path, loss, 40, (1, 2), clip_norm=5.0)
    with pytest.raises(BadInput, match="patience 3: seeds stop at epochs of their own"):
        optimised(tmp_path, loss, 40, (1, 2), patience=3)


def test_without_held_out_rows_the_history_has_a_nan_a_seed(tmp_path):
    run = optimised(tmp_path, lambda n, r: n.w.square().sum().expand(2), 8, (1, 2), epochs=1, validation_share=0.0)
    assert len(run.history[0]) == 5 and np.isnan(run.history[0][2:4]).all()
