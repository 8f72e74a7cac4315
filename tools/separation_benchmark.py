#!/usr/bin/env python3
"""Separation methods side by side on your recordings: SI-SNR improvement, ROC-AUC behind each, seconds a clip.

python tools/separation_benchmark.py --machine fan/ --noise noise/ --rirs rirs.npz:workshop
python tools/separation_benchmark.py --machine fan/ --noise noise/ --microphones 2         a simulated room
python tools/separation_benchmark.py ... --methods ssd ilrma                               some of them
python tools/separation_benchmark.py ... --audiosep audiosep_base_4M_steps.ckpt --text query.npy

--machine holds normal*.wav and anomaly*.wav of the machine alone, --noise recordings without it, all 16 kHz. Tables I
and II and figure 5 of Shoda et al., "Spectral-to-spatial distillation". What is done lies in --out and is not done
again; delete a method's files there to repeat it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from asd.clips import RATE
from asd.contracts import Workplace
from asd.detectors import AutoEncoder
from asd.errors import BadInput
from asd.features import LogMel
from asd.fingerprint import digest, fingerprint
from asd.frontends import AdaSubTeacher, AudioSepTeacher, ClapEmbedder, Distilled, LogMelEmbedder, Near
from asd.frontends.distillation.distilled import FittedDistilled, restored_gain
from asd.frontends.distillation.embedders import scis
from asd.frontends.distillation.teachers import Teacher
from asd.separation import blind, measures, mixtures, peers
from asd.settings import assignment, resolve
from asd.store import Store, content, write_json, write_text, written_whole
from asd.training import Training, machine_room, pin

Separate = Callable[[np.ndarray], np.ndarray]  # (C, T) -> (T,)
AUDIOSEP_PARAMETERS = 26_447_941
TIMED = 10  # s of the clip that is timed
ROUNDS = 5  # of timing, the median counts
SHORTEST = 0.5  # s of a mixture; chosen: some windows of the autoencoder's and the blind methods' spectra
PATIENCE = 8.0  # s after which a slow method is timed no further


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    add = p.add_argument
    add("--machine", type=Path, required=True, help="recordings of the machine alone")
    add("--noise", type=Path, required=True, help="recordings of noise alone")
    add("--rirs", help="impulse responses: FILE.npz, FILE.npz:ROOM or a folder; default: a simulated room")
    add("--microphones", type=int, default=2, help="of the simulated room (%(default)s)")
    add("--seconds", type=float, default=10.0, help="of a mixture (%(default)s)")
    add("--snr", type=float, nargs=2, default=(-10.0, 0.0), metavar=("FROM", "TO"), help="dB (%(default)s)")
    add("--train", type=int, default=256, help="mixtures to train on (%(default)s)")
    add("--test", type=int, default=128, help="mixtures to test on, half of them anomalous (%(default)s)")
    add("--seed", type=int, default=0, help="of the mixtures (%(default)s)")
    add("--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(METHODS)}; default: all there is material for")
    add("--peer-epochs", type=int, default=40, help="most epochs of the supervised peers (%(default)s)")
    add("--ae-epochs", type=int, default=50, help="of the autoencoder (%(default)s)")
    add("--ae-seeds", type=int, default=3, help="0: no ROC-AUC, quick for slow methods (%(default)s)")
    add("--audiosep", default="", help="AudioSep checkpoint")
    add("--clap", default="", help="CLAP checkpoint; default: the one inside AudioSep's")
    add("--text", default="", help=".npy of a text embedding (512,) for AudioSep by text")
    add(
        "--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="of the front-end, student.units=256,128"
    )
    add("--no-timing", action="store_true", help="leave Table II out (on a busy machine)")
    add("--out", type=Path, default=Path("results/separation"))
    return p


# ---- the bench -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """The mixtures, and where what is computed from them is kept."""

    args: argparse.Namespace
    scene: mixtures.Scene
    out: Path

    @cached_property
    def train(self) -> list[mixtures.Mixture]:
        return self.scene.train(self.args.train, self.args.seed)

    @cached_property
    def test(self) -> list[mixtures.Mixture]:
        return self.scene.test(self.args.test, self.args.seed)

    @cached_property
    def reference(self) -> np.ndarray:
        """(T,) with a peak of 0.5: the same samples for every method, students read them from a file."""
        found = self.scene.reference().astype(np.float32)
        return 0.5 * found / np.abs(found).max()

    @property
    def embedder(self) -> LogMelEmbedder | ClapEmbedder:
        return embedder_of(self.args)

    def distilled(self, teacher: Teacher) -> Distilled:
        """The front-end with this bench's reference clip and the command line's numbers."""
        import soundfile

        path = self.out / "reference.wav"
        if not path.exists():
            with written_whole(path) as file:
                soundfile.write(file, self.reference, RATE, format="WAV", subtype="FLOAT")
        return with_settings(Distilled(teacher=teacher, embedder=self.embedder, reference=str(path)), self.args)


def embedder_of(args: argparse.Namespace) -> LogMelEmbedder | ClapEmbedder:
    clap = args.clap or args.audiosep
    return ClapEmbedder(clap) if clap else LogMelEmbedder()


def with_settings(recipe: Distilled, args: argparse.Namespace) -> Distilled:
    for text in args.set:
        recipe = resolve(recipe, assignment(text), f"--set {text}")
    return recipe


def peer_training(args: argparse.Namespace) -> Training:
    return Training(args.peer_epochs, 4, 1e-3, 0.0, 0.2, patience=6, clip_norm=5.0, windows_per_epoch=128)


def detector_of(args: argparse.Namespace) -> AutoEncoder:
    return AutoEncoder(training=Training(epochs=args.ae_epochs))


@dataclass(frozen=True)
class Ready:
    """A method that can separate."""

    separate: Separate
    parameters: int = 0
    on_all_cores: Separate | None = None  # where the number of threads is the method's own
    sources: Callable[[np.ndarray], np.ndarray] | None = None  # all it finds (C, T), where one must be chosen
    choose: Callable[[np.ndarray], np.ndarray] = lambda sources: sources[0]
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    title: str
    category: str
    open: Callable[[Bench, str], Ready]
    timed: Callable[[Bench, str], Ready] | None = None  # the same without its training, which does not change its time
    needs: str = ""  # an argument that must be given
    microphones: int = 1  # at least


def nothing(bench: Bench, name: str) -> Ready:
    return Ready(lambda wave: wave[0])


def supervised(bench: Bench, name: str) -> Ready:
    pairs = [(m.wave[0], m.clean) for m in bench.train]
    numbers, title = peer_training(bench.args), METHODS[name].title
    begun = time.monotonic()
    network = peers.supervised(title, pairs, numbers, 2.0, bench.out / f"{name}_under_way")
    return ready_peer(network, {"training_seconds": time.monotonic() - begun})


def untrained_peer(bench: Bench, name: str) -> Ready:
    return ready_peer(peers.PEERS[METHODS[name].title]().eval(), {})


def ready_peer(network: torch.nn.Module, notes: dict[str, object]) -> Ready:
    @torch.inference_mode()
    def separate(wave: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(wave[:1]))[0].numpy()

    return Ready(separate, sum(p.numel() for p in network.parameters()), notes=notes)


def blindly(bench: Bench, name: str) -> Ready:
    method, embed = blind.METHODS[METHODS[name].title], bench.embedder.embed

    def sources(wave: np.ndarray) -> np.ndarray:
        return blind.separated(method, wave)

    def choose(found: np.ndarray) -> np.ndarray:
        return blind.likest(found, embed, bench.reference)

    return Ready(lambda wave: choose(sources(wave)), sources=sources, choose=choose)


def teacher_of(bench: Bench, name: str) -> Teacher:
    if name.endswith("adasub"):
        return AdaSubTeacher()
    return AudioSepTeacher(bench.args.audiosep, bench.args.clap, bench.args.text if name == "audiosep_text" else "")


def just_teacher(bench: Bench, name: str) -> Ready:
    separate = teacher_of(bench, name).open([m.wave for m in bench.train], bench.reference)
    return Ready(separate, 0 if name == "adasub" else AUDIOSEP_PARAMETERS)


def teacher_alone(bench: Bench, name: str) -> Ready:
    """With what its targets are worth, SCi and SI-SNRi, of the training mixtures."""
    ready = just_teacher(bench, name)
    targets = [(ready.separate(m.wave), m) for m in bench.train]
    improved = [improvement(target, m) for target, m in targets]
    found = scis(bench.embedder, [(target, m.wave[0]) for target, m in targets], bench.reference)
    figure = {"sci": found.tolist(), "si_snri": improved, "spearman": measures.spearman(found, np.array(improved))}
    return replace(ready, notes=figure)


def student(bench: Bench, name: str) -> Ready:
    recipe = bench.distilled(Known(bench) if name == "ssd_clean" else teacher_of(bench, name))
    begun = time.monotonic()
    fitted = recipe.fit_on([m.wave for m in bench.train], (), bench.out / f"{name}_under_way")
    notes = {"training_seconds": time.monotonic() - begun, "epochs": len(fitted.history)}
    return ready_student(fitted, notes)


def untrained_student(bench: Bench, name: str) -> Ready:
    """For its time alone, also of the paper's size."""
    recipe = bench.distilled(AdaSubTeacher())
    if name == "ssd_paper":
        recipe = resolve(recipe, {"student": {"units": "256,128", "bidirectional": "true"}}, name)
    network = recipe.student.build(bench.scene.room.n_channels).eval()
    return ready_student(FittedDistilled(recipe, network, np.zeros((0, 3)), np.zeros(0)), {"timing_only": True})


