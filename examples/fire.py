"""A hundred leaky integrate-and-fire neurons, each under a noisy current of its own: writes fire.png."""

import rheobase as rb

lif = rb.create("lif", num_units=100, tau_mem=20.0)  # ms
drive = rb.stimulus.OrnsteinUhlenbeck(mean=90.0, std=40.0, tau=5.0, seed=1)  # pA, pA, ms
rec = rb.simulate(lif, drive, duration=300.0, record=("spikes", "voltage"))

rec.plot("fire.png")
print(f"{len(rec.spikes)} spikes, {rec.rates().mean():.1f} Hz; the picture is in fire.png")
