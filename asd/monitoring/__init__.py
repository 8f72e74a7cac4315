"""Monitoring: sound that goes on, in blocks (C, n), to a score of the last window every second.

readings     blocks in, scores of windows out          sources     a wav file, a pipe or a growing folder, as blocks
"""

from asd.monitoring.readings import Causal, Monitor, Reading
from asd.monitoring.sources import blocks, of_file, of_folder, of_pipe

__all__ = ["Causal", "Monitor", "Reading", "blocks", "of_file", "of_folder", "of_pipe"]
