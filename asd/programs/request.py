"""A request: what is to be run, on which data, with which seeds. Plain numbers, that another process can be sent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import systems
from asd.errors import BadInput
from asd.fingerprint import numbers
from asd.settings import coerced
from asd.system import Ensemble, Recipe, Selected, System

Seed = tuple[str, int]  # a system that trains, and one of its seeds
MOST_SEEDS = 100  # trainings of one system; more is taken for a seed written without its comma


@dataclass(frozen=True)
class Request:
    """What a person asked for, parsed but not yet checked against the folders."""

    kind: str  # dev | eval
    data: Path
    results: Path
    recipes: Mapping[str, Recipe]  # what was asked for, by name
    trained: Mapping[str, System]  # the systems behind it that train, by name
    machines: Sequence[str] | None = None  # None: all of the data folder
    seeds: int | tuple[int, ...] | None = None  # how many, or which; None: each system's own
    members: Mapping[str, Sequence[Seed]] = field(default_factory=dict)  # what a name averages, where that is settled
    device: str = "auto"  # auto | cpu | cuda | cuda:1 | mps
    workers: int = 1  # processes of one thread
    scheduler: str = ""  # Dask's address or scheduler file, whose workers take the jobs instead
    may_train: bool = True
    may_select: bool = True  # False: a selection on the development set is read, not made
    splits: tuple[str, ...] = ("train", "test")  # that must be there
    quick: bool = False  # small versions of the systems: what they score is marked

    @classmethod
    def of(
        cls, kind: str, names: Sequence[str], assignments: Sequence[str] = (), quick: bool = False, **rest: Any
    ) -> Request:
        """Systems by name, with their yaml's and then the assignments' departures ("part.field=value").

        Raises BadInput for unknown names, keys and values.
        """
        recipes: dict[str, Recipe] = {}
        trained: dict[str, System] = {}
        for name in dict.fromkeys(names):
            sets = [*(systems.quick(name) if quick else ()), *assignments]
            recipes[name] = systems.load(name, sets)
            trained |= systems.load_trained(name, recipes[name], sets)
        return cls(kind=kind, recipes=recipes, trained=trained, quick=quick, **{"may_select": kind == "dev", **rest})

    def chosen_members(self, name: str) -> list[Seed]:
        """What the name's score averages; before a development selection, all its candidates."""
        if name in self.members:
            return [(system, seed) for system, seed in self.members[name]]
        return [member for members in self.candidates(name).values() for member in members]

    def candidates(self, name: str) -> dict[str, list[Seed]]:
        """Label -> the members it stands for: those a selection chooses among, or one entry each where none is made."""
        recipe = self.recipes[name]
        sources = list(recipe.members) if isinstance(recipe, Ensemble) else [name]
        if isinstance(recipe, Selected) and not isinstance(recipe, Ensemble):
            variants = {label: f"{name}:{label}" for label in recipe.variants()}
            return {label: [(v, seed) for seed in self.seeds_of(v)] for label, v in variants.items()}
        return {f"{source}-{seed}": [(source, seed)] for source in sources for seed in self.seeds_of(source)}

    def seeds_of(self, trained: str) -> tuple[int, ...]:
        return self.trained[trained].chosen_seeds(self.seeds)

    def text(self) -> str:
        """JSON from which `parsed` makes the same request, whatever --set and yaml files were behind it."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields |= {key: {n: numbers(r) for n, r in fields[key].items()} for key in ("recipes", "trained")}
        return json.dumps({**fields, "data": str(self.data), "results": str(self.results)})

    @classmethod
    def parsed(cls, text: str) -> Request:
        fields = json.loads(text)
        for key in ("recipes", "trained"):
            fields[key] = {name: systems.rebuilt(name, of, "request") for name, of in fields[key].items()}
        fields["members"] = {n: [(system, seed) for system, seed in of] for n, of in fields["members"].items()}
        fields |= {key: Path(fields[key]) for key in ("data", "results")}
        seeds = fields["seeds"]
        fields |= {"splits": tuple(fields["splits"]), "seeds": tuple(seeds) if isinstance(seeds, list) else seeds}
        return cls(**fields)


def wanted_seeds(text: str | None) -> int | tuple[int, ...] | None:
    """`3` is a number of seeds, `0,4,7` and `5,` are the seeds themselves. Raises BadInput for what cannot be meant."""
    if text is None:
        return None
    try:
        found = tuple(coerced(part, int) for part in text.split(",") if part.strip())
    except (ValueError, OverflowError):
        found = ()
    if not found or min(found) < 0 or len(set(found)) < len(found) or ("," not in text and found == (0,)):
        raise BadInput(f"--seeds {text}: expected how many (3), or which ones, each once (0,4,7 or 5,)")
    if "," not in text and found[0] > MOST_SEEDS:
        raise BadInput(
            f"--seeds {text}: {found[0]:,} trainings of each system would follow, at most {MOST_SEEDS} expected; "
            f"for the one seed {found[0]} write --seeds {found[0]},"
        )
    return found if "," in text else found[0]
