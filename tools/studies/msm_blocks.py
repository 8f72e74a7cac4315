#!/usr/bin/env python3
"""What each block of msm_dsp_knn is worth: a results folder in; Ω of each block alone, of all, and with λ = 0, out.

    python run.py -d msm_dsp_knn                                  trains the masked models and chooses λ
    python tools/studies/msm_blocks.py results/dev/msm_dsp_knn

λ, seeds and all other numbers are those that the folder records. The masked models are taken from the store: λ and the
blocks only change what is done with their embeddings.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from asd.commands import command

from asd import evaluation
from asd.errors import BadInput
from asd.programs.fitting import fit
from asd.programs.opening import recorded_request
from asd.programs.request import Request
from asd.programs.selection import terms
from asd.programs.session import Session
from asd.settings import assignment, resolve
from asd.system import System
from asd.tables import rendered
from asd.text_files import given

SYSTEM = "msm_dsp_knn"
MODULATIONS = {"near and far": "PairModulation", "near": "NearModulation", "near less far": "ModulationExcess"}
EVERY = "detector.block_weights=1,1,1"
WITH_MODULATION = {
    "modulation alone": "detector.block_weights=0,0,1",
    "both descriptors": "detector.block_weights=0,1,1",
    "all": EVERY,
}
BLOCKS = {
    "MSM alone": ("detector.block_weights=1,0,0",),
    "ridge residual alone": ("detector.block_weights=0,1,0",),
    **{
        f"{blocks}, modulation of {what}": (weights, f"detector.modulation={part}")
        for blocks, weights in WITH_MODULATION.items()
        for what, part in MODULATIONS.items()
    },
    "all, λ = 0": (EVERY, "detector.attenuation=0"),
    "all": (EVERY,),
}


def departed(system: System, departures: Sequence[str]) -> System:
    for text in departures:
        system = resolve(system, assignment(text), text)
    return system


def blocks_of(ran: Request) -> Request:
    """The recorded run once per row of the table, with the same seeds."""
    if list(ran.recipes) != [SYSTEM]:
        raise BadInput(f"results of {', '.join(ran.recipes)}; of {SYSTEM} expected, results/dev/{SYSTEM}")
    (system,), (members,) = ran.trained.values(), ran.members.values()
    rows = {f"{SYSTEM}:{'+'.join(departures)}": departed(system, departures) for departures in BLOCKS.values()}
    seeds = {name: [(name, seed) for _, seed in members] for name in rows}
    return replace(ran, recipes=rows, trained=rows, members=seeds, may_train=True)


def table(session: Session) -> list[list[str]]:
    rows = [[SYSTEM, *(machine.name for machine in session.machines), "over all"]]
    for label, (name, members) in zip(BLOCKS, session.members.items(), strict=True):
        found = [terms(session, name, members, machine) for machine in session.machines]
        values = [*map(evaluation.omega, found), evaluation.omega(t for of_machine in found for t in of_machine)]
        rows.append([label, *(f"{value:.4f}" for value in values)])
    return rows


@command
def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("results", type=given, help=f"what `run.py -d {SYSTEM}` has written: results/dev/{SYSTEM}")
    add("--machines", nargs="+", help="default: all of the run")
    add("--data", type=given, help="as for run.py; only where the clips have moved since")
    add("--workers", type=int, default=1, help="processes of one thread (%(default)s)")
    args = parser.parse_args(argv)
    session = Session(blocks_of(recorded_request(args.results, args.data, args.machines, workers=args.workers)))
    fit(session)
    print(rendered("Ω, development set", table(session), "markdown"), end="")


if __name__ == "__main__":
    sys.exit(main())
