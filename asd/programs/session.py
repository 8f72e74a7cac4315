"""A session: a request opened against its folders. Machines with checked clips, a chain per system and machine, fitted
systems, results folders, and what may be opened while something is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from asd import data, evaluation, guard
from asd.clips import ANONYMOUS
from asd.contracts import TrainedDetector
from asd.errors import BadInput
from asd.fingerprint import code, numbers
from asd.programs.channels import check_channels
from asd.programs.request import Request, Seed
from asd.programs.selected import read_selection, refuse_smaller
from asd.results import ResultFolder
from asd.store import Store, key_of, written_whole
from asd.system import Chain, Ensemble, FittedSystem, Recipe, Selected, System, clips_key

PROBE = ".writable"  # in the results folder: whether it can be written
DEVICE = re.compile(r"cpu|cuda(:\d+)?|mps")
# Kinds in the store with no score or feature of a test clip.
LEARNT = ("weights", "scorers", "frontends", "targets", "scratch")
HEARD = ("features", "scores")  # kinds that test clips go into


class Session:
    """Opens what a request names; raises BadInput with every problem before any work."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.members = {name: self._members(name, recipe) for name, recipe in request.recipes.items()}
        self.machines = open_machines(request)
        check_channels({name: self.behind(name) for name in self.members}, self.machines)
        self.device = chosen_device(request.device, request.may_train)
        self.store = Store(request.results / "store")
        for machine in self.machines if request.kind == "dev" else ():
            if machine.test:  # what cannot be evaluated later is refused now
                evaluation.check_truth(machine.name, truth_of(machine) or {})
        for name in filter(self.is_undecided, request.recipes):
            refuse_smaller(request, name, [machine.name for machine in self.machines])
        self.chains = {(name, m.name): self._chain(name, m) for name in self.used for m in self.machines}

    def is_undecided(self, name: str) -> bool:
        """Whether the development set has yet to decide what the system's score averages, by this request."""
        request = self.request
        decides = request.may_select and isinstance(request.recipes[name], Selected)
        return decides and name not in request.members

    @property
    def used(self) -> list[str]:
        """The systems that train and that something asked for averages."""
        return list(dict.fromkeys(name for members in self.members.values() for name, _ in members))

    def behind(self, name: str) -> dict[str, System]:
        """The systems that train and that the name averages."""
        return {system: self.request.trained[system] for system in dict(self.members[name])}

    def _chain(self, name: str, machine: data.Machine) -> Chain:
        return Chain(
            name=name.partition(":")[0],
            system=self.request.trained[name],
            train=machine.train,
            is_target=machine.is_target,
            store=self.store,
            read=data.read_wave,
            device=self.device,
            may_train=self.request.may_train,
            clean=machine.clean,
            noise=machine.noise,
        )

    def _members(self, name: str, recipe: Recipe) -> list[Seed]:
        is_read = isinstance(recipe, Selected) and name not in self.request.members and not self.request.may_select
        return read_selection(self.request, name) if is_read else self.request.chosen_members(name)

    def machine(self, name: str) -> data.Machine:
        """Raises BadInput with the machines that are there for an unknown one."""
        data.known_machines([name], [machine.name for machine in self.machines], self.request.data)
        return next(machine for machine in self.machines if machine.name == name)

    def folder(self, name: str) -> ResultFolder:
        return ResultFolder(self.request.results / self.request.kind / name)

    def fitted(self, name: str, machine: data.Machine) -> FittedSystem:
        return self.fitted_to(name, machine, self.members[name])

    def fitted_to(self, name: str, machine: data.Machine, members: Sequence[Seed]) -> FittedSystem:
        """The name's system as it is with these members."""
        chains = {system: self.chains[system, machine.name] for system in dict(members)}
        return fitted_of(self.request.recipes[name], chains, members)

    def resolved(self, name: str) -> dict[str, object]:
        """Every number behind a name's scores, and the members it averages: what system.yaml holds."""
        recipe = self.request.recipes[name]
        members = {label(recipe, system, seed): [system, seed] for system, seed in self.members[name]}
        trained = {system: numbers(self.request.trained[system]) for system in dict(self.members[name])}
        own = {} if trained == {name: numbers(recipe)} else {"recipe": numbers(recipe)}
        quick = {"quick": True} if self.request.quick else {}
        return {"system": name, **quick, "members": members, **own, "trained": trained}

    def numbers(self, name: str) -> dict[str, object]:
        """The same without members: what runs of other seeds share."""
        return {key: value for key, value in self.resolved(name).items() if key != "members"}

    def made_by(self, name: str) -> str:
        """Hash of all but clips that the name's scores are made by: numbers, members, and the code of all of it."""
        members = {f"{system}-{seed}": self._chain_of(system).made_by(seed) for system, seed in self.members[name]}
        recipe = self.request.recipes[name]
        return key_of({**self.numbers(name), "members": members, "calibration code": code(recipe.calibration)})

    def codes(self) -> dict[str, str]:
        """`code of <system>` -> hash of its numbers and of all code that its scores depend on."""
        return {f"code of {system}": self._chain_of(system).made_by(0) for system in self.used}

    def _chain_of(self, system: str) -> Chain:
        """Of the first machine: what has nothing to do with clips is the same in all."""
        return self.chains[system, self.machines[0].name]

    def of_data(self, machine: data.Machine) -> dict[str, object]:
        """What run.json says of a machine's clips."""
        place = {"folder": str(self.request.data.resolve()), "channels": machine.channels}
        groups = {"train": machine.train, "test": machine.test, "clean": machine.clean, "noise": machine.noise}
        fingerprints = {group: clips_key(clips) for group, clips in groups.items()}
        counts = {f"n_{group}": len(clips) for group, clips in groups.items()}
        return {**place, **fingerprints, **counts, "n_target": int(machine.is_target.sum())}

    # ---- the guard on files --------------------------------------------------------------------------------------

    def fitting(self, machine: data.Machine, *features: Path) -> AbstractContextManager:
        """While something is fitted to a machine, of all data and results only its training clips can be opened."""
        return guard.policy(self.guarded, [*training_folders(machine), *features, *self.learnt])

    def hearing(self, machine: data.Machine) -> AbstractContextManager:
        """While test clips are heard: these and the store can be opened, and only HEARD of the store is written."""
        writable = [self.store.root / kind for kind in HEARD]
        for folder in writable:
            folder.mkdir(parents=True, exist_ok=True)
        return guard.hearing(self.guarded, [machine.folder / "test", self.store.root], writable)

    def training_features(self, names: Sequence[str], machine: data.Machine) -> list[Path]:
        """Where the store keeps the features of the training clips, and of noise clips that training hears."""
        chains = [self.chains[name, machine.name] for name in names]
        return [chain.block(clips).path for chain in chains for clips in (chain.train, chain.heard_noise) if clips]

    def untrained(self, names: Sequence[str]) -> list[str]:
        """Of these systems, those whose detector trains nothing: it is fitted whenever it is opened."""
        return [n for n in names if not isinstance(self.request.trained[n].detector, TrainedDetector)]

    @property
    def learnt(self) -> list[Path]:
        """Where the store keeps what fits have learnt; no score or feature of a test clip lies there."""
        return [self.store.root / kind for kind in LEARNT]

    @property
    def guarded(self) -> list[Path]:
        """What a fit may see only in part, and a score of one clip likewise."""
        ours = [self.request.results / kind for kind in ("dev", "eval", "store")]
        return [*(self.request.data / folder for folder in data.KINDS.values()), *ours]


