#!/usr/bin/env python3
"""Example: score recordings from Python, by what run.py has left or by a file that tools/export.py wrote.

python tools/examples/score_recordings.py results/dev/s1 fan one.wav two.wav
python tools/examples/score_recordings.py s1_fan.npz fan one.wav two.wav
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))  # not needed after `pip install .`

import asd

if len(sys.argv) < 4:
    print(f"usage: {Path(sys.argv[0]).name} RESULTS_OR_FILE MACHINE RECORDING ...", file=sys.stderr)
    sys.exit(2)
place, machine, *recordings = sys.argv[1:]
system = asd.load(place, machine)
for recording in recordings:
    verdict = system(recording)  # or a wave (C, T) of floats at 16 kHz
    print(f"{recording}: score {verdict.score:.4f}, threshold {verdict.threshold:.4f}, decision {verdict.decision}")
    if verdict.contributions is not None:  # (F',) of each vector of neighbouring frames, evenly over the recording
        loudest = np.argmax(verdict.contributions)
        share = (loudest + 0.5) / len(verdict.contributions)
        print(f"    most anomalous at {100 * share:.0f} % of it, {verdict.contributions[loudest]:.4f} there")
