"""Cost: the multiply-accumulate operations of a computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def macs(computation: Callable[[], object]) -> int:
    """Multiply-accumulate operations of the network layers in `computation`."""
    from torch.utils.flop_counter import FlopCounterMode  # slow to import

    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mkldnn_rnn_layer: _lstm_flops}) as counter:
        computation()
    return counter.get_total_flops() // 2


def _lstm_flops(x: Sequence[int], w_ih: Sequence[int], w_hh: Sequence[int], *_: object, **__: object) -> int:
    """One direction of one layer on a CPU, x (F, B, D): the counter has no formula of its own for it."""
    return 2 * x[0] * x[1] * (w_ih[0] * w_ih[1] + w_hh[0] * w_hh[1])
