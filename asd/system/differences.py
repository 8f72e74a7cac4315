"""Differences: what the nearest stored record has otherwise, in words, where the store lacks what is wanted."""

from __future__ import annotations

OF_CLIPS = ("clips", "of", "domains", "clean", "noise")  # in a record
SHOWN = 5  # differing numbers told in an error


def told(differences: dict[str, tuple[object, object]] | None) -> str:
    """What the nearest stored record has otherwise, in words.

    >>> told({"detector.training.epochs": (20, 3)})
    'trained on the same clips with detector.training.epochs=20, here 3'
    """
    if differences is None:
        return "nothing of this kind is there (not made yet, or the store was deleted)"
    clips = [name for name in (*OF_CLIPS, "files") if name in differences]
    codes = [name for name in differences if name in ("reader", "training code") or name.endswith(" code")]
    own = [name for name in ("torch", "device", "threads", "seed") if name in differences]
    others = [name for name in differences if name not in (*clips, *codes, *own)]
    parts = [f"{name.removesuffix('.part')}={differences[name][0]}, here {differences[name][1]}" for name in others]
    parts = [*parts[:SHOWN], *([f"{len(parts) - SHOWN} more numbers that differ"] if len(parts) > SHOWN else [])]
    parts += [f"{name} {differences[name][0]}, here {differences[name][1]}" for name in own]
    parts += ["other code of this kit"] if codes else []
    where = "other clips" if clips else "the same clips"
    return f"trained on {where}{' with ' * bool(parts)}{'; '.join(parts)}"
