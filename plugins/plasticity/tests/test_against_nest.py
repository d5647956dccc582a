"""The weights of NEST's plastic synapses, spike by spike, for the same trains. By hand: NEST is to be there.

``NEST_PYTHON`` names the Python of an environment that has NEST; without it one is made for the test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import rheobase as rb
import torch

from .protocols import trains

DELAY = 1.0
UNTIL = 400.0
# On the grid, and no two spikes meet at the synapse.
PRE = [round(0.2 * round(each / 0.2), 1) for each in trains(2, 27, UNTIL - 20)]
POST = [round(0.2 * round(each / 0.2) + 0.1, 1) for each in trains(7, 23, UNTIL - 20)]

SCRIPT = """
import json, sys, nest
given = json.loads(sys.argv[1])
nest.verbosity = nest.VerbosityLevel.ERROR if hasattr(nest, "VerbosityLevel") else "M_ERROR"
nest.ResetKernel()
nest.resolution = 0.1
pre, post = nest.Create("parrot_neuron"), nest.Create("parrot_neuron", params=given["post"])
for times, parrot in ((given["pre_times"], pre), (given["post_times"], post)):
    # A generator's spike comes to the parrot a delay later.
    source = nest.Create("spike_generator", params={"spike_times": [round(t - 1.0, 1) for t in times]})
    nest.Connect(source, parrot, syn_spec={"delay": 1.0})
recorder = nest.Create("weight_recorder")
nest.CopyModel(given["model"], "plastic", {"weight_recorder": recorder})
# To receptor 1 a parrot pays no heed.
nest.Connect(pre, post, syn_spec={"synapse_model": "plastic", "receptor_type": 1, "delay": given["delay"],
                                  "weight": given["weight"], **given["synapse"]})
nest.Simulate(given["until"])
found = recorder.get("events")
print(json.dumps({"times": list(found["times"]), "weights": list(found["weights"])}))
"""


@pytest.fixture(scope="module")
def nest_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with NEST."""
    if "NEST_PYTHON" in os.environ:
        return os.environ["NEST_PYTHON"]
    folder = tmp_path_factory.mktemp("nest")
    python = str(folder / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "nest-simulator==3.10.0"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"NEST cannot be installed here: {done.stderr.strip()[-200:]}")
    return python


def of_nest(python: str, **given: Any) -> list[float]:
    """The weight that each spike of the source has."""
    shared = {"pre_times": PRE, "post_times": POST, "delay": DELAY, "weight": 50.0, "until": UNTIL}
    done = subprocess.run(
        [python, "-c", SCRIPT, json.dumps({**shared, **given})], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[float] = json.loads(done.stdout.strip().splitlines()[-1])["weights"]
    assert len(found) == len(PRE)
    return found


def of_rheobase(plasticity: Any) -> list[float]:
    """Likewise: after the step in which it arrives."""
    net = rb.Network()
    clock: dict[str, Any] = {"dtype": torch.float64, "dt": 0.1, "event": "step"}
    net.add("pre", rb.create("spike-times", times=[PRE], **clock))
    net.add("teacher", rb.create("spike-times", times=[[each - 0.1 for each in POST]], **clock))
    net.add("post", rb.create("lif", 1, tau_ref=0.0, **clock))
    net.connect("teacher", "post", ([0], [0]), rb.synapse("delta"), weight=100.0)
    # Too short a current for the target to spike by it.
    silent = rb.synapse("exponential", tau=0.5)
    net.connect("pre", "post", ([0], [0]), silent, weight=50.0, delay=DELAY, plasticity=plasticity)
    rec = rb.simulate(net, duration=UNTIL, record={"pre->post": "weight", "post": "spikes"})
    assert rec["post"].spikes.times.tolist() == pytest.approx(POST)
    weights = rec["pre->post"].traces["weight"][:, 0]
    return [float(weights[round((time + DELAY) / 0.1) - 1]) for time in PRE]


# Its delay is dendritic: the source's spike is at the synapse at once, the target's after the delay.
DENDRITIC = {"back_delay": 2 * DELAY, "tau_plus": 16.0, "tau_minus": 30.0, "high": 100.0}
NEST_TAUS = {"tau_plus": 16.0, "Wmax": 100.0}
TRIPLET = {"tau_x": 80.0, "tau_y": 110.0}
CASES = {
    "additive": (
        "stdp_synapse",
        {"lambda": 0.02, "alpha": 1.1, "mu_plus": 0.0, "mu_minus": 0.0},
        rb.synapse("stdp-pair", a_plus=2.0, a_minus=2.2, **DENDRITIC),
    ),
    "multiplicative": (
        "stdp_synapse",
        {"lambda": 0.02, "alpha": 1.1, "mu_plus": 1.0, "mu_minus": 1.0},
        rb.synapse("stdp-pair", a_plus=0.02, a_minus=0.022, bounds="multiplicative", **DENDRITIC),
    ),
    "nearest": (
        "stdp_nn_symm_synapse",
        {"lambda": 0.02, "alpha": 1.1, "mu_plus": 0.0, "mu_minus": 0.0},
        rb.synapse("stdp-pair", a_plus=2.0, a_minus=2.2, pairing="nearest", **DENDRITIC),
    ),
    "triplet": (
        "stdp_triplet_synapse",
        {"Aplus": 0.5, "Aminus": 1.0, "Aplus_triplet": 0.8, "Aminus_triplet": 0.3, "tau_plus_triplet": 80.0},
        rb.synapse(
            "stdp-triplet", a_plus=0.5, a_minus=1.0, a3_plus=0.8, a3_minus=0.3, **TRIPLET, **DENDRITIC
        ),
    ),
}


@pytest.mark.by_hand
@pytest.mark.parametrize("case", CASES)
def test_weights_are_those_of_nest(case: str, nest_python: str) -> None:
    model, synapse, plasticity = CASES[case]
    assert not {round(each + DELAY, 1) for each in POST} & {*PRE}
    post = {"tau_minus": 30.0, **({"tau_minus_triplet": 110.0} if case == "triplet" else {})}
    theirs = of_nest(nest_python, model=model, synapse={**synapse, **NEST_TAUS}, post=post)
    ours = of_rheobase(plasticity)
    assert len({*theirs}) > 20
    assert ours == pytest.approx(theirs, rel=1e-11)
