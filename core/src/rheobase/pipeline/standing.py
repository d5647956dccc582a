"""What a neuron is beside its values: what a step that was made ready for it may be built on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, final

from torch import Tensor

from ..engine.step.table import BESIDE

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

_PLAIN = (int, float, str, bytes, type(None))


@final
class Standing:
    """A snapshot of a neuron's type, device, dt, options, integrator and functions, not of its values."""

    def __init__(self, neuron: Neuron) -> None:
        self._marks, self._reads = _marks(neuron), list(_reads_of(neuron))

    def holds(self, neuron: Neuron) -> bool:
        """Whether the neuron is still the same in this."""
        if _marks(neuron) != self._marks:
            return False
        # Identity, and for tensors the version, which counts writes in place: equal values would cost a read
        # of each.
        for find, value, version in self._reads:
            if find() is not value or _version(value) != version:
                return False
        return True


def _marks(neuron: Neuron) -> tuple[Any, ...]:
    schema, buffers = neuron.schema, neuron._buffers
    integrator = neuron.integrator
    tensors = []
    for name in (*schema.states, *schema.parameters, *BESIDE):
        held = buffers.get(name)
        if held is None:
            held = neuron._parameters.get(name)
        if held is not None:
            # Of a parameter also whether it differs by unit, which a step may be built on.
            tensors.append((held.dtype, held.device, name in schema.parameters and held.ndim))
    # An integrator's settings may be changed in place.
    plain = [value for value in vars(integrator).values() if isinstance(value, _PLAIN)]
    hooks = len(neuron._forward_hooks), len(neuron._forward_pre_hooks)
    own = type(neuron), neuron._model, neuron.dt, neuron._event, neuron.keeps_graph, neuron._num_units
    parts = tuple(neuron._options.items()), neuron._carry_names, neuron.aggregator, integrator
    return (*own, *parts, type(integrator).advance, *hooks, plain, tensors)


Read = tuple[Callable[[], Any], Any, int]
"""What looks something up, what was found, and the version of a tensor, or -1."""


def _reads_of(neuron: Neuron) -> Iterator[Read]:
    """What the model's functions are, and the names of their modules and closures that they use."""
    model = neuron._model
    seen: set[int] = set()
    for function in () if model is None else (getattr(model, name, None) for name in model._fields):
        yield from _reads(function, seen)


def _reads(function: Any, seen: set[int]) -> Iterator[Read]:
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    # Functions of these do not change under a model, and their globals are many.
    if (function.__module__ or "").partition(".")[0] in ("torch", "numpy", "rheobase"):
        return
    seen.add(id(function))
    # A function that is reloaded in place keeps its identity and has other code.
    yield partial(getattr, function, "__code__"), function.__code__, -1
    known = function.__globals__
    # co_names has attributes as well as globals; those that name no global are dropped.
    places = [partial(known.get, name) for name in function.__code__.co_names if name in known]
    places += [partial(_content, cell) for cell in function.__closure__ or ()]
    for find in places:
        value = find()
        yield find, value, _version(value)
        yield from _reads(value, seen)


def _version(value: Any) -> int:
    """How often a tensor was written to; -1 for anything else."""
    return value._version if isinstance(value, Tensor) and not value.is_inference() else -1


def _content(cell: CellType) -> Any:
    """What a name of the function around stands for; None where it stands for nothing yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
