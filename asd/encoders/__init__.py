"""Encoders: sound (C, T) at 16 kHz in, embeddings (n, D) out, by a frozen pretrained network. They take the place of
features; a detector behind them compares embeddings. Checkpoints are the user's, named by path.
"""

from asd.encoders.aisfx import Aisfx
from asd.encoders.ast import Ast
from asd.encoders.beats import Beats
from asd.encoders.clap import Clap
from asd.encoders.from_file import FromFile
from asd.encoders.nassl import Nassl
from asd.encoders.pooling import AllRows, GeneralisedMean, Maximum, Mean, MeanAndDeviation

__all__ = [
    "Aisfx",
    "AllRows",
    "Ast",
    "Beats",
    "Clap",
    "FromFile",
    "GeneralisedMean",
    "Maximum",
    "Mean",
    "MeanAndDeviation",
    "Nassl",
]