def ready_student(fitted: FittedDistilled, notes: dict[str, object]) -> Ready:
    return Ready(fitted.separate, fitted.n_parameters, lambda wave: fitted.separate(wave, cores()), notes=notes)


@dataclass(frozen=True)
class Known:
    """A teacher that knows the clean sound: what the student can reach at best."""

    bench: Bench

    def files(self) -> tuple[Path, ...]:
        return ()

    def open(self, waves: Sequence[np.ndarray], reference: np.ndarray) -> Separate:
        clean = {id(m.wave): m.clean for m in self.bench.train}
        return lambda wave: clean[id(wave)]


METHODS = {
    "none": Method("No processing", "-", nothing),
    "tfgridnet": Method("TF-GridNet", "spectral, clean pairs", supervised, untrained_peer),
    "conformer": Method("Conv-Transformer", "spectral, clean pairs", supervised, untrained_peer),
    "dprnn": Method("DPRNN", "spectral, clean pairs", supervised, untrained_peer),
    "audiosep_text": Method("AudioSep", "spectral, by text", teacher_alone, just_teacher, needs="text"),
    "fastmnmf": Method("FastMNMF", "blind", blindly, microphones=2),
    "ilrma": Method("ILRMA", "blind", blindly, microphones=2),
    "pra_fastmnmf": Method("FastMNMF (pyroomacoustics)", "blind", blindly, microphones=2),
    "pra_ilrma": Method("ILRMA (pyroomacoustics)", "blind", blindly, microphones=2),
    "aqss": Method("AQSS only", "spectral, by audio", teacher_alone, just_teacher, needs="audiosep"),
    "adasub": Method("AdaSub only", "spectral, near/far", teacher_alone, just_teacher, microphones=2),
    "ssd_aqss": Method("SSD, teacher AQSS", "distilled", student, untrained_student, needs="audiosep", microphones=2),
    "ssd_adasub": Method("SSD, teacher AdaSub", "distilled", student, untrained_student, microphones=2),
    "ssd_clean": Method(
        "SSD, teacher knows the clean sound", "bound, not a method", student, untrained_student, microphones=2
    ),
    "ssd_paper": Method("SSD, 256-128 bidirectional", "time only", untrained_student, microphones=2),
}


