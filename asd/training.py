"""Training: the one optimisation loop. Networks carry a leading S axis, so one loop trains one seed or all.

    examples are rows by number; `loss(network, rows (S, B)) -> (S,)` knows what a row is; epochs.py which come when

On a CPU S is 1 and each process has one thread; on a GPU, where small steps are launch-bound, S is all seeds of a job.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from asd.checkpoint import Run, Saver, write_losses
from asd.contracts import Arrays, Pace, Workplace
from asd.epochs import Training, epoch_batches, split_groups, split_rows, validation_batches
from asd.errors import BadInput

Loss = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]
Split = Callable[[int], tuple[np.ndarray, np.ndarray]]  # seed -> row numbers for training and for validation, sorted

logger = logging.getLogger(__name__)
THREADS = 1  # more would change the bytes of the weights
REHEARSAL = 3.0  # seconds of real steps from which a training's length is estimated


# In every process that trains or scores, for the same bytes everywhere: weights of units that are off shrink to numbers
# below 1e-38, on which a core is slow (7.5 times, 512 wide after 6,300 steps); so small they count as 0.
torch.set_flush_denormal(True)


def pin(device: str, precision: str = "float32") -> None:
    """One thread, deterministic by itself, and on a CUDA GPU deterministic algorithms: same seed, same bytes."""
    torch.set_num_threads(THREADS)
    if kind(device) == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)  # a second or more to import what it needs
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing reads it
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"


@contextmanager
def one_thread() -> Iterator[None]:
    """As in a run, for whoever calls the kit from Python: more threads would add in another order. Then as before."""
    before = torch.get_num_threads()
    with threadpool_limits(THREADS):
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def environment(device: str) -> dict[str, object]:
    """What besides numbers, data and code decides the bytes of trained weights."""
    return {"torch": version("torch"), "device": kind(device), "threads": THREADS}


def kind(device: str) -> str:
    """
    >>> kind("cuda:1")
    'cuda'
    """
    return device.partition(":")[0]


def stacks(device: str) -> bool:
    """Whether the seeds of a job are trained in one stack."""
    return kind(device) != "cpu"


def random_rows(n_rows: int, training: Training) -> Split:
    return partial(split_rows, n_rows, training.validation_share)


def random_groups(groups: np.ndarray, training: Training) -> Split:
    return partial(split_groups, groups, training.validation_share)


def optimise(
    network: torch.nn.Module,
    loss: Loss,
    split: Split,
    training: Training,
    seeds: Sequence[int],
    device: str,
    scratch: Path,
) -> Run:
    """Train `network` (leading axis S = len(seeds)) for `training.epochs` epochs with Adam.

    `split` gives every seed as many rows as any other. With `training.patience` it may stop earlier. With it or
    `training.clip_norm` one seed alone is trained.
    The folder `scratch` keeps checkpoint.pt, from which the same call resumes exactly, and losses.csv with one row per
    epoch and seed. The caller deletes it once the result is safe.
    """
    run, adam, batches_of, held_out = _set_up(network, split, training, seeds, device)
    saver = Saver(scratch / "checkpoint.pt", run, adam)
    saver.resume()
    bar = tqdm(
        range(len(run.history), training.epochs),
        initial=len(run.history),
        total=training.epochs,
        disable=None,
        unit="epoch",
    )
    for epoch in bar:
        if training.patience and run.since_best() >= training.patience:
            break
        begun = time.monotonic()
        trained = _one_epoch(network, loss, adam, batches_of(epoch), device, training)
        watched = _validate(network, loss, held_out, device, len(seeds))
        run.history.append([*trained.tolist(), *watched.tolist(), time.monotonic() - begun])
        run.watch(training.patience)
        write_losses(scratch / "losses.csv", run.history, seeds)
        logger.info("epoch %d of %d: %s", epoch + 1, training.epochs, told(run.history[-1], len(seeds)))
        saver.save_when_due()
    saver.save()  # what follows in the same work need not wait for this training again
    if run.best:
        network.load_state_dict(run.best)
    network.eval()
    return run


def _set_up(
    network: torch.nn.Module, split: Split, training: Training, seeds: Sequence[int], device: str
) -> tuple[Run, torch.optim.Optimizer, Callable[[int], list[np.ndarray]], list[np.ndarray]]:
    """The run, its optimiser, batches (S, B) of an epoch by its number, and the batches to validate on."""
    _check_seeds(training, seeds)
    _check_precision(training, device)
    pin(device, training.precision)
    run = Run(network.to(device))
    adam = torch.optim.Adam(
        network.parameters(), training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    splits = [split(seed) for seed in seeds]
    _check_splits(training, splits)
    by_seed = list(zip(splits, seeds, strict=True))

    def batches_of(epoch: int) -> list[np.ndarray]:
        return _stacked([epoch_batches(rows, training, seed, epoch) for (rows, _), seed in by_seed])

    return run, adam, batches_of, _stacked([validation_batches(*rows, training, seed) for rows, seed in by_seed])


def rehearse(
    network: torch.nn.Module, loss: Loss, split: Split, training: Training, seeds: Sequence[int], device: str
) -> tuple[Run, Pace]:
    """Some steps of the first epoch, for about REHEARSAL seconds, and what the whole training would take."""
    run, adam, batches_of, held_out = _set_up(network, split, training, seeds, device)
    begun = time.monotonic()
    batches = batches_of(0)
    drawing = time.monotonic() - begun
    losses = _one_epoch(network, loss, adam, batches[:1], device, training)  # what is slow only once
    begun, taken = time.monotonic(), 0
    while time.monotonic() - begun < REHEARSAL:
        _one_epoch(network, loss, adam, [batches[taken % len(batches)]], device, training)
        taken += 1
    step = (time.monotonic() - begun) / taken
    begun = time.monotonic()
    watched = _validate(network, loss, held_out[:1], device, len(seeds))
    seconds = drawing + len(batches) * step + len(held_out) * (time.monotonic() - begun)
    windows = sum(batch.shape[1] for batch in batches)
    network.eval()
    run.history.append([*losses.tolist(), *watched.tolist(), step])
    return run, Pace(training.epochs, len(batches), windows, seconds)


def told(losses: list[float], n_seeds: int) -> str:
    """One row of the history in words."""
    trained, watched = (", ".join(f"{x:.5g}" for x in part) for part in (losses[:n_seeds], losses[n_seeds:-1]))
    return f"training loss {trained}, validation loss {watched}, {losses[-1]:.1f} s"


def _check_seeds(training: Training, seeds: Sequence[int]) -> None:
    """A stack of seeds shares its steps: what one of them decides for all would tie their weights together."""
    if training.patience and len(seeds) > 1:
        raise BadInput(f"patience {training.patience}: seeds stop at epochs of their own; 0, or a seed at a time")
    if training.clip_norm and len(seeds) > 1:
        raise BadInput(f"clip_norm {training.clip_norm}: seeds have gradients of their own; 0, or a seed at a time")


def _check_precision(training: Training, device: str) -> None:
    if training.precision == "tf32" and kind(device) != "cuda":
        raise BadInput(f"precision tf32 on {device}: float32 or bfloat16 expected (only CUDA GPUs have tf32)")


def _check_splits(training: Training, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    if training.patience and not all(len(held_out) for _, held_out in splits):
        raise BadInput(
            f"patience {training.patience}: validation_share {training.validation_share} holds none of the rows out to "
            "stop by, at least one clip or vector expected (too few training clips, or too small a share?)"
        )


def _precision(name: str, device: str) -> AbstractContextManager:
    """Of one forward pass: autocast keeps its copies of the weights for as long as the context lasts."""
    return torch.autocast(kind(device), torch.bfloat16) if name == "bfloat16" else nullcontext()


def _resident(batches: list[np.ndarray], device: str) -> tuple[torch.Tensor, ...]:
    """Batches (S, B) on the device, brought there at once: a step waits for no copy."""
    return torch.from_numpy(np.concatenate(batches, axis=1)).to(device).split([b.shape[1] for b in batches], dim=1)


def _stacked(per_seed: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Lists of batches, a list a seed -> batches (S, B)."""
    return [np.stack(batch) for batch in zip(*per_seed, strict=True)]


