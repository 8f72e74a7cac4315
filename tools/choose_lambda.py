#!/usr/bin/env python3
"""Choose λ, how much of the far-correlated part msm_dsp_knn takes away, on the development set; or show its ablation.

    python tools/choose_lambda.py data/dcase2026t2 results               writes yaml/msm_dsp_knn.yaml
    python tools/choose_lambda.py data/dcase2026t2 results --ablation    each block alone, all, λ = 0; writes nothing

One λ for all machines, by development Ω; `run.py -e msm_dsp_knn` reads the yaml and chooses nothing. The masked models
are trained once: λ and the blocks only change what is done with their embeddings.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import systems
from asd import data, evaluation
from asd.errors import BadInput
from asd.score_files import SCORE, file_name, read_rows
from asd.settings import read_yaml
from asd.store import write_text
from asd.tables import rendered

RUN = Path(__file__).resolve().parent.parent / "run.py"
SYSTEM = "msm_dsp_knn"
LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0)
BLOCKS = {
    "MSM alone": {"block_weights": "1,0,0"},
    "ridge residual alone": {"block_weights": "0,1,0"},
    "modulation alone": {"block_weights": "0,0,1"},
    "all, λ = 0": {"attenuation": "0"},
    "all": {},
}
Terms = dict[str, tuple[float, float, float]]  # machine -> AUC_source, AUC_target, pAUC


def omega(terms: Terms) -> float:
    return evaluation.omega(t for of_machine in terms.values() for t in of_machine)


def measured(args: argparse.Namespace, departures: Mapping[str, str], machines: Sequence[str]) -> Terms:
    """Development terms with these numbers of the detector; their results replace those of the run before."""
    line = ["-d", SYSTEM, "--data", str(args.data), "--results", str(args.results), "--machines", *machines]
    line += ["--seeds", args.seeds] if args.seeds else []
    line += ["--workers", str(args.workers)]
    sets = [*args.set, *(f"detector.{name}={value}" for name, value in departures.items())]
    line += [word for text in sets for word in ("--set", text)]
    if subprocess.run([sys.executable, str(RUN), *line], stdout=sys.stderr).returncode:
        raise BadInput(f"run.py {' '.join(line)}: failed, see above")
    folder = args.results / "dev" / SYSTEM
    scores = {m: read_rows(folder / file_name(SCORE, m)) for m in machines}
    return {m: evaluation.terms_of(m, scores[m], evaluation.truth_of_names(scores[m])) for m in machines}


def best(table: Mapping[float, Terms]) -> float:
    """The λ of the highest development Ω; of equal ones the smallest, which departs least from the plain embedding."""
    return min(table, key=lambda value: (-omega(table[value]), value))


def yaml_text(chosen: float, table: Mapping[float, Terms], args: argparse.Namespace) -> str:
    machines = ", ".join(next(iter(table.values())))
    told = ", ".join(f"{value:g}: {omega(terms):.4f}" for value, terms in table.items())
    words = [*(["--seeds", args.seeds] if args.seeds else []), *(word for text in args.set for word in ("--set", text))]
    return (
        "# Written by tools/choose_lambda.py from development runs; evaluation reads it and never chooses.\n"
        f"# Development Ω by λ ({told}) over {machines}.\n"
        f"# Runs with {shlex.join(words) or 'the numbers of the system, all seeds'}.\n"
        f"detector:\n  attenuation: {chosen:g}\n"
    )


def check_place(path: Path, machines: Sequence[str]) -> None:
    """The yaml is replaced whole: nothing may be lost in it but a choice made on no more machines than now.

    Raises BadInput.
    """
    if not path.exists():
        return
    found = read_yaml(path)
    if found and (set(found) != {"detector"} or set(found["detector"] or {}) - {"attenuation"}):
        raise BadInput(
            f"{path}: holds more departures than detector.attenuation, which a choice would replace; "
            "give another --yaml, or move them out and give them as --set"
        )
    before = machines_chosen_on(path.read_text(encoding="utf-8"))
    if len(before) > len(machines):
        raise BadInput(
            f"{path}: chosen on {len(before)} machines ({', '.join(before)}), now {len(machines)}; at least as many "
            "expected (is --machines left from a trial?); give another --yaml, or delete the old choice"
        )


def machines_chosen_on(text: str) -> list[str]:
    """
    >>> machines_chosen_on("# Development Ω by λ (0: 0.6, 1: 0.5) over fan, gearbox.")
    ['fan', 'gearbox']
    """
    match = re.search(r"^# Development Ω by λ \(.*\) over (.+)\.$", text, re.MULTILINE)
    return match[1].split(", ") if match else []


def show(rows: Mapping[str, Terms]) -> None:
    """A markdown table: Ω of each machine and over all."""
    machines = list(next(iter(rows.values())))
    cells = [[f"{evaluation.omega(terms[m]):.4f}" for m in machines] for terms in rows.values()]
    over_all = [f"{omega(terms):.4f}" for terms in rows.values()]
    body = [[name, *row, last] for name, row, last in zip(rows, cells, over_all, strict=True)]
    print(rendered("Ω, development set", [[SYSTEM, *machines, "over all"], *body], "markdown"), end="")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, help="holds dev_data/raw")
    add("results", type=Path, help="results folder, with the store of what is trained")
    add("--machines", nargs="+", help="default: all of the data folder")
    add("--lambdas", type=float, nargs="+", default=list(LAMBDAS), help="%(default)s")
    add("--ablation", action="store_true", help="the table of blocks instead; nothing is chosen")
    add("--seeds", help="as for run.py")
    add("--set", action="append", default=[], metavar="PART.FIELD=VALUE", help="as for run.py")
    add("--workers", type=int, default=1, help="processes of one thread (%(default)s)")
    add("--yaml", type=Path, default=systems.YAML / f"{SYSTEM}.yaml", help="where the choice is written (%(default)s)")
    args = parser.parse_args(argv)
    try:
        machines = data.chosen_machines(data.raw_folder(args.data, "dev"), args.machines)
        if args.ablation:
            show({name: measured(args, departures, machines) for name, departures in BLOCKS.items()})
            return 0
        check_place(args.yaml, machines)
        table = {value: measured(args, {"attenuation": f"{value:g}"}, machines) for value in args.lambdas}
        chosen = best(table)
        show({f"λ = {value:g}": terms for value, terms in table.items()})
        measured(args, {"attenuation": f"{chosen:g}"}, machines)  # so that the results are of what was chosen
        write_text(args.yaml, yaml_text(chosen, table, args))
        print(f"λ = {chosen:g}, written to {args.yaml}")
    except (BadInput, OSError) as error:
        print(f"choose_lambda.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
