"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import IntegratorSpec, hookimpl


@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    """The Dormand-Prince 5(4) pair."""
    return [
        IntegratorSpec(
            "rk45",
            "rheobase_rk45.integrator:DormandPrince",
            "Dormand-Prince 5(4): error-controlled steps, one size per unit",
            order=5,
            adaptive=True,
            per_unit=True,
        )
    ]