def fitted_of(recipe: Recipe, chains: Mapping[str, Chain], members: Sequence[Seed]) -> FittedSystem:
    """A recipe with these members, from the chain of each of their systems on one machine."""
    systems = [system for system, _ in members]
    fitted = [chains[system].member(seed, label(recipe, system, seed), system) for system, seed in members]
    is_target = chains[systems[0]].is_target
    return FittedSystem(tuple(fitted), recipe.calibration, weights_of(recipe, systems), is_target)


def weights_of(recipe: Recipe, systems: Sequence[str]) -> tuple[float, ...]:
    """Of the system of each member: its weight in the mean."""
    return recipe.weights(systems) if isinstance(recipe, Ensemble) else (1.0,) * len(systems)


def label(recipe: Recipe, system: str, seed: int) -> str:
    """A member's name: the seed in a system, <system>-<seed> in an ensemble."""
    return f"{system}-{seed}" if isinstance(recipe, Ensemble) else str(seed)


def training_folders(machine: data.Machine) -> list[Path]:
    return [machine.folder / "train", machine.folder / "supplemental"]


def section_of(machine: data.Machine) -> str:
    return machine.train[0].section


def truth_of(machine: data.Machine) -> dict[str, evaluation.Truth] | None:
    """Where the truth is known: from telling names, or from a test_rename folder."""
    return truth_in(machine.folder, [clip.path.name for clip in machine.test])


def truth_in(folder: Path, names: Sequence[str]) -> dict[str, evaluation.Truth] | None:
    """Of these test clips of the machine's folder."""
    if not any(map(ANONYMOUS.fullmatch, names)):
        return evaluation.truth_of_names(names) if names else None
    paths, renamed = [folder / "test" / name for name in names], folder / "test_rename"
    return evaluation.truth_of_renamed(paths, renamed) if renamed.is_dir() else None


def open_machines(request: Request) -> list[data.Machine]:
    """The chosen machines; raises with every problem of all of them at once."""
    raw = data.raw_folder(request.data, request.kind)
    surveys = [data.survey(raw / name, request.splits) for name in data.chosen_machines(raw, request.machines)]
    problems = tuple(problem for survey in surveys for problem in survey.problems)
    if problems:
        hint = f"(`python tools/inspect_data.py {request.data}` shows the whole data set)"
        raise BadInput(f"{data.listed(problems)}\n{hint}")
    return [survey.machine() for survey in surveys]


def chosen_device(wanted: str, may_train: bool) -> str:
    """`auto` is a CUDA GPU where there is one. What was trained on one is opened without one: scoring is on the CPU.

    Raises BadInput for a device that PyTorch does not offer here.
    """
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not DEVICE.fullmatch(wanted):
        raise BadInput(f"--device {wanted}: auto, cpu, cuda, cuda:1 (the second GPU) or mps expected")
    if not may_train:
        return wanted
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise BadInput("--device mps: PyTorch sees no Apple GPU; use --device cpu")
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise BadInput(f"--device {wanted}: PyTorch sees no CUDA GPU (is it a CPU build of torch?); use --device cpu")
    name, _, number = wanted.partition(":")
    if name == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise BadInput(f"--device {wanted}: PyTorch sees {torch.cuda.device_count()} CUDA GPUs, counted from cuda:0")
    return wanted


def writable(results: Path) -> None:
    probe = results / PROBE
    try:
        with written_whole(probe):
            pass
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(
            f"{results}: cannot be written ({error.strerror}); give another folder with --results"
        ) from error
