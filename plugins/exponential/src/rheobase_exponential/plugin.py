"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import IntegratorSpec, hookimpl


@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    """Exponential Euler and Strang splitting, for conditionally linear models."""
    return [
        IntegratorSpec(
            "expeuler",
            "rheobase_exponential.euler:ExponentialEuler",
            "exponential Euler (Rush-Larsen), for conditionally linear models such as Hodgkin-Huxley",
            order=1,
            field="conditionally_linear",
            stages=1,
        ),
        IntegratorSpec(
            "strang",
            "rheobase_exponential.strang:Strang",
            "Strang splitting, the second-order form of exponential Euler",
            order=2,
            field="conditionally_linear",
        ),
    ]
