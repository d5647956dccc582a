"""Balanced excitation and inhibition, firing irregularly: Brunel (2000), at g = 5 and eta = 2.

N. Brunel (2000), Dynamics of sparsely connected networks of excitatory and inhibitory spiking neurons,
Journal of Computational Neuroscience 8, 183-208. `python brunel.py 1 300` takes all of the 12,500 neurons,
for 300 ms. The default is a fifth, and a fifth of the inputs of each, with weights five times larger.
It writes brunel.png.
"""

import sys

import rheobase as rb
import torch

scale, duration = map(float, sys.argv[1:] or (0.2, 300.0))
sizes = {"E": round(10_000 * scale), "I": round(2_500 * scale)}
inputs = {"E": round(1_000 * scale), "I": round(250 * scale)}
weight = {"E": 0.1 / scale, "I": -5.0 * 0.1 / scale}  # mV
# From outside each gets twice what would just bring it to its threshold, 20 mV.
outside = 2.0 * 20.0 / (weight["E"] * 20.0) * 1000.0  # Hz
parts = 8  # on the grid a source has one spike a step at most

net = rb.Network(seed=1)
cell = {"tau_mem": 20.0, "volt_rest": 0.0, "volt_thresh": 20.0, "volt_reset": 10.0, "tau_ref": 2.0, "dt": 0.1}
for name, units in sizes.items():
    net.add(name, rb.create("lif", units, voltage=rb.Uniform(0.0, 20.0), **cell))
    net.add(f"to {name}", rb.create("poisson", parts * units, rate=outside / parts, dt=0.1))
    pairs = (torch.arange(parts * units), torch.arange(parts * units) // parts)
    net.connect(f"to {name}", name, pairs, rb.synapse("delta"), weight=weight["E"], delay=1.5)
for source in sizes:
    rule = rb.rule("fixed-indegree", degree=inputs[source], autapses=False, multapses=False)
    for target in sizes:
        net.connect(source, target, rule, rb.synapse("delta"), weight=weight[source], delay=1.5)

rec = rb.simulate(net, duration=duration, record=dict.fromkeys(sizes, "spikes"))
rec.plot("brunel.png")
rates = {name: rec[name].rates().mean().item() for name in sizes}
print(f"E {rates['E']:.1f} Hz, I {rates['I']:.1f} Hz; the picture is in brunel.png")