def improvement(found: np.ndarray, mixture: mixtures.Mixture) -> float:
    """SI-SNRi, dB."""
    return measures.improvement(found, mixture.wave[0], mixture.clean)


def cores() -> int:
    return len(os.sched_getaffinity(0))


# ---- one method ----------------------------------------------------------------------------------------------------


def measured(bench: Bench, name: str) -> dict[str, Any]:
    """Everything about one method, as JSON; computed once."""
    path = bench.out / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    ready = METHODS[name].open(bench, name)
    record: dict[str, Any] = {"parameters": ready.parameters, **ready.notes}
    if "timing_only" not in ready.notes:
        record |= quality(bench, name, ready)
    write_json(path, record)
    for suffix in (".checkpoint", ".csv", ".lesson"):
        (bench.out / f"{name}_under_way{suffix}").unlink(missing_ok=True)
    return record


def quality(bench: Bench, name: str, ready: Ready) -> dict[str, Any]:
    found = [ready.sources(m.wave) if ready.sources else ready.separate(m.wave)[None] for m in bench.test]
    cleaned = [restored_gain(ready.choose(sources), m.wave[0]) for sources, m in zip(found, bench.test, strict=True)]
    improved = np.array([improvement(wave, m) for wave, m in zip(cleaned, bench.test, strict=True)])
    is_anomaly = np.array([m.is_anomaly for m in bench.test])
    record = {
        "improvement": improved.tolist(),
        "mean": improved.mean(),
        "std": improved.std(),
        "normal": improved[~is_anomaly].mean(),
        "anomaly": improved[is_anomaly].mean(),
        "auc": areas(bench, name, ready, cleaned, is_anomaly),
    }
    if ready.sources:
        best = [max(improvement(s, m) for s in sources) for sources, m in zip(found, bench.test, strict=True)]
        record["oracle"] = float(np.mean(best))
    return record


