"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import IntegratorSpec, hookimpl


@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    """The exact propagator of linear models."""
    return [
        IntegratorSpec(
            "exact",
            "rheobase_exact.integrator:ExactPropagator",
            "the exact solution of linear models, with spike times in closed form",
            order=1,
            per_unit=True,
            events="located",
            field="linear",
            stages=1,
            differentiable="events",
        ),
    ]
