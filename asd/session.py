"""The session: one call of run.py, from checked folders to written, proven and evaluated results.

This is the one file of the house that opens rooms; the rooms do not know of each other, and none knows of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from asd import data, evaluation, guard
from asd.clips import ANONYMOUS, RATE, Clip
from asd.errors import BadInput
from asd.evaluation import Result
from asd.jobs import Job, run_all
from asd.store import Store, digest, numbers, write_json, write_text, written_whole
from asd.submission import ResultFolder, Scored
from asd.system import Chain, ClipScore, Ensemble, FittedSystem, SelectedEnsemble, System, clips_key, prepare

Seed = tuple[str, int]  # a system that trains, and one of its seeds
Worker = Callable[[Sequence[str], str, Sequence[str]], Sequence[str]]  # names, machine, further words -> command line
PACKAGES = ("torch", "numpy", "scipy", "librosa", "scikit-learn", "soundfile")


@dataclass(frozen=True)
class Request:
    """What a person asked for, parsed but not yet checked against the folders."""

    kind: str  # dev | eval
    data: Path
    results: Path
    recipes: Mapping[str, System | Ensemble]  # what was asked for, by name
    trained: Mapping[str, System]  # the systems behind it that train, by name
    worker: Worker
    machines: Sequence[str] | None = None
    seeds: int | tuple[int, ...] | None = None
    device: str = "auto"
    workers: int = 1
    may_train: bool = True
    may_select: bool = True  # False: a selection on the development set is read, not made
    splits: tuple[str, ...] = ("train", "test")


class Session:
    """Opens what a request names; raises BadInput with every problem before any work."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.members = {name: self._members(name, recipe) for name, recipe in request.recipes.items()}
        self.machines = open_machines(request)
        self.device = chosen_device(request.device)
        self.store = Store(request.results / "store")
        writable(request.results)
        for machine in self.machines if request.kind == "dev" else ():
            if machine.test:  # what cannot be evaluated later is refused now
                evaluation.check_truth(machine.name, truth_of(machine) or {})
        self.chains = {(name, m.name): self._chain(name, m) for name in self.used for m in self.machines}

    @property
    def used(self) -> list[str]:
        """The systems that train and that something asked for averages."""
        return list(dict.fromkeys(name for members in self.members.values() for name, _ in members))

    def _chain(self, name: str, machine: data.Machine) -> Chain:
        recipe, may_train = self.request.trained[name], self.request.may_train
        basics = recipe, machine.train, machine.is_target, self.store, data.read_wave, self.device, may_train
        return Chain(*basics, machine.supplemental)

    def _members(self, name: str, recipe: System | Ensemble) -> list[Seed]:
        """What the name's score averages; before a development selection, all its candidates."""
        if isinstance(recipe, SelectedEnsemble) and not self.request.may_select:
            return self.selected(name, recipe)
        sources = recipe.members if isinstance(recipe, Ensemble) else (name,)
        return [(s, seed) for s in sources for seed in self.request.trained[s].chosen_seeds(self.request.seeds)]

    # ---- training ------------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Features, then every missing training in worker processes; afterwards all lies in the store."""
        self.extract()
        if self.request.may_train:
            run_all(self.jobs(), self.request.workers, self.request.results / "logs")

    def extract(self) -> None:
        """Features of all clips, each clip read once for all systems; front-ends are fitted on the way."""
        for machine in self.machines:
            chains = [self.chains[name, machine.name] for name in self.used]
            if self.request.may_train:
                with self.fitting(machine):
                    _ = [chain.frontend for chain in chains]
                prepare(chains, machine.train, self.request.workers)
            prepare(chains, machine.test, self.request.workers)

    def jobs(self) -> list[Job]:
        """What is not in the store: a job for each training and seed (on a GPU one a training, its seeds stacked)."""
        groups: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
        wanted = dict.fromkeys(seed for members in self.members.values() for seed in members)
        for (name, machine), chain in self.chains.items():
            clips = self.machine(machine).test
            todo = tuple(seed for system, seed in wanted if system == name and not chain.done(clips, seed))
            key = chain.system.detector.training_key(chain.data_key)
            for share in ([todo] if todo else []) if self.device == "cuda" else [(seed,) for seed in todo]:
                groups.setdefault((machine, key, share), []).append(name)
        return [self.job(names, machine, seeds) for (machine, _, seeds), names in groups.items()]

    def job(self, names: list[str], machine: str, seeds: tuple[int, ...]) -> Job:
        words = ["--seeds", ",".join(map(str, seeds)) + ","]
        label = f"{self.request.kind}_{machine}_{'+'.join(names)}_seed_{'-'.join(map(str, seeds))}"
        return Job(label[:200], tuple(self.request.worker(names, machine, words)))

    def work(self) -> None:
        """A worker's share: one machine, systems that share a training, some seeds."""
        (machine,) = self.machines
        for name, members in self.members.items():
            chain, seeds = self.chains[name, machine.name], tuple(seed for _, seed in members)
            with self.fitting(machine, self.features_of(name, machine)):
                chain.scorers(seeds)  # all in one stack where the device trains so
            for seed in seeds:
                chain.raw_scores(machine.test, seed)

    def features_of(self, system: str, machine: data.Machine) -> Path:
        chain = self.chains[system, machine.name]
        return self.store.path("features", chain.block(chain.train).key)

    def fitting(self, machine: data.Machine, *features: Path) -> AbstractContextManager:
        """While something is fitted to a machine, of all data and results only its training clips can be opened."""
        allowed = [machine.folder / "train", machine.folder / "supplemental", *features]
        return guard.policy(self.guarded, [*allowed, *self.learnt])

    @property
    def learnt(self) -> list[Path]:
        """Where the store keeps what fits have learnt; no score or feature of a test clip lies there."""
        return [self.store.root / kind for kind in ("weights", "scoring", "frontends")]

    @property
    def guarded(self) -> list[Path]:
        """What a fit may see only in part, and a score of one clip likewise."""
        ours = [self.request.results / kind for kind in ("dev", "eval", "store")]
        return [*(self.request.data / folder for folder in data.KINDS.values()), *ours]

    # ---- results -------------------------------------------------------------------------------------------------

    def machine(self, name: str) -> data.Machine:
        return next(machine for machine in self.machines if machine.name == name)

    def folder(self, name: str) -> ResultFolder:
        return ResultFolder(self.request.results / self.request.kind / name)

    def fitted(self, name: str, machine: data.Machine) -> FittedSystem:
        recipe = self.request.recipes[name]
        members = (
            self.chains[system, machine.name].member(seed, label(recipe, system, seed), recipe.calibration)
            for system, seed in self.members[name]
        )
        return FittedSystem(tuple(members), recipe.calibration)

    def write(self, name: str) -> bool:
        """The name's score files from what lies in the store. True if results of other numbers had to give way."""
        recipe = self.request.recipes[name]
        if isinstance(recipe, SelectedEnsemble) and self.request.may_select and "test" in self.request.splits:
            self.members[name] = self.select(name, recipe)
        stale = self.folder(name).begin(self.resolved(name))
        for machine in self.machines:
            self._write_machine(name, machine)
        return stale

    def resolved(self, name: str) -> dict[str, object]:
        """Every number behind a name's scores, and the members it averages."""
        recipe = self.request.recipes[name]
        members = [label(recipe, *member) for member in self.members[name]]
        of_members = {m: numbers(self.request.trained[m]) for m in dict(self.members[name]) if m != name}
        return {"system": name, "members": members, "recipe": numbers(recipe), **of_members}

    def _write_machine(self, name: str, machine: data.Machine) -> None:
        folder, clips = self.folder(name), machine.test
        folder.unproven(machine.name)
        with self.fitting(machine, *(self.features_of(system, machine) for system in dict(self.members[name]))):
            fitted = self.fitted(name, machine)  # from the store; trained here only if something was deleted there
        raw = [self.chains[s, machine.name].raw_scores(clips, seed) for s, seed in self.members[name]]
        scored = files_of_many(fitted, machine, clips, raw)
        for member in fitted.members:
            folder.write_history(member.label, machine.name, member.scorer.history)
        for part, content in scored.items():
            folder.write(part, machine.name, section_of(machine), content)
        fingerprints = {"train": clips_key(machine.train), "test": clips_key(clips)}
        counts = {"n_train": len(machine.train), "n_test": len(clips)}
        wave = data.read_wave(machine.train[0])
        seconds = {"clip_seconds": wave.shape[1] / RATE}  # of the clip whose MACs are recorded
        record = {"data": {**fingerprints, **counts}, **fitted.record(wave), **seconds, "verified": False}
        folder.record(versions(self.device), machine.name, record)

    # ---- selection on the development set --------------------------------------------------------------------------

    def select(self, name: str, recipe: SelectedEnsemble) -> list[Seed]:
        """Choose by development Ω and write the choice down, with what it was chosen from."""
        omegas = {member: self.omega(*member) for member in self.members[name]}
        chosen = recipe.choose(omegas)
        self._keep_larger_selection(name, recipe, len(omegas))
        record = {
            "chosen": [[*member, omegas[member]] for member in chosen],
            "from": [[*member, omega] for member, omega in sorted(omegas.items())],
            "machines": [machine.name for machine in self.machines],
            "numbers": {m: numbers_key(self.request.trained[m]) for m in recipe.members},
        }
        write_json(self._selection_file(name), record)
        return chosen

    def _keep_larger_selection(self, name: str, recipe: SelectedEnsemble, n_candidates: int) -> None:
        """Raises BadInput rather than replace a choice that was made on more machines or candidates."""
        path = self._selection_file(name)
        old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"machines": [], "from": []}
        same = old.get("numbers") == {m: numbers_key(self.request.trained[m]) for m in recipe.members}
        if same and (len(old["machines"]) > len(self.machines) or len(old["from"]) > n_candidates):
            raise BadInput(
                f"{path}: was chosen among {len(old['from'])} on {', '.join(old['machines'])}, more than now; "
                "it is kept (run with all machines and seeds, or delete it to choose anew)"
            )

    def omega(self, name: str, seed: int) -> float:
        """Development Ω of a single seed over the machines of this session."""
        terms: list[float] = []
        for machine in self.machines:
            raw = self.chains[name, machine.name].raw_scores(machine.test, seed)
            scores = {clip.path.name: float(a) for clip, a in zip(machine.test, raw, strict=True)}
            terms += evaluation.terms_of(machine.name, scores, evaluation.truth_of_names(scores))
        return evaluation.omega(terms)

    def selected(self, name: str, recipe: SelectedEnsemble) -> list[Seed]:
        """The choice that was made on the development set. Raises BadInput where there is none, or of other numbers."""
        path = self._selection_file(name)
        if not path.exists():
            raise BadInput(
                f"{path}: no such file; {name}'s members are chosen on the development set: run `-d {name}` first"
            )
        record = json.loads(path.read_text(encoding="utf-8"))
        other = [m for m in recipe.members if record["numbers"].get(m) != numbers_key(self.request.trained[m])]
        if other:
            raise BadInput(f"{path}: chosen with other numbers of {', '.join(other)}; run `-d {name}` again with these")
        return [(system, seed) for system, seed, _ in record["chosen"]]

    def _selection_file(self, name: str) -> Path:
        return self.request.results / "dev" / name / "selected.json"

    # ---- proof -----------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Re-derive every score and decision in fresh processes; raises BadInput where a file differs."""
        tasks = [(name, machine.name) for name in self.members for machine in self.machines]
        for name in self.members:
            self.folder(name).check(self.resolved(name))
        proven = {(name, m): self.folder(name).proof(m, section_of(self.machine(m))) for name, m in tasks}
        jobs = [Job(f"verify_{name}_{m}", tuple(self.request.worker([name], m, ["--verify"]))) for name, m in tasks]
        run_all(jobs, self.request.workers, self.request.results / "logs")
        for name, machine in tasks:
            self.folder(name).mark(machine, "verified", proven[name, machine])

    def verify_here(self) -> None:
        """A worker's share: one name, one machine; each clip alone, in shuffled order, no other test file in reach."""
        (name,), (machine,) = self.members, self.machines
        paths = data.wav_paths(machine.folder / "test")
        clips = [Clip(path, machine.name, section_of(machine)) for path in paths]
        order = np.random.default_rng().permutation(len(clips))
        scored: dict[Clip, ClipScore] = {}
        training = [machine.folder / "train", machine.folder / "supplemental"]
        with guard.policy(self.guarded, [*training, *self.learnt]) as policy:
            fitted = self.fitted(name, machine)
            _ = fitted.threshold, fitted.thresholds
            before = guard.state_digest(fitted)
            for i in order:
                policy.allow_only(clips[i].path)  # no longer the store either
                scored[clips[i]] = fitted(data.read_wave(clips[i]))
            unchanged(fitted, before)
        self._compare(name, machine, files_of(fitted, machine, clips, [scored[clip] for clip in clips]))

    def _compare(self, name: str, machine: data.Machine, rederived: Mapping[str, Scored]) -> None:
        folder = self.folder(name)
        for part, content in rederived.items():
            folder.compare(part, machine.name, section_of(machine), content)

    # ---- evaluation --------------------------------------------------------------------------------------------------

    def evaluate(self, name: str) -> list[tuple[str, ...]]:
        """The Ω table of the machines whose truth is known, as cells, also written to omega.csv; [] where none is."""
        results = [result for machine in self.machines if (result := self._result(name, machine))]
        table = evaluation.rows(results) if results else []
        if table:
            write_text(self.folder(name).folder / "omega.csv", "".join(",".join(row) + "\n" for row in table))
        return table

    def _result(self, name: str, machine: data.Machine) -> Result | None:
        truth = truth_of(machine)
        if truth is None:
            return None
        folder, section = self.folder(name), section_of(machine)
        return evaluation.evaluate(
            machine.name, folder.scores(machine.name, section), folder.decisions(machine.name, section), truth
        )


