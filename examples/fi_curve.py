"""How fast a neuron fires at each current, beside the closed form: writes fi_curve.png."""

import torch
from rheobase.plots import FICurve, fi_curve, plot_fi_curve

currents = torch.linspace(51.0, 301.0, 51, dtype=torch.float64)  # pA
measured = fi_curve("lif", currents, duration=1000.0, event="located", integrator="exact", dt=5.0)

# tau_ref + tau_mem ln(R I / (R I - theta)); R is 1 / (5 nS), theta 20 mV, tau_mem 5 ms, tau_ref 1 ms.
drive = currents / 5.0
above = drive > 20.0
interval = 1.0 + 5.0 * torch.log(drive[above] / (drive[above] - 20.0))
rates = torch.zeros_like(currents)
rates[above] = 1000.0 / interval

plot_fi_curve([measured, FICurve(currents, rates, "closed form")], "fi_curve.png", title="f-I curve")
worst = (measured.rates - rates).abs().max()
print(f"at most {worst:.2f} Hz from the closed form, as one second counts it; the picture is in fi_curve.png")
