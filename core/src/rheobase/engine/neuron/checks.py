"""The values of a step: everything finite, or an error that names unit, step and state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...errors import InputError, NonFiniteStateError
from ...torch_state import all_finite, first_not_finite, values_visible
from ..model.hazard import LEFT
from ..model.owner import Owner
from ..model.values import check_domain
from ..step.table import REPORTED


def check_step(
    neuron: Owner,
    data: Any,
    outputs: Mapping[str, Tensor],
    status: Tensor | None = None,
    *,
    finite: bool = False,  # whether the states are known to be
) -> bool:
    """Refuse a step whose input or result is not finite; gives whether values could be looked at."""
    inputs = {"input": data} if isinstance(data, Tensor) else dict(data._asdict())
    states: dict[str, Tensor] = {}
    if not finite:
        states = {
            name: value for name, value in outputs.items() if name not in inputs and name not in REPORTED
        }
        values = [*inputs.values(), *states.values()]
        if not values or not values_visible(values[-1]):
            return False
    if status is not None:
        # Units that are marked are NaN by agreement.
        states = {name: value[status == 0] for name, value in states.items()}
    # First whether, in one pass over each; who and where are asked only for the message.
    fine = all(map(all_finite, (*inputs.values(), *states.values())))
    if fine and not neuron.schema.inputs:
        return True
    check_inputs(neuron, inputs, finite=fine)
    if fine:
        return True
    # The hazard's integral last: where another state is not finite, that is the cause.
    for name, value in sorted(states.items(), key=lambda state: state[0] == LEFT):
        if where := first_not_finite(value):
            if name == LEFT:
                raise NonFiniteStateError(
                    f"{neuron.identifier}: the hazard's integral, {name!r}, became "
                    f"{_at(neuron, where, value)} at step {neuron.simulation_step} (t = {neuron.time:g} ms, "
                    f"dt = {neuron.dt:g} ms), while the other states are finite; look at what "
                    "hazard(state, params) gives there: a finite rate in 1/ms, 0 where there is no chance"
                )
            declared = neuron.schema.states.get(name)
            unit = "" if declared is None or declared.unit == "1" else f" (in {declared.unit})"
            raise NonFiniteStateError(
                f"{neuron.identifier}: the state {name!r}{unit} became {_at(neuron, where, value)} at step "
                f"{neuron.simulation_step} (t = {neuron.time:g} ms, dt = {neuron.dt:g} ms, "
                f"{neuron.integrator!r}); "
                f"try a smaller dt or an adaptive integrator{_advice(neuron)}"
            )
    return True


def check_inputs(neuron: Owner, inputs: Mapping[str, Tensor], *, finite: bool = False) -> None:
    """Refuse inputs, whose values can be looked at, that are not finite or outside their declared domain."""
    for name, value in inputs.items() if not finite else ():
        if where := first_not_finite(value):
            raise InputError(
                f"{neuron.identifier}: {name} {_at(neuron, where, value)} at step {neuron.simulation_step} "
                f"(t = {neuron.time:g} ms); give finite numbers"
            )
    for name, declared in neuron.schema.inputs.items():
        if declared.bounded and name in inputs:
            check_domain(neuron, declared, inputs[name])


def _at(neuron: Owner, where: tuple[int, ...], value: Tensor) -> str:
    batch = f", batch {list(where[:-1])}" if len(where) > 1 else ""
    number = float(value.detach()[where])
    whom = "every unit" if value.shape[-1] == 1 < neuron.num_units else f"unit {where[-1]}"
    return f"{number} in {whom}{batch}"


def _advice(neuron: Owner) -> str:
    dt_max = neuron.schema.dt_max
    limit = "" if dt_max is None else f"; the model's dt_max is {dt_max:g} ms"
    return limit + other_events(neuron)


def other_events(neuron: Owner) -> str:
    """What to do about a model that explodes past its threshold, where a step goes on up to its end."""
    model: Any = getattr(neuron, "_model", None)
    resets = model is not None and model.threshold is not None and model.reset is not None
    if not resets or getattr(neuron, "event", "") != "step":
        return ""
    return (
        "; event='step' goes on to the end of the step, past the threshold: for models that explode there, "
        "use event='crossing' (the default) or event='located'"
    )
