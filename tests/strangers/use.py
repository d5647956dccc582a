"""Uses what the distribution offers, by its names, and prints as JSON what it does."""

import json

import rheobase as rb
import torch

said = {}


def told(recording, neuron):
    return {
        "times": recording.spikes.times.tolist(),
        "units": recording.spikes.units.tolist(),
        "batch": recording.spikes.batch.tolist(),
        "last": {name: neuron.state[name].tolist() for name in ("voltage", "recovery")},
        "trace": recording.traces["voltage"].double().sum(0).tolist()
        if "voltage" in recording.traces
        else [],
        "step": neuron.simulation_step,
        "saved": sorted(neuron.state_dict()),
        "origins": {part: origin.distribution for part, origin in recording.provenance.items()},
    }


def made(**more):
    more = {"num_units": 3, "dt": 0.25, "integrator": "stranger-fsal", "dtype": torch.float64, **more}
    return rb.create("stranger-cell", tau=[4.0, 5.0, 6.0][: more["num_units"]], **more)


two = {"current": {"left": 0.5, "gate": rb.stimulus.Step(2.0, start=5.0, stop=35.0, base=1.0)}}
from stranger_parts import fsal  # noqa: E402

for event in ("step", "crossing", "located"):
    fsal.FIRST.clear()
    neuron = made(event=event)
    run = rb.simulate(neuron, two, duration=80.0, record=("spikes", "voltage"), backend="eager")
    said[event] = {**told(run, neuron), "first": sum(fsal.FIRST), "steps": len(fsal.FIRST)}
    said[f"{event}, on"] = told(rb.simulate(neuron, 0.75, duration=20.0, backend="eager"), neuron)

neuron = made(event="crossing", after="none")
rows = torch.linspace(0.0, 2.0, 240, dtype=torch.float64).reshape(120, 2, 1).expand(120, 2, 3)
run = rb.simulate(neuron, rows, duration=30.0, record=("spikes", "voltage"), every=4, backend="eager")
said["batch"] = told(run, neuron)

said["backend"] = {}
for backend in ("eager", "stranger-blocks"):
    neuron = made(event="crossing")
    run = rb.simulate(neuron, 0.75, duration=60.0, record=("spikes", "voltage"), backend=backend)
    said["backend"][backend] = told(run, neuron)
neuron = made(event="crossing")
run = rb.simulate(neuron, 0.75, duration=60.0, record=("spikes",), backend="auto")
said["auto"] = run.provenance["backend"].name
take = rb.prepare(made(event="crossing"), record=("spikes", "voltage"), backend="stranger-blocks")
said["prepared"] = [
    take(torch.full((40, 1), 0.75, dtype=torch.float64)).spikes.times.tolist() for _ in range(4)
]
try:
    rb.simulate(made(), rb.Signal(lambda t: 0.5 + 0.0 * t), duration=5.0, backend="stranger-blocks")
except rb.errors.BackendError as error:
    said["refused"] = "it keeps no graph, and takes no signals" in str(error)

preset = rb.create("stranger-cell", preset="eager_one", dtype=torch.float64)
said["preset"] = told(rb.simulate(preset, 0.75, duration=40.0, backend="eager"), preset)

neuron = made(event="crossing", num_units=1)
current = torch.tensor([0.75], dtype=torch.float64, requires_grad=True)
for _ in range(8):
    neuron.keeps_graph = True
    neuron(current)
neuron.voltage.sum().backward()
said["gradient"] = current.grad.tolist()
print(json.dumps(said))
