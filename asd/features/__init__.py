"""Features: a power spectrogram (C, K, F) in, one feature matrix (F, D) out: frame by frame, or one row per clip."""

from asd.features.log_mel import LogMel, LogMelPair, LogMelTwice
from asd.features.modulation import OctaveModulation
from asd.features.statistics import LogMelStatistics

__all__ = ["LogMel", "LogMelPair", "LogMelStatistics", "LogMelTwice", "OctaveModulation"]
