"""SI-SNR, the scale-invariant signal-to-noise ratio: an estimated wave and its target (..., T) in, dB (...) out.

Shoda et al., "Spectral-to-spatial distillation", eqs. (8) and (9). What networks are trained on (tensors) and what is
reported of them (waves) is the same formula with the same EPS.
"""

from __future__ import annotations

import numpy as np
import torch

EPS = 1e-8  # energy; keeps SI-SNR finite, a 2 s segment of a -60 dB wave has 3e-2


def si_snr(found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """`10 log10(|d a|^2 / |d a - a'|^2)` with `d = <a', a> / |a|^2` over the last axis: (..., T) twice -> (...)."""
    delta = (found * target).sum(-1, keepdim=True) / (target.square().sum(-1, keepdim=True) + EPS)
    wanted = delta * target
    return 10 * torch.log10((wanted.square().sum(-1) + EPS) / ((wanted - found).square().sum(-1) + EPS))


def si_snr_of_waves(found: np.ndarray, target: np.ndarray) -> float:
    """The same of two waves (T,), in double precision. Raises ValueError for a silent target."""
    estimate, clean = (torch.from_numpy(wave.astype(np.float64)) for wave in (found, target))
    if float(clean.square().sum()) <= EPS:
        raise ValueError("the target is silent: its SI-SNR says nothing")
    return float(si_snr(estimate, clean))
