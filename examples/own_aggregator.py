"""An aggregator of your own: inhibition that divides lowers the gain; writes own_aggregator.png."""

import rheobase as rb
import torch
from matplotlib.figure import Figure


def divide(inputs, identifiers):
    """I = (sum of the currents) / (1 + sum of the inputs whose identifier begins with "shunt")."""
    named = list(zip(identifiers, inputs, strict=True))
    currents = [value for name, value in named if not name.startswith("shunt")]
    shunts = [value for name, value in named if name.startswith("shunt")]
    return sum(currents) / (1.0 + sum(shunts))


current = torch.linspace(0.0, 600.0, 61)  # pA, one for each unit
shunt = torch.tensor([[0.0], [0.5], [1.0], [2.0]])  # one for each row of a batch
lif = rb.create("lif", num_units=61, aggregator=divide, integrator="exact", event="located", dt=5.0)

rec = rb.simulate(lif, {"dendrite": current, "shunt:basket": rb.stimulus.Constant(shunt)}, duration=500.0)

figure = Figure(figsize=(6.0, 4.0), layout="constrained")
axis = figure.subplots()
for row, strength in zip(rec.rates(), shunt, strict=True):
    axis.plot(current, row, label=f"shunt {strength.item():g}")
axis.set(xlabel="current (pA)", ylabel="firing rate (Hz)", title="divisive inhibition")
axis.legend()
figure.savefig("own_aggregator.png")
print("the picture is in own_aggregator.png")
