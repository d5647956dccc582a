"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import BackendSpec, hookimpl


@hookimpl
def rheobase_backends() -> list[BackendSpec]:
    """The backend of compiled kernels."""
    return [
        BackendSpec(
            "fused",
            "rheobase_fused.backend:run",
            "declared models, compiled to kernels of many steps",
        ),
    ]