def unchanged(fitted: FittedSystem, before: str) -> None:
    """Raises BadInput where scoring has changed the fitted system since its state digest was `before`."""
    training = guard.in_training_state(fitted)
    if training:
        raise BadInput(f"{', '.join(training[:3])}: in training state while it scores; call its network's eval() first")
    if guard.state_digest(fitted) != before:
        raise BadInput("scoring changed the fitted system: something is kept from one clip to the next")


def label(recipe: System | Ensemble, system: str, seed: int) -> str:
    """A member's name: the seed in a system, <system>-<seed> in an ensemble."""
    return f"{system}-{seed}" if isinstance(recipe, Ensemble) else str(seed)


def numbers_key(recipe: System) -> str:
    return digest(json.dumps(numbers(recipe), sort_keys=True))


def section_of(machine: data.Machine) -> str:
    return machine.train[0].section


def open_machines(request: Request) -> list[data.Machine]:
    """The chosen machines; raises with every problem of all of them at once."""
    raw = data.raw_folder(request.data, request.kind)
    surveys = [data.survey(raw / name, request.splits) for name in data.chosen_machines(raw, request.machines)]
    problems = tuple(problem for survey in surveys for problem in survey.problems)
    if problems:
        hint = f"(`python tools/inspect_data.py {request.data}` shows the whole data set)"
        raise BadInput(f"{data.listed(problems)}\n{hint}")
    return [survey.machine() for survey in surveys]


