"""torchdiffeq's ``odeint``: one step size for the whole batch. Started by integrators.py."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import torch
from support.ode_task import AMPLITUDE, OMEGA, PROBLEMS, VOLT_REST, Request, values
from support.ode_worker import TALLY, Solve, Worker, remembered
from torchdiffeq import odeint


class Contestant(Worker):
    """``odeint``, on a state ``[D, units]``."""

    def hello(self) -> dict[str, Any]:
        return {"library": f"torchdiffeq {version('torchdiffeq')}, torch {torch.__version__}"}

    def prepare(self, request: Request, units: range, until: float) -> Solve:
        given = tensors(request.problem, units)
        start = torch.stack([given[f"{name}0"] for name in PROBLEMS[request.problem].states])
        times = torch.tensor([0.0, until], dtype=torch.float64)
        field = self.field(request.problem, given)
        method, knob = request.method, request.knob

        def run() -> Any:
            with torch.no_grad():
                return odeint(field, start, times, method=method, rtol=knob, atol=knob)[-1]

        return run

    def rows(self, final: Any, count: int) -> list[list[float]]:
        found: list[list[float]] = final[:, :count].T.tolist()
        return found

    def field(self, problem: str, given: dict[str, Any]) -> Any:
        """The right-hand side."""
        tau = given["tau"]
        if problem == "lif":
            phase = given["phase"]

            def lif(t: Any, y: Any) -> Any:
                TALLY.evaluations += y.shape[1]
                return (VOLT_REST - y + AMPLITUDE * torch.sin(OMEGA * t + phase)) / tau

            return lif
        drive, a, b = given["drive"], given["a"], given["b"]

        def fhn(t: Any, y: Any) -> Any:
            TALLY.evaluations += y.shape[1]
            v, w = y[0], y[1]
            return torch.stack((v - v * v * v / 3.0 - w + drive, (v + a - b * w) / tau))

        return fhn


@remembered
def tensors(problem: str, units: range) -> dict[str, Any]:
    """Parameters and starts of some units."""
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values(problem, units).items()}


def main() -> None:
    """Serve; the argument is the number of threads."""
    torch.set_num_threads(int(sys.argv[1]))
    Contestant().serve()


if __name__ == "__main__":
    main()
