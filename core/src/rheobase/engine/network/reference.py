"""Projections made of two populations and matrices, and joined to a network afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...philox import key_of
from ..neuron.base import Neuron
from .connectivity import of_pairs
from .delays import delays_of
from .held import Held
from .projection import Projection as Connected
from .projection import as_weight
from .synapse import Synapse as Synapse
from .underway import has_moments

MODES = ("all", "one", "prop", "rand")


@final
class Projection(Connected):
    """The synapses from one population to another.

    :meth:`Network.connect` makes it; or it is made of matrices, and given to :meth:`Network.add_synapses`. So
    made it has no kinetics: the sum of what arrives in a step is the input of the target for that step, so
    that the charge of a spike is its weight times dt. It is recorded as ``output``.

    Args:
        src_ensemble: The population that sends.
        dst_ensemble: The population that receives.
        weights: ``[targets, sources]``, or one number. Default 1.
        connections: Who is connected, ``[targets, sources]`` of 0 and 1. Default: all where weights are a
            matrix, else nobody until :meth:`connect`.
        delay_ms: ms, one number or ``[targets, sources]``; 0, the default, is one dt.
        identifier: ``"SOURCE->TARGET"`` by default.

    Raises:
        ArgumentError: If the parts do not fit.
        ParameterError: If a weight cannot be used.

    Example:
        >>> import rheobase as rb
        >>> import torch
        >>> class Leaky(rb.SpikingNeuron):
        ...     '''dV/dt = I - V;  a spike at V = 0.6 and back to 0.'''
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": data - state.voltage}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 0.6
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": 0.0 * state.voltage}
        >>> one, two = (rb.create(Leaky, 2, dt=1.0, identifier=name) for name in ("one", "two"))
        >>> net = rb.Network()
        >>> net.add_ensembles(one, two)
        >>> net.add_synapses(rb.Projection(one, two, weights=torch.tensor([[3.0, 4.0], [5.0, 6.0]])))
        >>> net([torch.tensor([1.0, 0.0])])["one"]["spiked"]
        tensor([1, 0], dtype=torch.int8)
        >>> net()["one->two"]["output"]
        tensor([3., 5.])
    """

    def __init__(
        self,
        src_ensemble: Neuron,
        dst_ensemble: Neuron,
        weights: Any = None,
        connections: Any = None,
        delay_ms: Any = 0.0,
        *,
        identifier: str | None = None,
    ) -> None:
        for what, each in (("src_ensemble", src_ensemble), ("dst_ensemble", dst_ensemble)):
            if not isinstance(each, Neuron):
                raise ArgumentError(f"Projection: {what}={each!r}; give what rheobase.create gives")
        named = f"{src_ensemble.identifier}->{dst_ensemble.identifier}" if identifier is None else identifier
        shape = (dst_ensemble.num_units, src_ensemble.num_units)
        weights, connections, delay_ms = (
            torch.as_tensor(each) if isinstance(each, (list, tuple)) else each
            for each in (weights, connections, delay_ms)
        )
        matrix = isinstance(weights, Tensor) and weights.ndim == 2
        if connections is None:
            connections = torch.full(shape, matrix)
        connections = _matrix(named, "connections", connections, shape)
        mask = connections != 0
        if bool((mask & (connections != 1)).any()):
            raise ArgumentError(
                f"{named}: connections are 0 and 1, who is connected; give weights by weights=..."
            )
        source, target = mask.t().nonzero().unbind(1)
        connectivity, _ = of_pairs(source, target, shape[1], shape[0])

        def of_each(given: Any, what: str) -> Any:
            if isinstance(given, Tensor) and given.ndim == 2:
                return _matrix(named, what, given, shape)[target, source]
            return given

        delay = torch.as_tensor(of_each(delay_ms, "delay_ms"), dtype=torch.float64)
        kind, unit = _input_of(named, dst_ensemble)
        on_grid = src_ensemble.event != "located" and not has_moments(dst_ensemble)
        given = 1.0 if weights is None else of_each(weights, "weights")
        super().__init__(
            named,
            src_ensemble.identifier,
            dst_ensemble,
            shape[1],
            Held(unit),
            connectivity,
            as_weight(given, named, connectivity, dst_ensemble),
            delays_of(
                torch.where(delay == 0, dst_ensemble.dt, delay),
                dst_ensemble.dt,
                connectivity.synapses,
                named,
                on_grid=on_grid,
            ),
            kind,
        )
        # Past torch, to which they would be parts of this one.
        self.__dict__["_made_of"] = (src_ensemble, dst_ensemble, weights, delay_ms, identifier)

    @classmethod
    def of(cls, *given: Any) -> Projection:
        """A projection of what :meth:`Network.connect` found; see :class:`.projection.Projection`."""
        made = cls.__new__(cls)
        Connected.__init__(made, *given)
        return made

    @property
    def connections(self) -> Tensor:
        """Who is connected, bool ``[targets, sources]``."""
        mask = torch.zeros(self.num_units, self.sources, dtype=torch.bool)
        mask[self.target, self.source] = True
        return mask

    def connect(self, mode: str = "all", prop: float = 1.0, *, autapses: bool = True) -> None:
        """Say who is connected, before the first step.

        Args:
            mode: ``"all"``: every pair; ``"one"``: source k to target k; ``"prop"``: each target to the same
                share of the sources; ``"rand"``: each pair with a probability.
            prop: That share, or that probability, from 0 to 1.
            autapses: Whether a unit may reach itself, where source and target are one population.

        Raises:
            ArgumentError: If it is made by :meth:`Network.connect`, the clock has run, or the mode is none.
        """
        made_of = self.__dict__.get("_made_of")
        if made_of is None or self.simulation_step:
            why = "it was connected by a rule" if made_of is None else "the clock has run"
            raise ArgumentError(f"{self.identifier}: {why}; make the network anew")
        source, target, weights, delay, identifier = made_of
        mask = _mask(self.identifier, mode, prop, (target.num_units, source.num_units), source.seed)
        if source is target and not autapses:
            mask.fill_diagonal_(False)
        kept = {name: self.__dict__.get(name) for name in ("identifier", "sender", "receiver")}
        self.__dict__.clear()
        self.__init__(source, target, weights, mask, delay, identifier=identifier)
        self.__dict__.update(kept)


Synapse._of_ensembles = Projection


def join(given: Any, network: str, populations: Mapping[str, Neuron]) -> None:
    """Let a projection have the names that its populations have in a network.

    Raises:
        ArgumentError: If it is none, or they are not there.
    """
    made_of = given.__dict__.get("_made_of") if isinstance(given, Projection) else None
    if made_of is None:
        raise ArgumentError(
            f"{network}: add_synapses({given!r}); give rheobase.Projection(src_ensemble, dst_ensemble, ...), "
            "or use connect(...)"
        )
    source, target, _, _, identifier = made_of
    for each in (source, target):
        if not any(each is known for known in populations.values()):
            raise ArgumentError(
                f"{network}: {given.identifier!r} is of {each.identifier!r}, which is not in it; add it"
            )
    given.__dict__["sender"], given.__dict__["receiver"] = source.identifier, target.identifier
    if identifier is None:
        given.__dict__["identifier"] = f"{source.identifier}->{target.identifier}"


def _matrix(named: str, what: str, given: Any, shape: tuple[int, int]) -> Tensor:
    matrix = torch.as_tensor(given)
    if tuple(matrix.shape) != shape:
        raise ArgumentError(
            f"{named}: {what} has the shape {list(matrix.shape)}; give [targets, sources], {list(shape)}"
        )
    return matrix.detach().cpu()


def _input_of(named: str, target: Neuron) -> tuple[str, str]:
    """The input that it goes to, and its unit."""
    if target._own_forward or target._model is None:
        raise ArgumentError(
            f"{named}: {target.identifier!r} has a forward of its own, which no projection joins"
        )
    inputs = {name: each for name, each in target.schema.inputs.items() if name not in target.schema.jumps}
    if not target.schema.inputs:
        return "", "pA"
    if len(inputs) != 1:
        raise ArgumentError(
            f"{named}: {target.identifier!r} has the inputs {', '.join(target.schema.inputs)}; use "
            "Network.connect(..., input=...)"
        )
    name, declared = next(iter(inputs.items()))
    return name, declared.unit


def _mask(named: str, mode: str, prop: float, shape: tuple[int, int], seed: int) -> Tensor:
    if mode not in MODES:
        raise ArgumentError(f"{named}: connect({mode!r}); give one of {', '.join(map(repr, MODES))}")
    if not 0.0 <= prop <= 1.0:
        raise ArgumentError(f"{named}: prop={prop!r}; give a share from 0 to 1")
    targets, sources = shape
    if mode == "all":
        return torch.ones(shape, dtype=torch.bool)
    if mode == "one":
        if targets != sources:
            raise ArgumentError(
                f"{named}: connect('one') of {sources} sources and {targets} targets; give equally many"
            )
        return torch.eye(targets, dtype=torch.bool)
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(key_of(seed, named, "connect") % 2**63))
    if mode == "rand":
        return drawn < prop
    count = round(prop * sources)
    mask = torch.zeros(shape, dtype=torch.bool)
    return mask.scatter_(1, drawn.argsort(dim=1)[:, :count], True)
