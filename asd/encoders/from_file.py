"""Any network in a TorchScript or ONNX file. sound (C, T) at 16 kHz -> (n, D); channel 0 is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from asd.contracts import Feature, Wave
from asd.encoders.pooling import Mean, Pooling
from asd.errors import check, check_least, present
from asd.pretrained.exported import exported
from asd.pretrained.windows import cut, embedded, heard

WHAT = "a network that maps waves (B, T) to embeddings (B, n, D) or (B, D), as TorchScript (.pt) or ONNX (.onnx)"


@dataclass(frozen=True)
class FromFile:
    """ONNX needs the extra `onnx`."""

    packages: ClassVar = ("onnxruntime",)

    checkpoint: str = ""
    pooling: Pooling = Mean()
    device: str = "cpu"  # cpu | cuda
    n_parameters: int = 0  # of the network, for the package's total; it cannot be counted from here
    batch: int = 8  # windows at once
    rate: int = 16_000  # Hz, of the waves that the network takes
    window: float = 0.0  # seconds that it takes at once; 0: the whole clip
    hop: float = 0.0  # seconds between windows; 0: one after another

    def __post_init__(self) -> None:
        check_least(self, 0, "n_parameters")
        check("batch", self.batch, self.batch >= 1, "at least 1")
        check("rate", self.rate, self.rate >= 1, "at least 1 Hz")
        check("window", self.window, self.window == 0 or self.window * self.rate >= 1, "0 or at least one sample")
        check("hop", self.hop, self.hop == 0 or self.hop * self.rate >= 1, "0 or at least one sample")

    def files(self) -> tuple[Path, ...]:
        return (present(self.checkpoint, f"expected {WHAT}", f"checkpoint '{self.checkpoint}'"),)

    def embed(self, sound: Wave) -> Feature:
        (path,) = self.files()
        wave = heard(sound, self.rate)  # (T',)
        size = round(self.window * self.rate) or len(wave)
        windows = cut(wave, size, round(self.hop * self.rate) or size)
        return self.pooling.pool(embedded(exported(path, self.device), windows, self.batch))
