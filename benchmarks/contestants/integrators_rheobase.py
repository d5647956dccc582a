"""Rheobase: FitzHugh-Nagumo as a declared model, the membrane as a field. Started by integrators.py."""

from __future__ import annotations

import sys
from typing import Any

import rheobase as rb
import torch
from support.ode_task import AMPLITUDE, OMEGA, PROBLEMS, VOLT_REST, Request, values
from support.ode_worker import TALLY, Solve, Worker, remembered


class FitzHughNagumo(rb.AnalogNeuron):
    """v' = v - v^3 / 3 - w + drive,  w' = (v + a - b w) / tau."""

    drive = rb.Parameter(0.5, unit="1")
    a = rb.Parameter(0.7, unit="1")
    b = rb.Parameter(0.8, unit="1")
    tau = rb.Parameter(12.5, unit="ms", above=0)

    v = rb.State(0.0, unit="1")
    w = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        v, w = state.v, state.w
        TALLY.evaluations += v.numel()
        return {
            "v": v - v * v * v / 3.0 - w + params.drive,
            "w": (v + params.a - params.b * w) / params.tau,
        }


class DeclaredMembrane(rb.AnalogNeuron):
    """The membrane below as a declared model; the time is a state of it."""

    tau = rb.Parameter(20.0, unit="ms", above=0)
    phase = rb.Parameter(0.0, unit="rad")

    voltage = rb.State(VOLT_REST, unit="mV")
    clock = rb.State(0.0, unit="ms")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        TALLY.evaluations += state.voltage.numel()
        drive = AMPLITUDE * torch.sin(OMEGA * state.clock + params.phase)
        return {"voltage": (VOLT_REST - state.voltage + drive) / params.tau, "clock": 1.0}


class Membrane:
    """V' = (volt_rest - V + amplitude sin(omega t + phase)) / tau, as a field of time and state.

    ``take`` gives the same for some of the units: with it an integrator need not go on with those that
    are at the end already.
    """

    def __init__(self, phase: Any, tau: Any) -> None:
        self.phase, self.tau = phase, tau

    def __call__(self, t: Any, y: Any) -> Any:
        TALLY.evaluations += y[0].numel()
        return (VOLT_REST - y + AMPLITUDE * torch.sin(OMEGA * t + self.phase)) / self.tau

    def take(self, who: Any) -> Membrane:
        """The field of some units: their places, or a slice."""
        return Membrane(self.phase[who], self.tau[who])


class Contestant(Worker):
    """``rk45`` and ``tsit5``, and ``rk4`` with a fixed step; ``..._declared`` takes the declared model."""

    def hello(self) -> dict[str, Any]:
        source = rb.integrator("rk45").provenance
        version = f"{source.distribution} {source.version}" if source else "unknown"
        return {"library": f"rheobase ({version}), torch {torch.__version__}"}

    def prepare(self, request: Request, units: range, until: float) -> Solve:
        given = tensors(request.problem, units)
        method, _, declared = request.method.partition("_")
        if method == "rk4":
            integrator, steps = rb.integrator("rk4"), max(1, round(until / request.knob))
        else:
            integrator, steps = rb.integrator(method, rtol=request.knob, atol=request.knob), 1
        dt = until / steps
        if request.problem == "fhn":
            return self.neuron(FitzHughNagumo, given, integrator, steps, dt)
        if declared:
            return self.neuron(DeclaredMembrane, given, integrator, steps, dt)
        return self.membrane(given, integrator, steps, dt)

    def neuron(
        self, model: type[rb.Neuron], given: dict[str, Any], integrator: Any, steps: int, dt: float
    ) -> Solve:
        """A neuron of a declared model, called for each step: once, where the integrator has its own."""
        named = {name.removesuffix("0"): value for name, value in given.items()}
        neuron = rb.create(
            model,
            num_units=len(given["tau"]),
            integrator=integrator,
            dt=dt,
            dtype=torch.float64,
            **named,
        )
        states = PROBLEMS["fhn" if model is FitzHughNagumo else "lif"].states
        silence = torch.zeros(1, dtype=torch.float64)

        def run() -> Any:
            for _ in range(steps):
                neuron(silence)
            return torch.stack([getattr(neuron, name) for name in states])

        return run

    def membrane(self, given: dict[str, Any], integrator: Any, steps: int, dt: float) -> Solve:
        """A field, handed to the integrator."""
        field = Membrane(given["phase"], given["tau"])

        def run() -> Any:
            y = given["voltage0"].unsqueeze(0)
            for step in range(steps):
                y = integrator.advance(field, y, step * dt, (step + 1) * dt).y
            return y

        return run

    def rows(self, final: Any, count: int) -> list[list[float]]:
        found: list[list[float]] = final[:, :count].T.tolist()
        return found


@remembered
def tensors(problem: str, units: range) -> dict[str, Any]:
    """Parameters and starts of some units."""
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values(problem, units).items()}


def main() -> None:
    """Serve; the argument is the number of threads."""
    torch.set_num_threads(int(sys.argv[1]))
    with torch.no_grad():
        Contestant().serve()


if __name__ == "__main__":
    main()
