"""State: what a kick, an input that is not finite, and one with a graph do to a neuron."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from rheobase import Neuron
from rheobase.errors import InputError, RheobaseError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .going import brief, go, mapped, require_unchanged, saved, strong
from .needs import VOLTAGE
from .received import takes_input
from .running import declared_state, same
from .subject import NeuronSubject


@prop(
    "neuron",
    "inject-adds-to-the-voltage",
    "state",
    needs=(VOLTAGE,),
    cases=strong,
    share=0.5,
    why="a kick of 1 mV is one of 1 mV, for every unit that is kicked",
)
def inject_adds_to_the_voltage(subject: NeuronSubject, case: NeuronCase) -> None:
    """``inject`` adds what it is given to the voltage of each unit, exactly, and to nothing else."""
    neuron: Any = case.neuron(subject.model)
    go(neuron, case.data(neuron)[:8])
    size = max(float(neuron.voltage.detach().abs().max()), 1e-3) / 128
    each = size * (1 + torch.arange(case.units, dtype=neuron.dtype))
    for kick in (size, each, torch.broadcast_to(each, neuron.voltage.shape)):
        before = declared_state(neuron)
        neuron.inject(kick)
        wanted = before["voltage"] + torch.as_tensor(kick, dtype=neuron.dtype)
        for name, old in before.items():
            now = getattr(neuron, name).detach()
            told = kick if isinstance(kick, float) else kick.tolist()
            require(
                same(now, wanted if name == "voltage" else old),
                f"inject({told}) changed {name} from {old.tolist()} to {now.tolist()}",
            )


@prop(
    "neuron",
    "input-that-is-not-finite-is-refused",
    "state",
    cases=brief,
    share=0.5,
    why="NaN that is taken spreads to every state; NaN that is replaced hides a fault elsewhere",
)
def input_that_is_not_finite_is_refused(subject: NeuronSubject, case: NeuronCase) -> None:
    """NaN or infinite input is an InputError, and the neuron stays as it was; it is never swallowed."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    go(neuron, data[:2])
    # What the class does with its input may saturate at infinity.
    own = subject.own_forward or subject.model.prepare is not Neuron.prepare
    values = (math.nan,) if own else (math.nan, math.inf, -math.inf)
    if subject.own_forward and not takes_input(subject):
        vacuous("its own forward takes no notice of its input")
    for value in values:
        bad = mapped(data[0], lambda tensor, value=value: _with(tensor, value))
        before, states = saved(neuron), declared_state(neuron)
        try:
            out = neuron(bad)
        except RheobaseError as error:
            if not subject.own_forward and not isinstance(error, InputError):
                violated(
                    f"{value} in the input raised {type(error).__name__}: {error}; it must be an InputError"
                )
        except Exception as error:
            violated(f"{value} in the input raised {type(error).__name__}: {error}; it must be an InputError")
        else:
            told = {name: now for name, now in out.items() if name not in ("input", *subject.inputs)}
            if subject.own_forward and any(not bool(now.isfinite().all()) for now in told.values()):
                return  # it is not refused, but it is not hidden either
            voltage = {name: old.tolist() for name, old in declared_state(neuron).items()}
            violated(f"{value} in the input of a unit was taken, without an error; the states are {voltage}")
        if subject.own_forward:
            after = {name: getattr(neuron, name).detach() for name in states}
            poisoned = [name for name, now in after.items() if not bool(now.isfinite().all())]
            require(not poisoned, f"{value} in the input was refused, and is in {', '.join(poisoned)}")
        else:
            require_unchanged(before, neuron, f"{value} in the input was refused")


def _with(tensor: Tensor, value: float) -> Tensor:
    """A copy with the value for the last unit."""
    changed = tensor.clone()
    changed[..., -1] = value
    return changed


@prop(
    "neuron",
    "keeps-no-graph",
    "state",
    cases=brief,
    share=0.5,
    why="a graph that grows by each step fills the memory, and fails at the second backward",
)
def no_graph_is_kept(subject: NeuronSubject, case: NeuronCase) -> None:
    """Without ``grad=True`` a neuron keeps no autograd graph from step to step."""
    neuron: Any = case.neuron(subject.model)
    sizes: list[int] = []
    for given in case.data(neuron):
        try:
            out = neuron(mapped(given, lambda tensor: tensor.clone().requires_grad_()))
        except RheobaseError:
            break
        except RuntimeError:
            if subject.differentiable:
                raise
            return  # it takes no input with a graph, and keeps none
        for name, held in neuron.named_buffers():
            require(not held.requires_grad, f"{name} keeps its graph after step {len(sizes)}")
        sizes.append(_nodes(out))
    # What a step does depends on the state, and its graph too; but one that is kept grows in every step.
    growing = all(later > earlier for earlier, later in itertools.pairwise(sizes[1:]))
    if len(sizes) > 4 and growing:
        violated(
            f"the graph behind the outputs grows in every step, {sizes} nodes: something goes on from step "
            "to step with its graph; detach it"
        )


def _nodes(out: Any) -> int:
    """The number of nodes of the graph behind some outputs, up to 2000."""
    found: set[Any] = set()
    todo = [value.grad_fn for value in out.values() if value.grad_fn is not None]
    while todo and len(found) < 2000:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [each for each, _ in node.next_functions if each is not None]
    return len(found)
