"""Which models are linear, or linear in each of their variables, and their exact coefficients.

The author's function is followed once, and its structure is a pass over the graph (:mod:`.affinity`): it
follows from the operations and not from numbers. A model is linear for all states, or it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...errors import StructureError
from ..integrator import Field
from ..model.functions import spread
from ..step.field import ModelField
from .affinity import Reason, form_of, rate_of
from .follow import ELSE, Followed, Following, follow, names_of, node_of, run
from .graph import TIME
from .known import Origin
from .operations import OPERATIONS
from .rows import Stack


class Affine(NamedTuple):
    """A function ``value + coefficients (y - y0)`` of the state.

    Attributes:
        value: Its value at the state ``y0``, ``[*batch, units]``.
        coefficients: That of each variable, ``[D, *batch, units]``.
    """

    value: Tensor
    coefficients: Tensor


@final
class Linear:
    """A linear field: ``field(t, y) = matrix @ y + offset``, for all t and y. Made by :func:`linear`.

    Attributes:
        slopes: The derivatives at the state it was made at, ``[D, *batch, units]``, per ms.
        pattern: Which derivative depends on which variable: ``pattern[i]`` are the variables of the i-th.
        resting: Whose held variables stand still, as those of a neuron that is refractory, bool ``[*batch,
            units]``; None: nobody's.
        held: The variables that do, where it is somebody's.
    """

    def __init__(self, field: Field, t: Any, y: Tensor, known: Linear | None) -> None:
        self.resting: Tensor | None = None
        self.held: frozenset[int] = frozenset()
        whole = field
        if isinstance(field, ModelField) and field.resting is not None:
            # What moves freely is the same from step to step; who rests is not.
            self.resting, schema = spread(field.resting, y.shape[1:]), field.model.schema
            self.held = frozenset(at for at, name in enumerate(schema.states) if name in schema.held)
            field = field.at_rest(None)
        self._field, self._t, self._y = field, t, y
        origin = None if known is None else known._origin
        self.pattern: tuple[frozenset[int], ...]
        if known is not None and origin is not None and origin.serves(field, y):
            self._origin: Origin | None = origin
            self.slopes, self.pattern, self.free = whole(t, y), known.pattern, known.free
            return
        trace = self._trace
        self.slopes = self._stopped(trace.pack([row.value() for row in trace.results]))
        self.pattern = tuple(row.leaves for row in trace.results)
        self._origin = Origin.of(field, y, origin)

    def _stopped(self, rows: Tensor) -> Tensor:
        """Rows ``[D, ..., *batch, units]`` with zero for what stands still."""
        if self.resting is None:
            return rows
        still = torch.tensor([at in self.held for at in range(len(rows))], device=rows.device)
        return torch.where(self.resting & still.view(-1, *([1] * (rows.ndim - 1))), 0.0, rows)

    @cached_property
    def _trace(self) -> Followed:
        return _linear_trace(self._field, self._t, self._y)

    @cached_property
    def matrix(self) -> Tensor:
        """The coefficients, ``[D, D, *batch, units]``, 1/ms: row i is the derivative of variable i."""
        return self._stopped(self.free)

    @cached_property
    def free(self) -> Tensor:
        """The coefficients where nobody rests; the same tensor where it is what ``known`` had."""
        rows, count = self._trace.results, range(len(self._trace.results))
        return torch.stack([self._trace.pack([rate_of(row, index) for index in count]) for row in rows])

    @cached_property
    def offset(self) -> Tensor:
        """The derivatives at the state 0, ``[D, *batch, units]``."""
        trace = self._trace
        before = dict(trace.graph.values)
        zero = torch.zeros_like(before[0])
        for index in range(len(trace.results)):
            trace.graph.put(index, zero)
        offset = trace.pack([row.value() for row in trace.results])
        for index in range(len(trace.results)):
            trace.graph.put(index, before[index])
        return self._stopped(offset)

    def function(self, function: Callable[[Any], Any]) -> Affine:
        """A function of the state, such as an event's ``gap``, as an affine one.

        Args:
            function: ``function(y)`` gives ``[*batch, units]`` for a state ``[D, *batch, units]``.

        Raises:
            StructureError: If it is not affine.
        """
        return affine(function, self._y)


@final
class Split:
    """A conditionally linear field: each derivative is affine in its own variable, the others as given.

    Made by :func:`conditionally_linear`.

    Attributes:
        pattern: Which derivative depends on which variable: ``pattern[i]`` are the variables of the i-th.
    """

    def __init__(self, trace: Followed) -> None:
        self._trace = trace
        self.pattern = tuple(row.leaves - {TIME} for row in trace.results)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """The variables in groups, none of which depends on another of its group.

        While the other groups stand still, the variables of one can be solved together.
        """
        blocks: list[list[int]] = []
        for index, depends in enumerate(self.pattern):
            free = (
                block
                for block in blocks
                if not depends.intersection(block)
                and all(index not in self.pattern[other] for other in block)
            )
            block = next(free, None)
            if block is None:
                blocks.append([index])
            else:
                block.append(index)
        return tuple(tuple(block) for block in blocks)

    @property
    def slopes(self) -> Tensor:
        """The derivatives, ``[D, *batch, units]``, per ms."""
        return self._trace.pack([row.value() for row in self._trace.results])

    @property
    def rates(self) -> Tensor:
        """The coefficient of each variable in its own derivative, ``[D, *batch, units]``, 1/ms."""
        return self._trace.pack([rate_of(row, index) for index, row in enumerate(self._trace.results)])

    def at(self, variables: Sequence[int], parts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Slopes and rates of some variables at another state; only what they need is computed.

        Args:
            variables: The variables asked for.
            parts: The state, a tensor ``[*batch, units]`` for each of the D variables.

        Returns:
            The slopes and the rates, each ``[n, *batch, units]``.
        """
        trace = self._trace
        for index, part in enumerate(parts):
            trace.graph.put(index, part)
        slopes = trace.pack([trace.results[index].value() for index in variables])
        return slopes, trace.pack([rate_of(trace.results[index], index) for index in variables])


