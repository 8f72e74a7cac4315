"""Preparing: the features of a machine's clips into the store, for several chains at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from asd.clips import Clip
from asd.contracts import Feature
from asd.system.chain import Chain


def prepare(chains: Sequence[Chain], clips: Sequence[Clip], threads: int) -> None:
    """Put the features of one machine's `clips` into the store for every chain that lacks them, reading each clip once.

    A clip's front-ends run one after another in one thread, so that they share its STFT.
    """
    blocks = {block.path: (chain, block) for chain in chains if not (block := chain.block(clips)).is_stored}
    missing = [chain for chain, _ in blocks.values()]
    for chain in missing:
        _ = chain.frontend  # fitted before threads ask for it

    def features_of(clip: Clip) -> list[Feature]:
        wave = missing[0].read(clip)
        return [chain.feature(clip, wave) for chain in missing]

    if missing and clips:
        with ThreadPoolExecutor(threads) as pool:
            columns = [list(column) for column in zip(*pool.map(features_of, clips), strict=True)]
        for chain, block in blocks.values():
            features = columns.pop(0)  # not all front-ends' until the end
            lengths = np.array([len(f) for f in features])
            chain.store.save("features", block.record, {"frames": np.concatenate(features), "lengths": lengths})
