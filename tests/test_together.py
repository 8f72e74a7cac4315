"""Systems of one training: fitted and scored together they store the bytes that each stores alone."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from test_session import opened

from asd.detectors import BottleneckNeighbours, autoencoder
from asd.programs.fitting import extract, fit_seeds
from asd.system import fit_together, score_together

VARIANTS = ["s1", "s5"]


def stored(results, kind):
    """Record -> bytes of the arrays."""
    found = {}
    for path in (results / "store" / kind).glob("*.npz"):
        with np.load(path) as file:
            arrays = {name: file[name].tobytes() for name in file.files}
        found[json.dumps(json.loads(arrays.pop("record.json")), sort_keys=True)] = arrays
    return found


def fitted(results, data_folder, shares):
    """The session after these shares of systems, one after another."""
    names = [name for share in shares for name in share]
    session = opened(names, "dev", data_folder, results, machines=["fan"], seeds=(0,))
    extract(session)
    for share in shares:
        fit_seeds(session, share, session.machines[0], [0])
    return session


@pytest.fixture(scope="module")
def alone(data_folder, tmp_path_factory):
    results = tmp_path_factory.mktemp("alone")
    fitted(results, data_folder, [[name] for name in VARIANTS])
    return results


def test_systems_of_one_training_store_together_what_they_store_alone(data_folder, tmp_path, alone, monkeypatch):
    passes, plain = Counter(), autoencoder.residual

    def counted(network, feature, context):
        passes["clips"] += 1
        return plain(network, feature, context)

    monkeypatch.setattr(autoencoder, "residual", counted)
    session = fitted(tmp_path, data_folder, [VARIANTS])
    machine = session.machines[0]
    assert passes["clips"] == len(machine.train) + len(machine.test)  # as for one system
    for kind in ("scorers", "scores"):
        assert stored(tmp_path, kind) == stored(alone, kind) and len(stored(alone, kind)) == len(VARIANTS)


def test_detectors_of_another_class_are_fitted_beside(data_folder, alone):
    session = opened(["s1"], "dev", data_folder, alone, machines=["fan"], seeds=(0,))
    chain = session.chains["s1", "fan"]
    neighbours = replace(chain.system, detector=BottleneckNeighbours(chain.system.detector))
    chains = [chain, replace(chain, system=neighbours)]
    assert len({c.training_key for c in chains}) == 1 and not chains[1].has_scorer(0)
    fit_together(chains, 0)
    score_together(chains, session.machines[0].test, 0)
    assert all(c.has_scorer(0) and c.is_done(session.machines[0].test, 0) for c in chains)
