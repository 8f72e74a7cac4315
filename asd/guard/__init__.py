"""The guard: nothing that a statistic over test clips has touched gets into a score or a decision.

    scores      TestScores: many test scores at once, element-wise only
    files       policy, hearing: during `fit` only training clips open, during scoring only the one clip
    state       state_digest: scoring leaves a fitted system as it was
    forensics   signs: what ranks, z-scores, min-max, their sums and percentiles over test clips leave in finished files
Each raises (or, for forensics, tells) with the rule and what is allowed. They catch mistakes and habits, not intent.
"""

from asd.guard.files import FilePolicy, ForbiddenFile, hearing, policy
from asd.guard.forensics import signs, signs_of_all, weak_signs_of_all
from asd.guard.scores import CrossClipReduction, TestScores, mean_of, released
from asd.guard.state import in_training_state, state_digest

__all__ = [
    "CrossClipReduction",
    "FilePolicy",
    "ForbiddenFile",
    "TestScores",
    "hearing",
    "in_training_state",
    "mean_of",
    "policy",
    "released",
    "signs",
    "signs_of_all",
    "state_digest",
    "weak_signs_of_all",
]
