"""Embedding: figures and sounds in, data URIs out, so that the page is one file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from asd.clips import RATE
from asd.sound_files import sound_bytes

STYLE: dict[str, Any] = {  # matplotlib's, for all figures of the page
    "text.parse_math": False,  # a `$` in a name is a `$`
    "svg.fonttype": "none",  # text stays text: small
    "svg.hashsalt": "report",  # the same figure gives the same bytes
    "font.size": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
DPI = 130  # of spectrograms
QUALITY = 50  # of WebP, 0 to 100: a spectrogram of noise is large otherwise


@dataclass(frozen=True)
class Picture:
    """One figure of the page."""

    src: str
    caption: str


def uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def svg(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return uri("image/svg+xml", file.getvalue())


def webp(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="webp", dpi=DPI, pil_kwargs={"quality": QUALITY})
    return uri("image/webp", file.getvalue())


def mp3(wave: np.ndarray) -> str:
    """(T,) in [-1, 1]. About 3 kB a second; of the formats that soundfile writes, every phone plays this one."""
    return uri("audio/mpeg", sound_bytes(wave, RATE, "MP3", "MPEG_LAYER_III", compression_level=0.8))
