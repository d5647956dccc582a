"""A network with a plasticity, between populations that spike on time."""

from __future__ import annotations

from typing import Any

import rheobase as rb

from .case import DTYPES, SynapseCase
from .host import NEVER, Clock, Felt
from .subject import SynapseSubject


def plastic(subject: SynapseSubject, case: SynapseCase, **more: Any) -> Any:
    """A network with a plasticity of a synapse of each unit of ``a`` with one of ``b``, which both spike.

    Args:
        subject: The plasticity.
        case: What it is given.
        **more: ``period`` of both (one for each unit), ``event``, ``weight``, ``delay``.
    """
    dtype, dt = DTYPES[case.dtype], 0.5
    net = rb.Network(seed=case.seed)
    clock = {"dtype": dtype, "dt": dt, "event": more.get("event", "step")}
    for name, period in zip("ab", more.get("period", (NEVER, NEVER)), strict=True):
        net.add(name, rb.create(Clock, case.units, period=period, **clock))
    each = list(range(case.units))
    net.connect(
        "a",
        "b",
        (each, each),
        rb.synapse(Felt),
        weight=more.get("weight", weight_within(subject, case, 0.5)),
        delay=more.get("delay", 2 * dt),
        plasticity=rb.synapse(subject.obj, **case.params),
    )
    return net


def weight_within(subject: SynapseSubject, case: SynapseCase, part: Any) -> Any:
    """Weights between the bounds that a plasticity has; about the strength of the case where it has none."""
    values = {name: case.params.get(name, subject.schema.parameters[name].default) for name in subject.bounds}
    known = {name: float(each) for name, each in values.items() if isinstance(each, (int, float))}
    low = known.get("low", min(0.0, known.get("high", 0.0) - 2.0 * case.strength))
    high = known.get("high", low + 2.0 * case.strength)
    return low + part * (high - low)