def linear(field: Field, t: Any, y: Tensor, *, known: Linear | None = None) -> Linear:
    """The coefficients of a linear field.

    Args:
        field: ``field(t, y)``, the derivatives per ms of a state ``[D, *batch, units]``.
        t: The time, ms. The field must not depend on it.
        y: The state.
        known: What an earlier call gave. Where the field is that of the same model, with the same values of
            its parameters, and the input does not multiply the state, the matrix is taken from there, the
            same tensor, and the model's text is not followed again. Default None.

    Returns:
        Its coefficients, computed when asked for.

    Raises:
        StructureError: If the field is not linear, with the reason.

    Example:
        >>> import torch
        >>> tau = torch.tensor([5.0, 20.0])
        >>> leak = linear(lambda t, y: (1.0 - y) / tau, 0.0, torch.zeros(1, 2))
        >>> leak.matrix
        tensor([[[-0.2000, -0.0500]]])
        >>> leak.offset
        tensor([[0.2000, 0.0500]])
        >>> linear(lambda t, y: -y * y, 0.0, torch.zeros(1, 2))
        Traceback (most recent call last):
            ...
        rheobase.errors.StructureError: the field: the derivative of the state is not linear: it has a \
product of the state with itself; use an integrator for models of any form, such as rk4
    """
    return Linear(field, t, y, known)


def _linear_trace(field: Field, t: Any, y: Tensor) -> Followed:
    """The trace of a field that is linear, or the error that says why it is not."""
    clock = t if getattr(field, "autonomous", False) else None
    trace = follow(field, t, y, "linear", follow_time=clock is None)
    for row, name in zip(trace.results, trace.names, strict=True):
        form = form_of(row, OPERATIONS)
        reason = form.joint
        if reason is None and TIME in row.leaves:
            reason = Reason("a term that depends on {}", (frozenset((TIME,)),))
        if reason is not None:
            raise StructureError(
                f"{trace.owner}: the derivative of {name} is not linear: "
                f"it has {reason.tell(trace.names)}; {ELSE}"
            )
    return trace


def conditionally_linear(field: Field, t: Any, y: Tensor) -> Split:
    """The slopes and rates of a field of which each derivative is affine in its own variable.

    So are those of Hodgkin & Huxley: that of the voltage while the gates stand still, and that of each
    gate while the voltage does.

    Args:
        field: ``field(t, y)``, the derivatives per ms of a state ``[D, *batch, units]``.
        t: The time, ms, at which the field is taken.
        y: The state.

    Returns:
        Its coefficients, computed when asked for.

    Raises:
        StructureError: If the field is not conditionally linear, with the reason.

    Example:
        >>> import torch
        >>> def predator(t, y):
        ...     prey, hunter = y
        ...     return torch.stack([prey * (1.0 - hunter), hunter * (prey - 2.0)])
        >>> conditionally_linear(predator, 0.0, torch.tensor([[3.0], [0.5]])).rates
        tensor([[0.5000],
                [1.0000]])
    """
    trace = follow(field, t, y, "conditionally linear", follow_time=False)
    for index, (row, name) in enumerate(zip(trace.results, trace.names, strict=True)):
        bends = form_of(row, OPERATIONS).bends
        if index in bends:
            reason = bends[index].tell(trace.names)
            raise StructureError(
                f"{trace.owner}: the derivative of {name} is not linear in {name} itself: "
                f"it has {reason}; {ELSE}"
            )
    return Split(trace)


def affine(function: Callable[[Any], Any], y: Tensor) -> Affine:
    """The coefficients of an affine function of the state, such as a threshold.

    Args:
        function: ``function(y)`` gives ``[*batch, units]`` for a state ``[D, *batch, units]``.
        y: The state.

    Returns:
        Its value at ``y`` and its coefficients.

    Raises:
        StructureError: If it is not affine, with the reason.

    Example:
        >>> import torch
        >>> affine(lambda y: 2.0 * y[0] - y[1] + 5.0, torch.zeros(2, 1)).coefficients
        tensor([[ 2.],
                [-1.]])
    """
    following, count = Following(y), range(len(y))
    by_row, states = getattr(function, "row", None), following.states
    result = run(lambda: function(Stack(states)) if by_row is None else by_row(states), "the function")
    node = node_of(following.graph, result)
    trace = Followed(following.graph, (node,), names_of(None, len(y)), "the function")
    reason = form_of(node, OPERATIONS).joint
    if reason is not None:
        raise StructureError(f"the function is not linear: it has {reason.tell(trace.names)}")
    return Affine(trace.pack([node.value()])[0], trace.pack([rate_of(node, index) for index in count]))
