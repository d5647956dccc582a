"""The state of a layer between two calls, by name, in the shape that users have units in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..engine.neuron.base import Neuron
from ..engine.step.table import StepState
from ..errors import InputError, nearest

SPIKES = "spikes"
"""The last output, which a recurrent layer goes on from."""
_CARRY = "carry_"


def detach(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state without the graph that it stems from: where backpropagation through time is cut off.

    Args:
        state: As a layer gives it with ``return_state=True``.

    Returns:
        Name -> tensor, the same values.

    Example:
        >>> import torch
        >>> detach({"voltage": torch.ones(2, requires_grad=True) * 3.0})
        {'voltage': tensor([3., 3.])}
    """
    return {name: value.detach() for name, value in state.items()}


def named(
    names: Sequence[str], state: StepState, last: Tensor | None, units: torch.Size
) -> dict[str, Tensor]:
    """A state by name, each ``[*batch, *units]``; ``last`` is the last output, None where none goes on."""
    parts = dict(zip(names, state.y.unbind(0), strict=True))
    beside = {"armed": state.armed, "hold": state.refractory_steps, "hold_time": state.refractory_time}
    beside["status"] = state.status
    parts |= {name: value for name, value in beside.items() if value is not None}
    parts |= {} if last is None else {SPIKES: last}
    parts |= {f"{_CARRY}{name}": value for name, value in (state.carry or {}).items()}
    return {name: value.unflatten(-1, units) for name, value in parts.items()}


def packed(
    neuron: Neuron,
    names: Sequence[str],
    given: Mapping[str, Tensor],
    begun: StepState,
    units: torch.Size,
    *,
    spikes: bool = True,  # whether the last output goes on
) -> tuple[StepState, Tensor | None]:
    """What a step goes on from, and the last output, from a state by name.

    ``begun`` is the state at the start of a run: it tells the shapes and types that must be given, and
    ``names`` those of its rows.
    """
    shape = torch.Size((*begun.y.shape[1:-1], *units))
    expected = named(names, begun, torch.zeros_like(begun.y[0]) if spikes else None, units)
    flat = {}
    for name, value in given.items():
        if name not in expected and not name.startswith(_CARRY):
            raise InputError(
                f"{neuron.identifier}: the state has {name!r}, which is no part of it"
                f"{nearest(str(name), expected)}; give what the layer gave with return_state=True"
            )
        if not isinstance(value, Tensor):
            raise InputError(f"{neuron.identifier}: the state's {name} is {value!r}; give a tensor")
        if name in expected:
            if value.shape != shape:
                raise InputError(
                    f"{neuron.identifier}: the state's {name} has shape {list(value.shape)}, and the input "
                    f"asks for [*batch, *units] = {list(shape)}; begin without a state where the batch "
                    "is another"
                )
            if value.dtype != expected[name].dtype:
                raise InputError(
                    f"{neuron.identifier}: the state's {name} is {value.dtype}, and the layer has "
                    f"{expected[name].dtype}; convert one of them"
                )
        flat[name] = value.flatten(-len(units)) if len(units) > 1 else value
    for name in expected:
        if name not in flat:
            raise InputError(
                f"{neuron.identifier}: the state lacks {name!r}; give all that the layer gave with "
                "return_state=True"
            )
    carry = {name.removeprefix(_CARRY): value for name, value in flat.items() if name.startswith(_CARRY)}
    y = torch.stack([flat[name] for name in names])
    armed, hold, left, status = (flat.get(name) for name in ("armed", "hold", "hold_time", "status"))
    return StepState(y, armed, hold, left, status, carry=carry or None), flat.get(SPIKES)
