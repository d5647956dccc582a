"""scipy's ``solve_ivp``: a batch as one system, or each unit by itself. And the reference of all.

The reference is DOP853, a method of order 8, with rtol 1e-13 and each unit by itself. numpy works on one
thread. Started by integrators.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy
from scipy.integrate import solve_ivp
from support.ode_task import AMPLITUDE, OMEGA, PROBLEMS, SAMPLE, VOLT_REST, Request, singles, values
from support.ode_worker import TALLY, Solve, Worker, remembered


class Contestant(Worker):
    """``solve_ivp``; a method ``..._each`` solves a part of the units, one by one."""

    def hello(self) -> dict[str, Any]:
        return {"library": f"scipy {scipy.__version__}, numpy {np.__version__}"}

    def batches(self, request: Request) -> list[range]:
        if request.method == "RK45":
            return super().batches(request)
        return singles(min(request.compared(), SAMPLE))

    def prepare(self, request: Request, units: range, until: float) -> Solve:
        given = arrays(request.problem, units)
        states = PROBLEMS[request.problem].states
        start = np.concatenate([given[f"{name}0"] for name in states])
        if len(units) == 1:
            # Python's numbers are faster than arrays of one element.
            numbers = {name: float(value[0]) for name, value in given.items()}
            field = self.alone(request.problem, numbers)
        else:
            field = self.together(request.problem, given)
        method = request.method.partition("_")[0]
        knob = request.knob

        def run() -> Any:
            with np.errstate(over="ignore", invalid="ignore"):  # of a loose tolerance
                answer = solve_ivp(field, (0.0, until), start, method=method, rtol=knob, atol=knob)
            if not answer.success:
                raise RuntimeError(answer.message)
            return answer.y[:, -1].reshape(len(states), -1)

        return run

    def rows(self, final: Any, count: int) -> list[list[float]]:
        return [[float(value) for value in column] for column in final.T[:count]]

    def together(self, problem: str, given: dict[str, Any]) -> Any:
        """The right-hand side of a batch, as one system: all v, then all w."""
        tau = given["tau"]
        if problem == "lif":
            phase = given["phase"]

            def lif(t: float, y: Any) -> Any:
                TALLY.evaluations += len(y)
                return (VOLT_REST - y + AMPLITUDE * np.sin(OMEGA * t + phase)) / tau

            return lif
        drive, a, b = given["drive"], given["a"], given["b"]

        def fhn(t: float, y: Any) -> Any:
            v, w = y.reshape(2, -1)
            TALLY.evaluations += len(v)
            return np.concatenate([v - v * v * v / 3.0 - w + drive, (v + a - b * w) / tau])

        return fhn

    def alone(self, problem: str, given: dict[str, float]) -> Any:
        """The right-hand side of one unit, in Python's numbers."""
        tau = given["tau"]
        if problem == "lif":
            phase = given["phase"]

            def lif(t: float, y: Any) -> Any:
                TALLY.evaluations += 1
                return ((VOLT_REST - y.item() + AMPLITUDE * math.sin(OMEGA * t + phase)) / tau,)

            return lif
        drive, a, b = given["drive"], given["a"], given["b"]

        def fhn(t: float, y: Any) -> Any:
            TALLY.evaluations += 1
            v, w = y.tolist()
            return v - v * v * v / 3.0 - w + drive, (v + a - b * w) / tau

        return fhn


@remembered
def arrays(problem: str, units: range) -> dict[str, Any]:
    """Parameters and starts of some units."""
    return {name: np.array(value) for name, value in values(problem, units).items()}


def main() -> None:
    """Serve."""
    Contestant().serve()


if __name__ == "__main__":
    main()
