"""Recipes: the parts of a system, and ensembles of systems. Frozen numbers; nothing here is fitted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from asd.contracts import AnyDetector, AnyFeatures, Calibration, FrontEnd, TrainedDetector, TrainedFrontEnd
from asd.errors import BadInput, check
from asd.settings import assignment, resolve
from asd.tables import counted


@dataclass(frozen=True)
class System:
    """A recipe: four parts and the seeds it trains by default. A system's score is the mean over its seeds."""

    frontend: FrontEnd
    features: AnyFeatures
    detector: AnyDetector
    calibration: Calibration
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

    def __post_init__(self) -> None:
        seeds = self.seeds
        right = len(seeds) > 0 and min(seeds) >= 0 and len(set(seeds)) == len(seeds)
        check("seeds", ",".join(map(str, seeds)), right, "one or more, each once and at least 0,")
        if hasattr(self.frontend, "fit_on") and not isinstance(self.frontend, TrainedFrontEnd):
            missing = [name for name in ("files", "rehearse") if not hasattr(self.frontend, name)]
            raise BadInput(
                f"front-end {type(self.frontend).__name__} has `fit_on`, but not {', '.join(missing)}: one that is "
                "trained needs all that asd/contracts.py lists under TrainedFrontEnd"
            )

    def check_channels(self) -> None:
        """Raises BadInput where the features put fewer channels side by side than the detector compares, or more than
        one that counts them takes.
        """
        given, needed = (getattr(part, "channels", 1) for part in (self.features, self.detector))
        if given < needed or (given > needed and hasattr(self.detector, "channels")):
            raise BadInput(
                f"detector {type(self.detector).__name__} takes {counted(needed, 'channel')} side by side, "
                f"features {type(self.features).__name__} give {given} "
                "(LogMelPair gives two, behind NearAndFar or NearAndDifference; LogMel one)"
            )

    @property
    def far_parts(self) -> list[str]:
        """Class names of the parts that cannot do without the far channel (see asd.contracts)."""
        parts = (self.frontend, self.features, self.detector)
        return [type(part).__name__ for part in parts if getattr(part, "needs_far", False)]

    def chosen_seeds(self, wanted: int | tuple[int, ...] | None) -> tuple[int, ...]:
        """The default seeds, the first `wanted` of them (counting on where they end), or exactly those wanted.

        A detector that trains nothing is the same for all seeds: it has one.
        """
        if not isinstance(self.detector, TrainedDetector):
            return self.seeds[:1]
        if isinstance(wanted, int):
            further = range(max(self.seeds) + 1, max(self.seeds) + 1 + wanted)
            return (*self.seeds, *further)[:wanted]
        return wanted or self.seeds


@dataclass(frozen=True)
class SelectedSystem(System):
    """A system of which the development set decides one number, among `values`; the same for all machines.

    The choice is written to a file and read from it for evaluation. A number given by yaml or --set is not chosen.
    """

    number: str = ""  # dotted name of the number, for example detector.attenuation
    values: tuple[float, ...] = ()
    off: str = ""  # what 0 leaves out, to be told where 0 is chosen

    def __post_init__(self) -> None:
        super().__post_init__()
        check("number", repr(self.number), bool(self.number), "the dotted name of a number")
        check("values", self.values, len(set(self.values)) == len(self.values) > 0, "one or more, each once,")

    @property
    def plain(self) -> System:
        """The same system with the number as it is."""
        return System(self.frontend, self.features, self.detector, self.calibration, self.seeds)

    def variants(self) -> dict[str, System]:
        """`<number>=<value>` -> the system with it."""
        labels = [f"{self.number}={value!r}" for value in self.values]
        return {label: resolve(self.plain, assignment(label), label) for label in labels}

    def choose(self, omegas: Mapping[str, float]) -> list[str]:
        """Of label -> development Ω, the best; of equal ones the first."""
        return best(omegas, 1)

    def note(self, chosen: Collection[str]) -> str:
        """What a choice leaves out, "" where it leaves nothing out."""
        return self.off if f"{self.number}={0.0!r}" in chosen else ""


@dataclass(frozen=True)
class Ensemble:
    """A recipe that trains nothing: the mean over other systems, each the mean of its seeds' standardised scores."""

    members: tuple[str, ...]  # names of systems
    calibration: Calibration

    def __post_init__(self) -> None:
        right = 0 < len(set(self.members)) == len(self.members)
        check("members", repr(",".join(self.members)), right, "names of systems, one or more, each once,")

    def weights(self, systems: Sequence[str]) -> tuple[float, ...]:
        """Of the system of each single seed: its weight in the mean, so that systems count alike however many seeds.

        >>> Ensemble(("a", "b"), None).weights(["a", "b", "b"])
        (2.0, 1.0, 1.0)
        """
        largest = max(map(systems.count, systems))
        return tuple(largest / systems.count(system) for system in systems)


@dataclass(frozen=True)
class SelectedEnsemble(Ensemble):
    """An ensemble of the `size` single seeds with the highest development Ω among its members' seeds.

    They are chosen on the development set, written to a file, and read from it for evaluation.
    """

    size: int = 10

    def weights(self, systems: Sequence[str]) -> tuple[float, ...]:
        """Single seeds count alike."""
        return (1.0,) * len(systems)

    def choose(self, omegas: Mapping[str, float]) -> list[str]:
        """Of `<system>-<seed>` -> development Ω, the best; of equal ones those that come first."""
        return best(omegas, self.size)


Recipe = System | Ensemble
Selected = SelectedSystem | SelectedEnsemble


def best(omegas: Mapping[str, float], count: int) -> list[str]:
    return sorted(omegas, key=lambda label: -omegas[label])[:count]  # stable: of equal ones the first
