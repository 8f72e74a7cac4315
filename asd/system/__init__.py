"""Systems: a recipe of parts, fitted to one machine, scoring one clip at a time.

recipe   System, Ensemble and those that the development set completes     fitted   a fitted system, called with a wave
chain    a recipe on one machine, all that it learns kept in the store           together   chains of one training
keys     what stands for clips in the store's keys        preparing  features of many clips, for many chains
block    the features of some clips, in the store         differences  what a stored record has otherwise, in words
"""

from asd.system.chain import Chain
from asd.system.fitted import ClipScore, FittedSystem, Member, checked_feature, described, mean
from asd.system.keys import RecordedClips, clips_key
from asd.system.preparing import prepare
from asd.system.recipe import Ensemble, Recipe, Selected, SelectedEnsemble, SelectedSystem, System
from asd.system.together import fit_together, fitted_scorers, score_together, scores_of

__all__ = [
    "Chain",
    "ClipScore",
    "Ensemble",
    "FittedSystem",
    "Member",
    "Recipe",
    "RecordedClips",
    "Selected",
    "SelectedEnsemble",
    "SelectedSystem",
    "System",
    "checked_feature",
    "clips_key",
    "described",
    "fit_together",
    "fitted_scorers",
    "mean",
    "prepare",
    "score_together",
    "scores_of",
]
