"""The cortical microcircuit of Potjans and Diesmann (2014), Cereb. Cortex 24, 785, or a part of it.

Of a part both units and synapses of each are fewer. Weights are larger by the root of it and a constant
current stands for what is missing, so that mean and variance of every input, at the rates of the whole, are
as there (van Albada et al. 2015, PLOS Comput. Biol. 11, e1004490).
"""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb

NAMES = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
OUTSIDE = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
"""How many synapses each unit has from outside, each of which has 8 spikes a second."""
RATES = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)
"""Of the whole, per s, in the reference run of NEST's example."""
CHANCE = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
)
"""That a unit of the row hears one of the column."""
WEIGHT, INHIBITION, TAU = 87.8, -4.0, 0.5
"""Of an excitatory synapse, pA, by which factor an inhibitory one is as large; the decay of both, ms."""
CELL = {"tau_mem": 10.0, "leak_gl": 25.0, "volt_rest": -65.0, "volt_thresh": -50.0, "volt_reset": -65.0}
CELL |= {"tau_ref": 2.0, "dt": 0.1, "event": "step", "integrator": "exact"}


def synapses(target: int, source: int) -> float:
    """How many synapses of the whole go from one population to another."""
    pairs = SIZES[source] * SIZES[target]
    return math.log(1.0 - CHANCE[target][source]) / math.log1p(-1.0 / pairs)


def weight(target: int, source: int) -> float:
    """The mean of a weight in the whole, pA."""
    if source % 2:
        return INHIBITION * WEIGHT
    return 2.0 * WEIGHT if (NAMES[target], NAMES[source]) == ("L23E", "L4E") else WEIGHT


def part(scale: float, seed: int) -> tuple[rb.Network, dict[str, Any]]:
    """A part of it, and what it receives: from outside the diffusion limit of spikes, and what is missing."""
    net, drive = rb.Network(seed=seed), {}
    start = rb.Normal(-58.0, 10.0, at_most=-50.1)  # mV
    for name, size in zip(NAMES, SIZES, strict=True):
        net.add(name, rb.create("lif", round(size * scale), voltage=start, **CELL))
    for target, name in enumerate(NAMES):
        outside = 8e-3 * OUTSIDE[target]  # per ms
        mean, variance = TAU * WEIGHT * outside, 0.5 * TAU * WEIGHT**2 * outside
        for source, sender in enumerate(NAMES):
            count, size = synapses(target, source), weight(target, source)
            if not count:
                continue
            each = size / math.sqrt(scale)
            delay = (1.5, 0.75) if source % 2 == 0 else (0.75, 0.375)
            spread = {"at_least": 0.0} if size > 0 else {"at_most": 0.0}
            net.connect(
                sender,
                name,
                rb.rule("fixed-total", total=round(count * scale**2)),
                rb.synapse("exponential", tau=TAU),
                weight=rb.Normal(each, 0.1 * abs(each), **spread),
                delay=rb.Normal(*delay, at_least=0.1),
                receptor="both",
            )
            missing = 1.0 - math.sqrt(scale)
            mean += missing * TAU * size * count / SIZES[target] * RATES[source] * 1e-3
        noise = rb.stimulus.OrnsteinUhlenbeck(mean=mean, std=math.sqrt(variance), tau=TAU, seed=seed + target)
        drive[name] = noise
    return net, drive
