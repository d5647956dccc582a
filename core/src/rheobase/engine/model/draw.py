"""The declaration of a random number: a model's ``Draw``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from torch import Tensor

from ...errors import DeclarationError, nearest
from .declaration import Declaration

if TYPE_CHECKING:
    from typing_extensions import Self

DISTRIBUTIONS = ("exponential", "uniform", "normal")


class Draw(Declaration):
    r"""A random number that a model draws anew for each event: at spikes, in each ``update``, at the start.

    It is read as ``params.NAME``, in

    - ``reset``: one for each spike of a unit, also where a unit has several in one step;
    - ``update``: one for each unit and step;
    - the default of a state, ``State(lambda p: p.NAME)``: one for each unit and row of the batch.

    In one call it is one number, however often it is read. ``derivatives`` and ``threshold`` cannot read it:
    integrators call them as often as they like. What is drawn in ``reset`` is kept in a state for them.

    The number is counted and not drawn in turn: it follows from the key (seed, identifier of the neuron,
    name of the draw, unit, row of the batch, step, event within the step), by Philox4x64 (Salmon et al.
    2011). So it is the same in every event mode, whatever other units and rows there are, however a run is
    cut, and no global generator is touched. Unit k of an ensemble draws what unit k of a smaller one does,
    and a row of a batch of its own, an ensemble alone, is row 0. Under ``torch.func.vmap`` each call is such
    a run of its own. Gradients see a constant.

    Args:
        distribution: ``"exponential"``, of mean 1 and above 0; ``"uniform"``, within (0, 1) and without its
            ends; or ``"normal"``, of mean 0 and standard deviation 1. A model scales it.
        doc: A line on what it is.

    Raises:
        DeclarationError: If there is no such distribution.

    Example:
        A spike where the integral of the hazard reaches a unit exponential number: a Poisson process.

        >>> from rheobase import Draw, Parameter, SpikingNeuron, State, create
        >>> class Poisson(SpikingNeuron):
        ...     rate = Parameter(0.05, unit="kHz", at_least=0, doc="mean number of spikes per ms")
        ...     target = Draw("exponential", doc="the integral of the rate from spike to spike")
        ...     voltage = State(lambda p: -p.target, unit="1", doc="the integral so far, less its target")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": params.rate + 0.0 * state.voltage}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": -params.target}
        >>> one, other = create(Poisson, 3, seed=1), create(Poisson, 2, seed=1)
        >>> one.voltage[:2].equal(other.voltage), one.voltage.equal(create(Poisson, 3, seed=2).voltage)
        (True, False)
    """

    kind = "draw"

    def __init__(self, distribution: str, *, doc: str = "") -> None:
        super().__init__(doc)
        if distribution not in DISTRIBUTIONS:
            raise DeclarationError(
                f"Draw({distribution!r}): it must be one of {', '.join(DISTRIBUTIONS)}"
                f"{nearest(str(distribution), DISTRIBUTIONS)}"
            )
        self.distribution = distribution

    @overload
    def __get__(self, neuron: None, owner: type) -> Self: ...

    @overload
    def __get__(self, neuron: object, owner: type) -> Tensor: ...

    def __get__(self, neuron: Any, owner: type) -> Any:
        return self if neuron is None else getattr(neuron.params, self.name)

    def __set__(self, neuron: object, value: Tensor) -> None:
        raise AttributeError(f"{self.name!r} is drawn, and cannot be set")
