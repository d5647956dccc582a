"""A model of your own, the bursts of Hindmarsh and Rose (1984): writes own_model.png."""

import rheobase as rb
from matplotlib.figure import Figure


class HindmarshRose(rb.SpikingNeuron):
    """dx/dt = y - x^3 + 3 x^2 - z + I, dy/dt = 1 - 5 x^2 - y, dz/dt = r (4 (x + 1.6) - z); no reset."""

    r = rb.Parameter(0.006, unit="1/ms", above=0, doc="rate of the slow adaptation")
    x = rb.State(-1.6, unit="1", doc="membrane potential, scaled")
    y = rb.State(-12.0, unit="1", doc="fast currents")
    z = rb.State(2.0, unit="1", doc="slow adaptation")

    @staticmethod
    def derivatives(state, params, data):
        x, y, z = state.x, state.y, state.z
        return {
            "x": y - x**3 + 3.0 * x**2 - z + data,
            "y": 1.0 - 5.0 * x**2 - y,
            "z": params.r * (4.0 * (x + 1.6) - z),
        }

    @staticmethod
    def threshold(state, params):
        return state.x - 1.0


neuron = rb.create(HindmarshRose, dt=0.05)
rec = rb.simulate(neuron, 2.0, duration=1000.0, record=("spikes", "x", "z"))

figure = Figure(figsize=(9.0, 3.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[2, 1])
left.plot(rec.times, rec.traces["x"][:, 0])
left.set(xlabel="time (ms)", ylabel="x", title="bursts")
right.plot(rec.traces["z"][:, 0], rec.traces["x"][:, 0])
right.set(xlabel="z", title="round and round")
figure.savefig("own_model.png")
print(f"{len(rec.spikes)} spikes; the picture is in own_model.png")
