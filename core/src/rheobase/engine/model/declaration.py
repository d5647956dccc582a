"""Declarations of quantities: the parameters, states and inputs of a neuron model.

A model declares them in its class body. On the class they are the declarations themselves; on a
neuron they are its tensors, an ``Input`` being the current received in the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, overload

import torch
from torch import Tensor

from ...errors import DeclarationError
from .arguments import telling
from .domain import Domain
from .framework import of_framework

if TYPE_CHECKING:
    from typing_extensions import Self

    from .distribution import Distribution
    from .sweep import Sweep

Default: TypeAlias = "float | str | Callable[[Any], Any]"
"""A number, the name of a parameter, or a function of the parameters."""


class Declaration:
    """What all declarations have in common: a name, given by the class body, and a line on it."""

    kind: ClassVar[str] = ""

    def __init__(self, doc: str) -> None:
        self.name = ""
        self.of_framework = False
        self.doc = doc

    def __set_name__(self, owner: type, name: str) -> None:
        if self.name and self.name != name:
            raise DeclarationError(
                f"{owner.__qualname__}: one {type(self).__name__} was given two names, {self.name!r} and "
                f"{name!r}; declare each by a {type(self).__name__}(...) of its own"
            )
        self.name = name
        self.of_framework = of_framework(owner)


class Quantity(Declaration):
    """A declaration that stands for numbers with a unit and a domain."""

    def __init__(
        self,
        *,
        unit: str,
        above: float | None,
        at_least: float | None,
        below: float | None,
        at_most: float | None,
        doc: str,
    ) -> None:
        super().__init__(doc)
        if not isinstance(unit, str) or not unit.strip():
            raise DeclarationError(
                f"{type(self).__name__}: the unit is {unit!r}; give a string such as 'mV', or '1' for a "
                "number without a unit"
            )
        try:
            self.domain = Domain(above, at_least, below, at_most)
        except ValueError as error:
            raise DeclarationError(f"{type(self).__name__}: {error}") from error
        self.unit = unit

    def __repr__(self) -> str:
        default = getattr(self, "default", None)
        value = getattr(default, "__name__", "a function") if callable(default) else repr(default)
        value = "a function" if value == "<lambda>" else value
        bounds = f", {self.domain}" if self.bounded else ""
        doc = f": {self.doc}" if self.doc else ""
        return f"{type(self).__name__}({value}, {self.unit!r}{bounds}{doc})"

    @property
    def bounded(self) -> bool:
        """Whether the domain has bounds beyond being finite."""
        return self.domain != Domain()

    @property
    def range_text(self) -> str:
        """The domain with its unit, as ``> 0 ms``."""
        text = str(self.domain)
        if self.unit == "1":
            return text
        return f"finite, in {self.unit}" if text == "finite" else f"{text} {self.unit}"


class _Tensorial(Quantity):
    """A quantity that is a tensor of the neuron."""

    @overload
    def __get__(self, neuron: None, owner: type) -> Self: ...

    @overload
    def __get__(self, neuron: object, owner: type) -> Tensor: ...

    def __get__(self, neuron: object | None, owner: type) -> Any:
        if neuron is None:
            return self
        # A descriptor that can set goes before the module's own look-up, so the stores are searched here.
        held = neuron.__dict__
        for store in ("_buffers", "_parameters"):
            tensor = held.get(store, {}).get(self.name)
            if tensor is not None:
                return tensor
        raise AttributeError(f"{owner.__name__} has no tensor {self.name!r} yet")

    # Neuron.__setattr__ checks and stores the value; this states the types that it takes.
    def __set__(self, neuron: object, value: Tensor | float | Sweep | Distribution) -> None:
        raise AttributeError(f"{self.name!r} is set through the neuron that declares it")


class Parameter(_Tensorial):
    """A parameter of a model.

    On a neuron it is a tensor: 0-dimensional where all units share a value, else ``[units]``.
    Assigning a tensor or a number replaces the value; assigning a ``torch.nn.Parameter`` makes it
    learnable.

    Args:
        default: A number, the name of another parameter, or a function of the parameters
            (``lambda p: p.b * p.c``).
        unit: A string such as "mV" or "uF/cm2"; "1" for a number without a unit. The kit, and not the
            declaration, looks whether it is known.
        above: Values are greater than this.
        at_least: Values are this or greater.
        below: Values are less than this.
        at_most: Values are this or less.
        doc: A line on what it is.

    Raises:
        DeclarationError: If the unit is missing or empty, the domain is empty, or the default lies outside
            it.

    Example:
        >>> tau_mem = Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
        >>> tau_mem
        Parameter(5.0, 'ms', > 0: membrane time constant)
        >>> tau_mem.range_text
        '> 0 ms'
    """

    kind = "parameter"

    @telling
    def __init__(
        self,
        default: Default,
        *,
        unit: str,
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
        doc: str = "",
    ) -> None:
        super().__init__(unit=unit, above=above, at_least=at_least, below=below, at_most=at_most, doc=doc)
        self.default = _check_default(self, default)


class State(_Tensorial):
    """A state variable of a model.

    On a neuron it is a tensor ``[*batch, units]``.

    Args:
        default: The initial value: a number, the name of a parameter, or a function of the parameters.
        unit: As for a parameter.
        at_rest: On all states of a model: the initial state is a fixed point at zero input.
        per: In a synapse, what it is kept for: ``"target"``, the default, or ``"source"``; in a
            plasticity ``"synapse"``.
        above: Values are greater than this.
        at_least: Values are this or greater.
        below: Values are less than this.
        at_most: Values are this or less.
        doc: A line on what it is.

    Raises:
        DeclarationError: As for a parameter.

    Example:
        >>> gate = State(0.05, unit="1", at_least=0, at_most=1, doc="sodium activation")
        >>> gate.range_text
        '>= 0 and <= 1'
    """

    kind = "state"

    @telling
    def __init__(
        self,
        default: Default,
        *,
        unit: str,
        at_rest: bool = False,
        per: Literal["target", "source", "synapse"] = "target",
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
        doc: str = "",
    ) -> None:
        super().__init__(unit=unit, above=above, at_least=at_least, below=below, at_most=at_most, doc=doc)
        self.at_rest = bool(at_rest)
        if per not in ("target", "source", "synapse"):
            raise DeclarationError(
                f"State: per={per!r}; give 'target', or 'source' in a synapse, or 'synapse' in a plasticity"
            )
        self.per = per
        self.default = _check_default(self, default)


class Input(_Tensorial):
    """A kind of input that a model receives.

    A model without one receives a single current, ``data``. With one or more, ``data`` has them by
    name, ``data.excitation``, and a neuron is called with a mapping by those names.

    Args:
        unit: As for a parameter.
        aggregator: The name of the rule by which a list of inputs of this kind combines.
        default: What is received where a call does not name this input.
        arrives: ``"signal"``: ``derivatives`` and ``update`` receive it, throughout the step. ``"jump"``: it
            is what arrives in the step in sum, and is added to a state, whatever dt is: at the end of the
            step, before the threshold is looked at. ``data`` does not have it; several sources are summed.
        into: The state that a jump is added to, of the same unit. Where the refractory period holds it,
            what arrives is lost.
        weighted: False: in a network each spike that arrives counts as 1, whatever its weight.
        above: Values are greater than this.
        at_least: Values are this or greater.
        below: Values are less than this.
        at_most: Values are this or less.
        doc: A line on what it is.

    Raises:
        DeclarationError: As for a parameter.

    Example:
        >>> excitation = Input(unit="nS", aggregator="sum", at_least=0, doc="excitatory conductance")
        >>> excitation.aggregator
        'sum'
        >>> arrivals = Input(unit="pA", arrives="jump", into="synaptic", doc="what spikes add to the current")
        >>> arrivals.into
        'synaptic'
    """

    kind = "input"

    @telling
    def __init__(
        self,
        *,
        unit: str,
        aggregator: str = "sum",
        default: float = 0.0,
        arrives: Literal["signal", "jump"] = "signal",
        into: str = "",
        weighted: bool = True,
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
        doc: str = "",
    ) -> None:
        super().__init__(unit=unit, above=above, at_least=at_least, below=below, at_most=at_most, doc=doc)
        if arrives not in ("signal", "jump"):
            raise DeclarationError(f"Input: arrives={arrives!r}; give 'signal' or 'jump'")
        if (arrives == "jump") != bool(into):
            raise DeclarationError(
                f"Input: arrives={arrives!r} and into={into!r}; into names the state that a jump is added "
                "to: give both, arrives='jump' and into='...', or neither"
            )
        if arrives == "jump" and aggregator != "sum":
            raise DeclarationError(
                f"Input: aggregator={aggregator!r} with arrives='jump'; what arrives is summed: leave it out"
            )
        if not isinstance(default, (int, float)):
            of = "" if unit == "1" else f" in {unit}"
            raise DeclarationError(f"Input: the default is {default!r}; give a number{of}")
        self.aggregator = aggregator
        if not weighted and arrives != "jump":
            raise DeclarationError("Input: weighted=False goes with arrives='jump'; leave it out")
        self.arrives, self.into, self.weighted = arrives, into, bool(weighted)
        self.default = _check_default(self, default)


def _check_default(declaration: Quantity, default: Any) -> Any:
    # To Python a bool is an int.
    if isinstance(default, bool) or not (isinstance(default, (int, float, str)) or callable(default)):
        raise DeclarationError(
            f"{type(declaration).__name__}: the default is {default!r}; give a number, the name of a "
            "parameter, or a function of the parameters"
        )
    if isinstance(default, (int, float)):
        if not bool(declaration.domain.contains(torch.tensor(float(default), dtype=torch.float64))):
            raise DeclarationError(
                f"{type(declaration).__name__}: the default {default!r} is not {declaration.range_text}"
            )
        return float(default)
    return default
