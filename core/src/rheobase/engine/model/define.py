"""What happens when a neuron class is defined: its declarations are collected and checked."""

from __future__ import annotations

from typing import Any

from torch import nn

from ...errors import DeclarationError
from .declaration import Declaration
from .framework import of_framework
from .functions import Model
from .hazard import spread_hazard
from .schema import FUNCTIONS, collect

_INSTANCE_NAMES = frozenset(
    [
        "training",
        "identifier",
        "configuration",
        "equation",
        "integrator",
        "aggregator",
        "keeps_graph",
        "step_count",
        "carry",
        "armed",
        "hold",
        "hold_time",
        "status",
        "reported",
        "spiked",
        "spike_count",
        "spike_times",
        "heterogenize",
        "of",
        "held",
        "stochastic",
        "differentiable",
        "discrete",
        "input_unit",
        "generator",
    ]
) | frozenset(FUNCTIONS) - {"release"}
# A release, or a hazard, that is declared is a quantity: synapses have a probability of that name.


def define(cls: Any) -> None:
    """Collect the schema of a class that was just defined, and set on it what follows from both."""
    spread_hazard(cls)
    cls.schema = collect(cls, _reserved(cls))
    _check_input_unit(cls)
    # torch.nn.Module has a forward too.
    own = (b for b in cls.__mro__ if not of_framework(b) and not b.__module__.startswith("torch."))
    cls._own_forward = any("forward" in vars(base) for base in own)
    kept = [name for name, state in cls.schema.states.items() if state.per != "target"]
    if kept:
        raise DeclarationError(
            f"{cls.__qualname__}.{kept[0]}: per={cls.schema.states[kept[0]].per!r} is for synapses; a "
            "neuron's states are kept for each unit"
        )
    if not cls.schema.declared:
        return
    # Taken from the class once: a step asks no class for its functions.
    functions: dict[str, Any] = {name: getattr(cls, name, None) for name in FUNCTIONS}
    if not callable(functions["dt_max"]):
        functions["dt_max"] = None  # a number, which the schema has
    if not callable(functions["release"]):
        functions["release"] = None  # a quantity of that name
    spiking = bool(getattr(cls, "spiking", False))
    if functions["threshold"] is not None and not spiking:
        raise DeclarationError(
            f"{cls.__qualname__} defines a threshold and is no spiking neuron; derive it from SpikingNeuron"
        )
    # A class without dynamics may be a base of others, or have a forward of its own.
    if functions["release"] is not None and not (spiking and cls.schema.refractory):
        raise DeclarationError(
            f"{cls.__qualname__} defines a release and has no refractory period, at whose end it is asked; "
            "declare tau_ref = Parameter(..., unit='ms', at_least=0) in a SpikingNeuron"
        )
    dynamic = functions["derivatives"] is not None or functions["update"] is not None
    if dynamic and spiking and functions["threshold"] is None:
        raise DeclarationError(
            f"{cls.__qualname__} is a spiking neuron without a threshold; define threshold(state, params), "
            "which is >= 0 where the unit spikes, or hazard(state, params), how often it does by chance, or "
            "derive it from AnalogNeuron"
        )
    cls._model = Model(cls.schema, **functions) if dynamic else None
    cls._own_loggables = "loggable_props" in vars(cls) or getattr(cls, "_own_loggables", False)
    # What a base class chose to report stands; only a choice that nobody made is made here.
    if not cls._own_loggables:
        inputs = tuple(cls.schema.inputs) or ("input",)
        cls.loggable_props = (*inputs, *cls.schema.states, *(("spiked",) if spiking else ()))


def _check_input_unit(cls: Any) -> None:
    """Refuse a unit of the one input without a name that is none, or where inputs have names."""
    unit = getattr(cls, "input_unit", None)
    if unit is None:
        return
    if not isinstance(unit, str):
        raise DeclarationError(
            f"{cls.__qualname__}.input_unit is {unit!r}; give a string such as 'pA', or '' where no notice "
            "is taken of the input"
        )
    if cls.schema.inputs:
        raise DeclarationError(
            f"{cls.__qualname__} has input_unit={unit!r} and the inputs {', '.join(cls.schema.inputs)}; each "
            "of these says its own: leave input_unit out"
        )


def _reserved(cls: type) -> frozenset[str]:
    own = {
        name
        for base in cls.__mro__[1:]
        if of_framework(base)
        for name, value in vars(base).items()
        if not name.startswith("_") and not isinstance(value, Declaration)
    }
    return frozenset(dir(nn.Module)) | _INSTANCE_NAMES | own
