"""Torture: does a whole pipeline end with the same bytes however often it is killed, damaged or crowded?

pipeline   what is run, and what it must leave          kills   killed at random moments, then run again
damage     files of the store changed in several ways   crowd   several runs at once in one results folder
"""

from asd.programs.torture.crowd import crowded
from asd.programs.torture.damage import damaged
from asd.programs.torture.kills import killed
from asd.programs.torture.pipeline import Pipeline, prepared

__all__ = ["Pipeline", "crowded", "damaged", "killed", "prepared"]
