"""Shape: broadcasting, parameters by unit, types and devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from rheobase import Neuron
from rheobase.spi import TIMES
from torch import Tensor

from ..property import prop
from ..violation import require, violated
from .case import NeuronCase
from .going import brief, go, mapped, moved, options_of, precise, require_close_runs, strong
from .needs import DETERMINISTIC, OWN_STEPS, PARAMETERS
from .outputs import require_type
from .running import require_same_runs, seeded
from .subject import NeuronSubject


@prop(
    "neuron",
    "converts-in-mid-run",
    "state",
    cases=strong,
    share=0.5,
    why="a state that stays behind in float32 fails, or quietly loses half of its digits",
)
def conversion_reaches_everything(subject: NeuronSubject, case: NeuronCase) -> None:
    """``.double()`` and ``.float()`` convert all that floats; the neuron goes on, and stays so."""
    neuron: Any = case.neuron(subject.model, dtype=torch.float32)
    go(neuron, case.data(neuron)[:8])
    for dtype, convert in ((torch.float64, "double"), (torch.float32, "float")):
        getattr(neuron, convert)()
        require(neuron.dtype == dtype, f"after .{convert}() neuron.dtype is {neuron.dtype}")
        _all_of(neuron, dtype, f"after .{convert}()")
        data = case.data(neuron)
        try:
            seen = go(neuron, data[:4])
        except Exception as error:
            violated(f"after .{convert}() a step fails: {type(error).__name__}: {error}")
        require_type(seen, dtype, f"after .{convert}()")
        _all_of(neuron, dtype, f"{len(seen)} steps after .{convert}()")


def _all_of(neuron: Any, dtype: torch.dtype, when: str) -> None:
    for name, held in (*neuron.named_buffers(), *neuron.named_parameters()):
        if held.is_floating_point() and name.rpartition(".")[2] not in TIMES:
            require(held.dtype == dtype, f"{when} {name} is {held.dtype}")


@prop(
    "neuron",
    "meta-device",
    "state",
    needs=(OWN_STEPS, DETERMINISTIC),
    cases=brief,
    share=0.5,
    level="standard",  # torch takes most of a second to make the device ready
    why="a tensor left on the CPU fails on every accelerator; the meta device shows it without one",
)
def the_model_runs_on_the_meta_device(subject: NeuronSubject, case: NeuronCase) -> None:
    """A neuron made on the meta device, or moved there, steps and gives the right shapes."""
    plain: Any = case.neuron(subject.model)
    data = case.data(plain)
    expected = {name: list(value.shape) for name, value in plain(data[0]).items()}
    for how in ("made on", "moved to"):
        try:
            neuron = case.neuron(subject.model, **({"device": "meta"} if how == "made on" else {}))
        except Exception as error:
            if subject.model.__init__ is not Neuron.__init__:
                continue  # a constructor of its own may look at values
            violated(f"a neuron cannot be made on the meta device: {type(error).__name__}: {error}")
        try:
            neuron = neuron.to("meta")
            out = neuron(mapped(data[0], lambda tensor: tensor.to("meta")))
        except Exception as error:
            violated(f"a neuron {how} the meta device fails: {type(error).__name__}: {error}")
        for name, value in out.items():
            require(
                value.is_meta and list(value.shape) == expected.get(name),
                f"a neuron {how} the meta device gives {name} on {value.device} in the shape "
                f"{list(value.shape)}; on the CPU it is {expected.get(name)}",
            )


@prop(
    "neuron",
    "inputs-broadcast",
    "state",
    needs=(OWN_STEPS,),
    cases=brief,
    share=0.5,
    why="one current for all units is the same current for each",
)
def inputs_broadcast(subject: NeuronSubject, case: NeuronCase) -> None:
    """A number, ``[]``, ``[1]``, ``[units]`` and ``[2, units]`` of one value give the same."""
    case = replace(case, dtype="float64")
    levels = {name: levels[0] for name, levels in case.drive.items()}
    whole: Any = None
    for what, shape in (("[units]", (case.units,)), ("[1]", (1,)), ("[]", ()), ("a number", None)):
        neuron: Any = case.neuron(subject.model)
        seen = go(neuron, [_constant(subject, neuron, levels, shape)] * 4)
        whole = seen if whole is None else whole
        # One value and several may be worked out by different instructions.
        require_close_runs(whole, seen, f"input as [units], and as {what}")
    neuron = case.neuron(subject.model)
    seen = go(neuron, [_constant(subject, neuron, levels, (2, case.units))] * 4)
    rows = [{name: value[0] for name, value in out.items()} for out in seen]
    require_close_runs(whole, rows, "input as [units], and as [2, units]")


def _constant(
    subject: NeuronSubject, neuron: Any, levels: Mapping[str, float], shape: tuple[int, ...] | None
) -> Any:
    def made(name: str) -> Any:
        level = levels[name]
        declared = subject.schema.inputs.get(name) if subject.schema.declared else None
        if declared is not None:
            low, high = declared.domain.lowest, declared.domain.highest
            level = level if low is None else max(level, low)
            level = level if high is None else min(level, high)
        return level if shape is None else torch.full(shape, level, dtype=neuron.dtype)

    if subject.schema.declared and subject.schema.inputs:
        return {name: made(name) for name in subject.schema.inputs}
    return made("input")


@prop(
    "neuron",
    "a-parameter-may-differ-by-unit",
    "state",
    needs=(PARAMETERS,),
    cases=precise,
    share=0.5,
    why="populations are heterogeneous: what works for a number only cannot be used in one",
)
def a_number_is_the_same_for_each_unit(subject: NeuronSubject, case: NeuronCase) -> None:
    """A parameter given as a number does what the same value does for each unit."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)[:12]
    values = {
        name: torch.broadcast_to(getattr(neuron, name).detach(), (case.units,)).clone()
        for name in subject.schema.parameters
    }
    try:
        other = case.neuron(subject.model, **values)
        seen = go(other, data)
    except Exception as error:
        violated(f"with a value of each parameter for each unit: {type(error).__name__}: {error}")
    require_close_runs(go(neuron, data), seen, "parameters as numbers, and with a value for each unit")


@prop(
    "neuron",
    "assigning-is-making",
    "state",
    needs=(PARAMETERS,),
    cases=strong,
    share=0.5,
    why="what was worked out from a parameter once, and kept, goes on with the old value",
)
def assigning_a_parameter_is_making_with_it(subject: NeuronSubject, case: NeuronCase) -> None:
    """A parameter assigned to a neuron, and the state reset, is as a neuron made with it."""
    case = replace(case, params=options_of(subject, case))
    assigned: Any = case.neuron(subject.model)
    changes = moved(subject, case)
    for name, value in changes.items():
        setattr(assigned, name, value)
    for name, value in changes.items():
        held = getattr(assigned, name).detach()
        wanted = torch.tensor(value, dtype=held.dtype)
        require(bool((held == wanted).all()), f"neuron.{name} = {value} and then it is {held.tolist()}")
    assigned.reset_state()
    seeded(assigned, case.seed)
    values: dict[str, Tensor] = {
        name: getattr(assigned, name).detach().clone() for name in subject.schema.parameters
    }
    made: Any = case.neuron(subject.model, **values)
    data = case.data(made)
    told = ", ".join(f"{name}={value:g}" for name, value in changes.items())
    require_same_runs(go(assigned, data), go(made, data), f"{told} assigned, and given to create")
