"""Published figures: published.yaml and the truths at hand in; what may stand beside own results out.

The reports' figures are of the challenge's recordings. Where the clips are others, simulated or one's own, a figure
says so wherever it is printed. Development clips are known by their names, evaluation clips (anonymous: all named
alike) by their machines and number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asd.evaluation.truth import Truths

PUBLISHED = Path(__file__).with_suffix(".yaml")  # in the package: an installed kit has no other file of the checkout


@dataclass(frozen=True)
class Published:
    """Name -> Ω per machine, and "over all"; `label` stands before the name in a row."""

    label: str = ""
    omegas: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    machines: Sequence[str] = ()  # that "over all" is over
    is_of_these_clips: bool = False

    def beside(self, own: Iterable[str]) -> dict[str, Mapping[str, float]]:
        """All where the clips are the same, else those that have a name of one's `own`."""
        return {name: of for name, of in self.omegas.items() if self.is_of_these_clips or name in own}


def published(raw: Mapping, truths: Truths) -> Published:
    """Of the set that the clips are of, else of the development set."""
    if truths and all(names_key(of) == raw["clips"].get(machine) for machine, of in truths.items()):
        return Published("published (2026)", development_omegas(raw), raw["machines"], True)
    last = raw["evaluation"]
    if truths and all(m in last["machines"] and len(of) == last["clips"] for m, of in truths.items()):
        omegas = {name: {"over all": value} for name, value in last["systems"].items()}
        return Published("published (2026)", omegas, last["machines"], True)
    return Published("published (2026, other clips)", development_omegas(raw), raw["machines"])


def development_omegas(raw: Mapping) -> dict[str, dict[str, float]]:
    columns = [*raw["machines"], "over all"]
    totals = {name: {"over all": row["ensemble"]} for name, row in raw["ladder"].items() if "ensemble" in row}
    totals |= {name: dict(zip(columns, values, strict=True)) for name, values in raw["submitted"].items()}
    return totals | {name: {"over all": value} for name, value in raw["development"].items()}


def names_key(names: Iterable[str]) -> str:
    """Of a machine's test clips, whatever their order: as in published.yaml's `clips`."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
