"""Monitoring: sound that goes on, in blocks (C, n), to a score of the last window every second, and an alarm.

readings     blocks in, scores of windows out          sources     a wav file or a growing folder, as blocks
alarm        scores in, whether an alarm is on out     pipe        bytes of a pipe, as blocks
log          a reading as text, CSV or JSON            microphones a sound card's inputs, as blocks
board        what the live page shows, of fixed size   arrivals    what is late or missing between blocks
page         the live page, on this machine alone    times      of windows, readings and blocks
"""

from asd.monitoring.alarm import RAISED, Alarm, Watch
from asd.monitoring.arrivals import Again, Gap, Late, News
from asd.monitoring.board import Board
from asd.monitoring.log import FORMATS, Entry
from asd.monitoring.page import served
from asd.monitoring.pipe import of_pipe
from asd.monitoring.readings import Causal, Monitor, Reading
from asd.monitoring.sources import blocks, is_a_device, of_file, of_folder
from asd.monitoring.times import Times

__all__ = [
    "FORMATS",
    "RAISED",
    "Again",
    "Alarm",
    "Board",
    "Causal",
    "Entry",
    "Gap",
    "Late",
    "Monitor",
    "News",
    "Reading",
    "Times",
    "Watch",
    "blocks",
    "is_a_device",
    "of_file",
    "of_folder",
    "of_pipe",
    "served",
]