def _one_epoch(
    network: torch.nn.Module,
    loss: Loss,
    adam: torch.optim.Optimizer,
    batches: list[np.ndarray],
    device: str,
    training: Training,
) -> torch.Tensor:
    """Mean training loss (S,) of the epoch. Raises BadInput when it stops being finite."""
    network.train()
    total: Any = 0
    for batch in _resident(batches, device):
        with _precision(training.precision, device):
            losses = loss(network, batch)  # (S,)
        adam.zero_grad(set_to_none=True)
        losses.sum().backward()
        if training.clip_norm:
            torch.nn.utils.clip_grad_norm_(network.parameters(), training.clip_norm)
        adam.step()
        total = total + losses.detach() * batch.shape[1]
    mean = (total / sum(b.shape[1] for b in batches)).cpu()
    if not torch.isfinite(mean).all():
        raise BadInput(
            f"training loss {mean.tolist()}: not finite; is the learning rate too high, or a clip digitally broken?"
        )
    return mean


@torch.no_grad()
def _validate(
    network: torch.nn.Module, loss: Loss, batches: list[np.ndarray], device: str, n_seeds: int
) -> torch.Tensor:
    """Mean validation loss (S,), nan without validation rows."""
    network.eval()
    if not batches:
        return torch.full((n_seeds,), torch.nan)
    losses = [loss(network, batch) * batch.shape[1] for batch in _resident(batches, device)]
    return (torch.stack(losses).sum(0) / sum(b.shape[1] for b in batches)).cpu()


def trained_weights(
    build: Callable[[Sequence[int]], torch.nn.Module],
    loss: Loss,
    split: Split,
    training: Training,
    workplace: Workplace,
) -> list[Arrays]:
    """The weights of every seed of the workplace, trained in one stack; arrays without the S axis, `history` added.

    In a rehearsal the weights are those of a few steps.
    """
    seeds = workplace.seeds
    if workplace.rehearsal is not None:
        run, pace = rehearse(build(seeds), loss, split, training, seeds, workplace.device)
        workplace.rehearsal.append(pace)
        return [_weights_of(run, i, len(seeds)) for i in range(len(seeds))]
    run = optimise(build(seeds), loss, split, training, seeds, workplace.device, workplace.scratch)
    return [_weights_of(run, i, len(seeds)) for i in range(len(seeds))]


def _weights_of(run: Run, i: int, n_seeds: int) -> Arrays:
    weights = {name: tensor[i].cpu().numpy() for name, tensor in run.network.state_dict().items()}
    return {**weights, "history": np.array(run.history)[:, [i, n_seeds + i, -1]]}


def with_weights(network: torch.nn.Module, trained: Arrays) -> torch.nn.Module:
    """A network of one seed with the weights that `trained_weights` gave for it, in evaluation state."""
    weights = {name: torch.from_numpy(array)[None] for name, array in trained.items() if name != "history"}
    network.load_state_dict(weights)
    return network.eval()