def chosen_device(wanted: str) -> str:
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda: PyTorch sees no CUDA GPU (is it a CPU build of torch?); use --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def writable(results: Path) -> None:
    probe = results / ".writable"
    try:
        with written_whole(probe):
            pass
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(
            f"{results}: cannot be written ({error.strerror}); give another folder with --results"
        ) from error


def files_of(
    fitted: FittedSystem, machine: data.Machine, clips: Sequence[Clip], scored: Sequence[ClipScore]
) -> dict[str, Scored]:
    """What the result files of a name ("") and of each of its members (their labels) hold."""
    names, train = [clip.path.name for clip in clips], [clip.path.name for clip in machine.train]

    def of(scores: Iterable[float], decisions: Iterable[int], train_scores: np.ndarray) -> Scored:
        columns = (scores, decisions, train_scores.tolist())
        return Scored(*(dict(zip(n, c, strict=True)) for n, c in zip((names, names, train), columns, strict=True)))

    members = {
        member.label: of((s.members[i] for s in scored), (s.member_decisions[i] for s in scored), member.train_scores)
        for i, member in enumerate(fitted.members)
    }
    return {"": of((s.score for s in scored), (s.decision for s in scored), fitted.train_scores), **members}


def files_of_many(
    fitted: FittedSystem, machine: data.Machine, clips: Sequence[Clip], raw: Sequence[np.ndarray]
) -> dict[str, Scored]:
    """The same from the detectors' own scores of all clips, (N,) a member, held in the guard's array."""
    if not clips:  # training only
        return files_of(fitted, machine, clips, [])
    names, train = [clip.path.name for clip in clips], [clip.path.name for clip in machine.train]

    def of(scores: guard.TestScores, threshold: float, train_scores: np.ndarray) -> Scored:
        decided = guard.released((scores > threshold).astype(int))
        decisions = {name: int(decision) for name, decision in decided.items()}
        return Scored(guard.released(scores), decisions, dict(zip(train, train_scores.tolist(), strict=True)))

    members = [
        member.calibrated(guard.TestScores(dict(zip(names, column.tolist(), strict=True))))
        for member, column in zip(fitted.members, raw, strict=True)
    ]
    parts = zip(fitted.members, members, fitted.thresholds, strict=True)
    of_members = {member.label: of(scores, threshold, member.train_scores) for member, scores, threshold in parts}
    return {"": of(guard.mean_of(members), fitted.threshold, fitted.train_scores), **of_members}


def versions(device: str) -> dict[str, object]:
    packages = {name: version(name) for name in PACKAGES}
    return {**packages, "device": device, "threads": 1, "written": time.strftime("%Y-%m-%d %H:%M:%S")}


def truth_of(machine: data.Machine) -> dict[str, evaluation.Truth] | None:
    """Where the truth is known: from telling names, or from a test_rename folder."""
    paths, renamed = [clip.path for clip in machine.test], machine.folder / "test_rename"
    if not any(ANONYMOUS.fullmatch(path.name) for path in paths):
        return evaluation.truth_of_names(path.name for path in paths) if paths else None
    return evaluation.truth_of_renamed(paths, renamed) if renamed.is_dir() else None
