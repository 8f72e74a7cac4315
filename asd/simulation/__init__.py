"""Simulation of a two-microphone data set in the challenge's layout, from physics alone.

A machine is mono, (T,) at unit RMS; a fault (T,) -> (T,) adds to it; room responses (sources, 2, L) make it (2, T).
Every random number comes from a stream keyed by (seed, machine, clip, purpose): the same arguments give the same bytes,
whichever machines are asked for, in whatever order and on however many threads.

signals   streams, noise, tones, resonances      machines   four families, healthy      faults   what breaks them
noises    of a factory                           rooms      positions and responses     fleets   the machines themselves
clips     how many clips, of which kind          scenes     what is drawn for a clip    rendering   a scene's recording
dataset   the files
"""

from asd.simulation.clips import SIZES, Size, sized
from asd.simulation.dataset import WRITERS, check
from asd.simulation.fleets import FLEETS, pick

__all__ = ["FLEETS", "SIZES", "WRITERS", "Size", "check", "pick", "sized"]