def areas(bench: Bench, name: str, ready: Ready, cleaned: list[np.ndarray], is_anomaly: np.ndarray) -> list[float]:
    """ROC-AUC of the dense autoencoder, squared error, trained on the method's training mixtures; one a seed."""
    from sklearn.metrics import roc_auc_score

    if not bench.args.ae_seeds:
        return []
    train = [feature(restored_gain(ready.separate(m.wave), m.wave[0])) for m in bench.train]
    seeds = tuple(range(bench.args.ae_seeds))
    workplace = Workplace(Store(bench.out / "store"), digest(*(f.tobytes() for f in train)), seeds, "cpu")
    scorers = detector_of(bench.args).fit(train, np.zeros(len(train), bool), workplace)
    test = [feature(found) for found in cleaned]
    return [float(roc_auc_score(is_anomaly, [scorer.score(f) for f in test])) for scorer in scorers]


def feature(wave: np.ndarray) -> np.ndarray:
    return LogMel()(Near()(np.stack([wave, wave])))


def timings(bench: Bench, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Of all methods in one run, so that their ratios mean something; kept until other methods are asked for."""
    path = bench.out / "timing.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if sorted(kept) != sorted(names):
        kept = {name: timing(bench, name) for name in names}
        write_json(path, kept)
    return kept


def timing(bench: Bench, name: str) -> dict[str, float]:
    """Median seconds of a 10 s clip on one core and on all."""
    ready = (METHODS[name].timed or METHODS[name].open)(bench, name)
    wave = bench.test[0].wave
    wave = np.ascontiguousarray(np.tile(wave, -(-TIMED * RATE // wave.shape[1]))[:, : TIMED * RATE])
    one = seconds_of(lambda: ready.separate(wave))
    with all_cores():
        everything = seconds_of(lambda: (ready.on_all_cores or ready.separate)(wave), own=bool(ready.on_all_cores))
    return {"one_core": one, "all_cores": everything, "cores": cores()}


def seconds_of(call: Callable[[], object], own: bool = False) -> float:
    if own:  # the method brings its threads: one each for torch
        torch.set_num_threads(1)
    call()
    found: list[float] = []
    while len(found) < ROUNDS and sum(found) < PATIENCE:
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return float(np.median(found))


class all_cores:  # noqa: N801, a context
    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        self._limits = threadpool_limits(cores())
        torch.set_num_threads(cores())

    def __exit__(self, *_: object) -> None:
        self._limits.restore_original_limits()
        torch.set_num_threads(1)


# ---- what comes out --------------------------------------------------------------------------------------------------


def table(records: dict[str, dict[str, Any]]) -> str:
    head = ["method", "kind", "SI-SNRi dB", "normal / anomaly", "ROC-AUC", "s / 10 s, 1 core", "all cores", "RTF"]
    rows = [[*head, "parameters"], ["---"] * (len(head) + 1)]
    for name, r in records.items():
        timed = r.get("timing", {})
        oracle = f" (oracle's choice {r['oracle']:.1f})" if "oracle" in r else ""
        rows.append(
            [
                METHODS[name].title,
                METHODS[name].category,
                f"{r['mean']:.1f} ± {r['std']:.1f}{oracle}" if "mean" in r else "-",
                f"{r['normal']:.1f} / {r['anomaly']:.1f}" if "mean" in r else "-",
                f"{np.mean(r['auc']):.3f} ± {np.std(r['auc']):.3f}" if r.get("auc") else "-",
                f"{timed['one_core']:.3f}" if timed else "-",
                f"{timed['all_cores']:.3f}" if timed else "-",
                f"{timed['one_core'] / TIMED:.4f}" if timed else "-",
                f"{r['parameters']:,}" if r["parameters"] else "-",
            ]
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def scatter(records: dict[str, dict[str, Any]], out: Path) -> list[str]:
    """SCi against SI-SNRi of each teacher's targets, fig. 5; a line about each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = []
    for name, r in records.items():
        if "sci" in r:
            figure, axes = pyplot.subplots(figsize=(5, 4))
            axes.scatter(r["sci"], r["si_snri"], s=12)
            axes.set(xlabel="SCi", ylabel="SI-SNRi (dB)", title=f"{METHODS[name].title}: Spearman {r['spearman']:.2f}")
            with written_whole(out / f"sci_{name}.png") as file:
                figure.savefig(file, format="png", dpi=120, bbox_inches="tight")
            pyplot.close(figure)
            lines.append(f"SCi against SI-SNRi, {METHODS[name].title}: Spearman {r['spearman']:.2f} (sci_{name}.png)")
    return lines


def ratios(records: dict[str, dict[str, Any]]) -> list[str]:
    """How many times faster the student is, on one core each, in this run."""
    ours = records.get("ssd_adasub", {}).get("timing")
    found = []
    for name in ("ilrma", "fastmnmf", "pra_ilrma", "pra_fastmnmf"):
        theirs = records.get(name, {}).get("timing")
        if ours and theirs:
            found.append(f"{theirs['one_core'] / ours['one_core']:.0f} times faster than {METHODS[name].title}")
    return [f"the student is {', '.join(found)} (one core each)"] if found else []


def opened(args: argparse.Namespace) -> Bench:
    """Raises BadInput for numbers that cannot be, and for folders, files and methods that are not there."""
    check_numbers(args)
    room = room_of(args)
    for name in chosen(args):
        if room.n_channels < METHODS[name].microphones:
            raise BadInput(
                f"{room.n_channels} microphone, {name} compares {METHODS[name].microphones}; give more, "
                f"or --methods of {', '.join(n for n, m in METHODS.items() if m.microphones == 1)}"
            )
    scene = mixtures.open_scene(args.machine, args.noise, room, args.seconds, tuple(args.snr))
    out = args.out / f"{args.machine.name}_{folder_key(args, scene)[:8]}"
    out.mkdir(parents=True, exist_ok=True)
    return Bench(args, scene, out)


def check_numbers(args: argparse.Namespace) -> None:
    """Raises BadInput."""
    wrong = {
        f"--test {args.test}: at least 2 expected, a normal mixture and an anomalous one": args.test < 2,
        f"--train {args.train}: at least 1 mixture expected": args.train < 1,
        f"--seconds {args.seconds:g}: at least {SHORTEST} s expected": not args.seconds >= SHORTEST,
        f"--snr {args.snr[0]:g} {args.snr[1]:g}: FROM <= TO expected (exchanged?)": not args.snr[0] <= args.snr[1],
        f"--microphones {args.microphones}: at least 1 expected": args.microphones < 1,
        f"--seed {args.seed}, --ae-seeds {args.ae_seeds}: 0 or more expected": min(args.seed, args.ae_seeds) < 0,
    }
    if any(wrong.values()):
        raise BadInput("; ".join(what for what, is_wrong in wrong.items() if is_wrong))


def room_of(args: argparse.Namespace) -> mixtures.Room:
    if not args.rirs:
        return mixtures.simulated_room(args.microphones)
    path, _, name = args.rirs.partition(":")
    return mixtures.read_room(Path(path), name)


def folder_key(args: argparse.Namespace, scene: mixtures.Scene) -> str:
    """All that decides what a folder's files say, but for the method: numbers, waves, checkpoints, code, libraries."""
    teacher = AudioSepTeacher(args.audiosep, args.clap, args.text) if args.audiosep else AdaSubTeacher()
    recipe = with_settings(Distilled(teacher=teacher, embedder=embedder_of(args)), args)
    parts = (recipe, AudioSepTeacher(), peer_training(args), detector_of(args), LogMel(), Near())
    telling = [args.seconds, args.snr, args.train, args.test, args.seed, args.ae_seeds, args.text]
    waves = (*scene.normal, *scene.test_normal, *scene.anomaly, *scene.noise, *scene.test_noise)
    return digest(
        json.dumps(telling),
        fingerprint(parts, modules=(blind.__name__, measures.__name__, mixtures.__name__, peers.__name__)),
        machine_room("cpu"),
        *map(content, recipe.files()),
        *map(bytes, (*waves, scene.room.machine, *scene.room.noise)),
    )


def chosen(args: argparse.Namespace) -> list[str]:
    """Raises BadInput for methods that are unknown, or lack their material."""
    wanted = args.methods or METHODS
    unknown = [name for name in wanted if name not in METHODS]
    if unknown:
        raise BadInput(f"--methods {' '.join(unknown)}: unknown (known: {', '.join(METHODS)})")
    for name in args.methods or ():
        if METHODS[name].needs and not getattr(args, METHODS[name].needs):
            raise BadInput(f"{name} needs --{METHODS[name].needs}")
    return [name for name in METHODS if name in wanted and (not (n := METHODS[name].needs) or getattr(args, n))]


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    pin("cpu")
    try:
        bench = opened(args)
        records = {}
        for name in chosen(args):
            print(f"{METHODS[name].title} ...", file=sys.stderr, flush=True)
            records[name] = measured(bench, name)
        if not args.no_timing:
            for name, found in timings(bench, list(records)).items():
                records[name]["timing"] = found
    except BadInput as error:
        print(f"separation_benchmark.py: {error}", file=sys.stderr)
        return 2
    told = f"{bench.scene.room.n_channels} microphones, {args.test} test mixtures of {args.seconds:g} s, "
    told += f"{args.snr[0]:g} to {args.snr[1]:g} dB, {args.train} to train on\n\n"
    text = told + table(records) + "".join(f"\n{line}" for line in [*scatter(records, bench.out), *ratios(records)])
    write_text(bench.out / "table.md", text + "\n")
    print(f"{text}\n\nin {bench.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
