"""4,000 neurons joined by currents: benchmark 2 of Brette et al. (2007), after Vogels and Abbott (2005).

R. Brette et al. (2007), Simulation of networks of spiking neurons: a review of tools and strategies,
Journal of Computational Neuroscience 23, 349-398. `python cuba.py 0.1 200` takes a tenth of the neurons,
which keep their 80 inputs each, for 200 ms. It writes cuba.png.
"""

import sys

import rheobase as rb

scale, duration = map(float, sys.argv[1:] or (1.0, 300.0))
excitatory, inhibitory = round(3200 * scale), round(800 * scale)
cell = {"tau_mem": 20.0, "leak_gl": 10.0, "tau_ref": 5.0, "dt": 0.1}  # ms, nS
cell |= {"volt_rest": -49.0, "volt_thresh": -50.0, "volt_reset": -60.0, "voltage": rb.Uniform(-60.0, -50.0)}

net = rb.Network(seed=1)
net.add("E", rb.create("lif", excitatory, **cell))
net.add("I", rb.create("lif", inhibitory, **cell))
few = rb.rule("bernoulli", p=min(1.0, 0.02 / scale))
for target in ("E", "I"):
    # 16.2 pA through 10 nS are 1.62 mV.
    net.connect("E", target, few, rb.synapse("exponential", tau=5.0), weight=16.2, delay=0.1)
    net.connect("I", target, few, rb.synapse("exponential", tau=10.0), weight=-90.0, delay=0.1)

rec = rb.simulate(net, duration=duration)
rec.plot("cuba.png")
rates = {name: rec[name].rates().mean().item() for name in ("E", "I")}
print(f"E {rates['E']:.1f} Hz, I {rates['I']:.1f} Hz; the picture is in cuba.png")
