"""torchode's ``AutoDiffAdjoint``: one step size for each unit. Started by integrators.py."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import torch
import torchode
from support.ode_task import AMPLITUDE, OMEGA, PROBLEMS, VOLT_REST, Request, values
from support.ode_worker import TALLY, Solve, Worker, remembered

METHODS = {"dopri5": torchode.Dopri5, "tsit5": torchode.Tsit5}


class Contestant(Worker):
    """``AutoDiffAdjoint`` with its integral controller, on a state ``[units, D]``, as torchode has it."""

    def hello(self) -> dict[str, Any]:
        return {"library": f"torchode {version('torchode')}, torch {torch.__version__}"}

    def prepare(self, request: Request, units: range, until: float) -> Solve:
        given = tensors(request.problem, units)
        start = torch.stack([given[f"{name}0"] for name in PROBLEMS[request.problem].states], dim=1)
        ends = torch.zeros(len(units), dtype=torch.float64)
        term = torchode.ODETerm(self.field(request.problem, given))
        step = METHODS[request.method](term=term)
        controller = torchode.IntegralController(atol=request.knob, rtol=request.knob, term=term)
        solver = torchode.AutoDiffAdjoint(step, controller)
        problem = torchode.InitialValueProblem(y0=start, t_start=ends, t_end=ends + until)

        def run() -> Any:
            with torch.no_grad():
                solution = solver.solve(problem)
            if not bool((solution.status == 0).all()):
                raise RuntimeError(f"torchode's status is {solution.status.unique().tolist()}")
            return solution.ys[:, -1]

        return run

    def rows(self, final: Any, count: int) -> list[list[float]]:
        found: list[list[float]] = final[:count].tolist()
        return found

    def field(self, problem: str, given: dict[str, Any]) -> Any:
        """The right-hand side."""
        tau = given["tau"]
        if problem == "lif":
            phase = given["phase"]

            def lif(t: Any, y: Any) -> Any:
                TALLY.evaluations += y.shape[0]
                return ((VOLT_REST - y[:, 0] + AMPLITUDE * torch.sin(OMEGA * t + phase)) / tau)[:, None]

            return lif
        drive, a, b = given["drive"], given["a"], given["b"]

        def fhn(t: Any, y: Any) -> Any:
            TALLY.evaluations += y.shape[0]
            v, w = y[:, 0], y[:, 1]
            return torch.stack((v - v * v * v / 3.0 - w + drive, (v + a - b * w) / tau), dim=1)

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
