"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import IntegratorSpec, hookimpl


@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    """The Dormand-Prince and Tsitouras 5(4) pairs, and the Bogacki-Shampine 3(2) pair.

    ``rk45`` and ``rk23`` are the names these pairs have in scipy and, as ode45 and ode23, in MATLAB;
    ``tsit5`` is the name everywhere that has it (DifferentialEquations.jl, diffrax, torchode).
    """
    return [
        IntegratorSpec(
            "rk45",
            "rheobase_rk45.integrator:DormandPrince",
            "Dormand-Prince 5(4): error-controlled steps, one size per unit",
            order=5,
            adaptive=True,
            per_unit=True,
            embedded_order=4,
            dense_order=4,
            events="located",
            event_order=5,
            stages=7,
            fsal=True,
        ),
        IntegratorSpec(
            "tsit5",
            "rheobase_rk45.integrator:Tsitouras",
            "Tsitouras 5(4): error-controlled steps, one size per unit",
            order=5,
            adaptive=True,
            per_unit=True,
            embedded_order=4,
            dense_order=4,
            events="located",
            event_order=5,
            stages=7,
            fsal=True,
        ),
        IntegratorSpec(
            "rk23",
            "rheobase_rk45.integrator:BogackiShampine",
            "Bogacki-Shampine 3(2): as rk45, for loose tolerances",
            order=3,
            adaptive=True,
            per_unit=True,
            embedded_order=2,
            dense_order=3,
            events="located",
            event_order=3,
            stages=4,
            fsal=True,
        ),
    ]
