"""Projections made of two populations and matrices, and joined to a network afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...errors import ArgumentError, RheobaseWarning
from ..neuron.base import Neuron
from .connectivity import of_pairs
from .delays import delays_of
from .held import OUTPUT, Held
from .inputs import unit_of_the_one
from .matrices import Limits, mask_of, matrix_of, tensor_of
from .plasticity import WEIGHT
from .projection import Projection as Connected
from .synapse import Synapse as Synapse
from .underway import has_moments
from .weights import as_weight

MATRICES = ("weights", "connections")
"""What is recorded of a projection that was made of matrices, beside what others have."""


class MadeOf(NamedTuple):
    """What a projection was made of, see :class:`Projection`."""

    source: Neuron
    target: Neuron
    weights: Any
    delay_ms: Any
    identifier: str | None
    limits: Limits


@final
class Projection(Connected):
    """The synapses from one population to another.

    :meth:`Network.connect` makes it; or it is made of matrices, and given to :meth:`Network.add_synapses`. So
    made it has no kinetics: the sum of what arrives in a step is the input of the target for that step, so
    that the charge of a spike is its weight times dt. It is recorded as ``output``; ``weights`` and
    ``connections`` as rows of ``[targets * sources]``. Limits hold for weights that are given, set or loaded
    (``weight``, :meth:`set_weights`); what is written in place into the tensor that ``weight`` and
    ``weights`` give is looked at by nobody.

    Args:
        src_ensemble: The population that sends.
        dst_ensemble: The population that receives.
        weights: ``[targets, sources]``, or one number. Default 1.
        connections: Who is connected, ``[targets, sources]`` of 0 and 1. Default: all where weights are a
            matrix, else nobody until :meth:`connect`.
        delay_ms: ms, one number or ``[targets, sources]``; 0, the default, is one dt.
        weight_min: The least weight, one number or ``[targets, sources]``; what is less becomes it. Default:
            none.
        weight_max: The largest, likewise. Both may be set afterwards; weights that are there become it too.
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
        weight_min: Any = None,
        weight_max: Any = None,
        identifier: str | None = None,
    ) -> None:
        for what, each in (("src_ensemble", src_ensemble), ("dst_ensemble", dst_ensemble)):
            if not isinstance(each, Neuron):
                raise ArgumentError(f"Projection: {what}={each!r}; give what rheobase.create gives")
        named = f"{src_ensemble.identifier}->{dst_ensemble.identifier}" if identifier is None else identifier
        shape = (dst_ensemble.num_units, src_ensemble.num_units)
        if weights is not None:
            weights = tensor_of(named, "weights", weights)
        if connections is not None:
            connections = tensor_of(named, "connections", connections)
        delay_ms = tensor_of(named, "delay_ms", delay_ms)
        matrix = weights is not None and weights.ndim == 2
        if connections is None:
            connections = torch.full(shape, matrix)
        connections = matrix_of(named, "connections", connections, shape)
        mask = connections != 0
        if bool((mask & (connections != 1)).any()):
            raise ArgumentError(
                f"{named}: connections are 0 and 1, who is connected; give weights by weights=..."
            )
        source, target = mask.t().nonzero().unbind(1)
        connectivity, _ = of_pairs(source, target, shape[1], shape[0])

        def of_each(given: Any, what: str) -> Any:
            if isinstance(given, Tensor) and given.ndim == 2:
                return matrix_of(named, what, given, shape)[target, source]
            return given

        delay = of_each(delay_ms, "delay_ms").to(torch.float64)
        limits = Limits.of(named, weight_min, weight_max, shape)
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
        self.__dict__["_made_of"] = MadeOf(src_ensemble, dst_ensemble, weights, delay_ms, identifier, limits)
        self._keep_within(limits)

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

    @property
    def _matrices(self) -> MadeOf | None:
        """What it was made of; None where :meth:`Network.connect` made it."""
        made_of: MadeOf | None = self.__dict__.get("_made_of")
        return made_of

    @property
    def loggable_props(self) -> tuple[str, ...]:
        """What can be recorded: as of every projection, and the matrices that it was made of."""
        return super().loggable_props if self._matrices is None else (*MATRICES, OUTPUT, WEIGHT)

    @property
    def loggable_widths(self) -> dict[str, int]:
        """The last dimension of those that are not of targets."""
        if self._matrices is None:
            return super().loggable_widths
        return {WEIGHT: self.synapses} | dict.fromkeys(MATRICES, self.num_units * self.sources)

    def recorded(self, name: str) -> Tensor:
        """The present value of one of :attr:`loggable_props`."""
        if name not in MATRICES:
            return super().recorded(name)
        connections = self.connections.to(self.device)
        if name == "connections":
            return connections.view(-1)
        matrix = self.weights.new_zeros(connections.shape)
        matrix[self.target, self.source] = self.weights
        return matrix.view(-1)

    def _keep_within(self, limits: Limits) -> None:
        if any(each is not None for each in limits):
            self._buffers[WEIGHT] = limits.within(self.weights, self.target, self.source)

    def __setattr__(self, name: str, value: Any) -> None:
        made_of = self._matrices
        if name in Limits._fields and name not in self.schema.settable:
            if made_of is None:
                raise ArgumentError(
                    f"{self.identifier}: {name} is of a Projection(src_ensemble, dst_ensemble, ...), and "
                    "this one was connected by a rule; give weights that keep it, or its plasticity a bound"
                )
            given = made_of.limits._replace(**{name: value})
            limits = Limits.of(self.identifier, *given, (self.num_units, self.sources))
            self.__dict__["_made_of"] = made_of._replace(limits=limits)
            self._keep_within(limits)
            return
        super().__setattr__(name, value)
        if name == WEIGHT and made_of is not None:
            self._keep_within(made_of.limits)

    def __getattr__(self, name: str) -> Any:
        made_of = self._matrices if name in Limits._fields else None
        return super().__getattr__(name) if made_of is None else getattr(made_of.limits, name)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        loaded = state_dict.get(prefix + WEIGHT)
        if self._matrices is None or not isinstance(loaded, Tensor):
            return
        self._keep_within(self._matrices.limits)
        if loaded.shape == self.weights.shape:
            beyond = int((self.weights != loaded.to(self.weights)).sum())
            if beyond:
                warnings.warn(
                    f"{self.identifier}: {beyond} of the weights that were loaded were beyond weight_min or "
                    "weight_max, and are at that limit now; set other limits before loading to keep them",
                    RheobaseWarning,
                    stacklevel=2,
                )

    def set_weights(self, weights: Any, *args: Any, **kwargs: Any) -> None:
        """Give weights as a matrix, or by an initializer of ``torch.nn.init``.

        Args:
            weights: ``[targets, sources]``, or one number; or a function that fills such a matrix, as
                ``torch.nn.init.xavier_uniform_`` does.
            args: What that function is given beside the matrix.
            kwargs: Likewise, such as ``generator=``, without which torch's own random numbers are used.

        Raises:
            ArgumentError: If the matrix is of another shape.
            ParameterError: If it is none of numbers, or a weight cannot be used.
        """
        shape = self.num_units, self.sources
        if callable(weights) and not isinstance(weights, Tensor):
            empty = torch.zeros(shape, dtype=self.dtype)
            weights = empty if (filled := weights(empty, *args, **kwargs)) is None else filled
        weights = tensor_of(self.identifier, "weights", weights).detach()
        if weights.ndim == 0:
            self.weight = weights
        else:
            self.weight = matrix_of(self.identifier, "weights", weights, shape)[self.target, self.source]
        if self._matrices is not None:
            self.__dict__["_made_of"] = self._matrices._replace(weights=weights)

    def set_learning(self, learning: bool) -> None:
        """Say whether weights change, where :meth:`Network.connect` was given a plasticity.

        Raises:
            ArgumentError: If it was given none.
        """
        if self.plasticity is None:
            raise ArgumentError(
                f"{self.identifier} has no plasticity; give one to Network.connect(..., plasticity=...)"
            )
        self.plasticity.learning = learning

    def connect(self, mode: str = "all", prop: float = 1.0, *, autapses: bool = False) -> None:
        """Say who is connected, before the first step.

        Args:
            mode: ``"all"``: every pair; ``"one"``: source k to target k; ``"prop"``: each source to the share
                ``prop`` of the targets, drawn for each; ``"rand"``: the share ``prop`` of all pairs. Shares
                are exact ones of the pairs that ``autapses`` allows, numbers rounded to the nearest; what is
                drawn follows from the source's seed and the identifier.
            prop: That share, from 0 to 1.
            autapses: Whether a unit may reach itself, where source and target are one population.

        Raises:
            ArgumentError: If it is made by :meth:`Network.connect`, the clock has run, or the mode is none.

        Warns:
            RheobaseWarning: If no unit could reach another, so that nobody is connected.
        """
        made_of = self._matrices
        if made_of is None or self.simulation_step:
            why = "it was connected by a rule" if made_of is None else "the clock has run"
            raise ArgumentError(f"{self.identifier}: {why}; make the network anew")
        source, target, weights, delay, identifier, limits = made_of
        shape = target.num_units, source.num_units
        itself = autapses or source is not target
        mask = mask_of(self.identifier, mode, prop, shape, source.seed, autapses=itself)
        kept = {name: self.__dict__.get(name) for name in ("identifier", "sender", "receiver")}
        self.__dict__.clear()
        self.__init__(
            source,
            target,
            weights,
            mask,
            delay,
            **limits._asdict(),
            identifier=identifier,
        )
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
    source, target, identifier = made_of.source, made_of.target, made_of.identifier
    for each in (source, target):
        if not any(each is known for known in populations.values()):
            raise ArgumentError(
                f"{network}: {given.identifier!r} is of {each.identifier!r}, which is not in it; add it"
            )
    given.__dict__["sender"], given.__dict__["receiver"] = source.identifier, target.identifier
    if identifier is None:
        given.__dict__["identifier"] = f"{source.identifier}->{target.identifier}"


def _input_of(named: str, target: Neuron) -> tuple[str, str]:
    """The input that it goes to, and its unit."""
    if target._own_forward or target._model is None:
        raise ArgumentError(
            f"{named}: {target.identifier!r} has a forward of its own, which no projection joins"
        )
    inputs = {name: each for name, each in target.schema.inputs.items() if name not in target.schema.jumps}
    if not target.schema.inputs:
        return "", unit_of_the_one(named, target) or "pA"
    if len(inputs) != 1:
        raise ArgumentError(
            f"{named}: {target.identifier!r} has the inputs {', '.join(target.schema.inputs)}; use "
            "Network.connect(..., input=...)"
        )
    name, declared = next(iter(inputs.items()))
    return name, declared.unit
