"""4,000 neurons joined by conductances: benchmark 1 of Brette et al. (2007), after Vogels and Abbott (2005).

R. Brette et al. (2007), Simulation of networks of spiking neurons: a review of tools and strategies,
Journal of Computational Neuroscience 23, 349-398. `python coba.py 0.1 200` takes a tenth of the neurons,
which keep their 80 inputs each, for 200 ms. Nothing drives it from outside, and some draws fall silent.
It writes coba.png.
"""

import sys

import rheobase as rb

scale, duration = map(float, sys.argv[1:] or (1.0, 300.0))
excitatory, inhibitory = round(3200 * scale), round(800 * scale)
cell = {"tau_mem": 20.0, "leak_gl": 10.0, "tau_ref": 5.0, "dt": 0.1}  # ms, nS
cell |= {"volt_rest": -60.0, "volt_thresh": -50.0, "volt_reset": -60.0}
cell |= {"voltage": rb.Normal(-65.0, 5.0, at_most=-50.0)}

net = rb.Network(seed=5)
net.add("E", rb.create("lif", excitatory, **cell))
net.add("I", rb.create("lif", inhibitory, **cell))
few = rb.rule("bernoulli", p=min(1.0, 0.02 / scale))
kind = "conductance-exponential"
# What is there at the start sets it going.
excite = rb.synapse(kind, tau=5.0, reversal=0.0, conductance=rb.Normal(40.0, 15.0, at_least=0.0))
inhibit = rb.synapse(kind, tau=10.0, reversal=-80.0, conductance=rb.Normal(200.0, 120.0, at_least=0.0))
for target in ("E", "I"):
    net.connect("E", target, few, excite, weight=6.0, delay=0.1)  # nS
    net.connect("I", target, few, inhibit, weight=67.0, delay=0.1)

rec = rb.simulate(net, duration=duration)
rec.plot("coba.png")
rates = {name: rec[name].rates().mean().item() for name in ("E", "I")}
print(f"E {rates['E']:.1f} Hz, I {rates['I']:.1f} Hz; the picture is in coba.png")
