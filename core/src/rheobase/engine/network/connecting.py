"""From what ``connect`` was given to a projection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import ArgumentError, RheobaseError, shown
from ...philox import key_of
from ..model.distribution import Distribution, draw
from .connectivity import Connectivity, of_matrix, of_pairs, of_rows
from .delays import delays_of
from .inputs import input_of
from .plasticity import Plasticity
from .projection import Projection as Connected
from .recipe import Direct, RuleRecipe, SynapseRecipe
from .reference import Projection
from .underway import has_moments
from .view import End
from .weights import as_weight


class Wanted(NamedTuple):
    """What ``connect`` was given."""

    name: str
    rule: Any
    synapse: Any
    weight: Any
    delay: Any
    input: str | None
    receptor: str | None
    plasticity: Any


def made(
    wanted: Wanted,
    source: End,
    target: End,
    seed: int,
    *,
    positions: tuple[Tensor, Tensor] | None,
) -> Projection:
    """The projection that was asked for.

    Args:
        wanted: What it is made of.
        source: The units that send.
        target: The units that receive.
        seed: What connections, weights and delays are drawn from, with the name.
        positions: Where both are.

    Raises:
        ArgumentError: If the parts do not fit.
        ParameterError: If a value cannot be used.
    """
    name, rule, synapse = wanted.name, wanted.rule, wanted.synapse
    if synapse is not None and not isinstance(synapse, SynapseRecipe):
        raise ArgumentError(f"{name}: synapse={synapse!r}; give what rheobase.synapse(name, ...) gives")
    sender, receiver = source.neuron, target.neuron
    _check_roles(name, synapse, wanted.plasticity)
    chosen = input_of(name, receiver, synapse, wanted.input)
    if synapse is None:
        if wanted.receptor is not None:
            raise ArgumentError(f"{name}: receptor={wanted.receptor!r} without a synapse to share")
        jump = receiver.schema.inputs[chosen]
        synapse = Direct(jump.into, jump.unit, jump.weighted)
        if wanted.plasticity is not None and not jump.weighted:
            raise ArgumentError(
                f"{name}: plasticity={wanted.plasticity!r}, and the input {chosen!r} of "
                f"{receiver.identifier!r} counts arrivals, whatever their weight; leave plasticity out"
            )
    same = source[1:] == target[1:]
    if not same and sender is receiver and max(source.first, target.first) < min(source.last, target.last):
        _check_overlap(name, rule)
    connectivity, order = _connected(name, rule, source.units, target.units, (seed, name), same, positions)
    own = connectivity
    if not source.whole or not target.whole:
        whole = sender.num_units, receiver.num_units
        connectivity = connectivity.within(source.first, target.first, *whole)

    def values(given: Any, what: str) -> Any:
        if isinstance(given, Distribution):
            return draw(given, key_of(seed, name, what), 0, len(order))[order]
        if callable(given) and not isinstance(given, Tensor):
            return of_function(given, own, positions, key_of(seed, name, what), f"{name}: {what}")
        return _ordered(given, rule, order)

    return Projection.of(
        name,
        sender.identifier,
        receiver,
        sender.num_units,
        synapse,
        connectivity,
        as_weight(values(wanted.weight, "weight"), name, connectivity, receiver),
        delays_of(
            values(wanted.delay, "delay"),
            receiver.dt,
            connectivity.synapses,
            name,
            on_grid=sender.event != "located" and not has_moments(receiver),
        ),
        chosen,
        wanted.receptor,
        rule.source if isinstance(rule, RuleRecipe) else None,
        wanted.plasticity,
    )


def _check_overlap(name: str, rule: Any) -> None:
    """Refuse to leave out autapses where sources and targets are some of the same units."""
    if isinstance(rule, RuleRecipe) and rule.parameters.get("autapses", True) is False:
        raise ArgumentError(
            f"{name}: autapses=False, and source and target are ranges of one population that overlap; a "
            "rule knows a unit as itself only where both are the same units"
        )


def _check_roles(name: str, synapse: SynapseRecipe | None, plasticity: Any) -> None:
    """Refuse a plasticity for a synapse, and a synapse for a plasticity."""
    if synapse is not None and issubclass(synapse.kind, Plasticity):
        raise ArgumentError(
            f"{name}: synapse={synapse!r} is a plasticity, which changes weights; give it as plasticity=..., "
            "and as synapse what a spike does to its target"
        )
    if plasticity is None:
        return
    if not isinstance(plasticity, SynapseRecipe) or not issubclass(plasticity.kind, Plasticity):
        raise ArgumentError(
            f"{name}: plasticity={plasticity!r}; give rheobase.synapse(name, ...) with the name of a "
            "plasticity, such as 'stdp-pair', or a subclass of rheobase.Plasticity"
        )


def _connected(
    name: str,
    rule: Any,
    sources: int,
    targets: int,
    key: tuple[int, str],
    same: bool,
    positions: tuple[Tensor, Tensor] | None,
) -> tuple[Connectivity, Tensor]:
    """The synapses of a projection, and the place that each had among those given.

    Args:
        name: How messages call the projection.
        rule: A recipe, a pair of index tensors, or a matrix in compressed rows.
        sources: The number of units that send.
        targets: The number that receive.
        key: The seed, and the identifier of the projection.
        same: Whether they are one population.
        positions: Where both are, ``[units, dimensions]``.

    Raises:
        ArgumentError: If it is none of these, or what it gives does not fit; it names the projection.
    """
    try:
        if isinstance(rule, RuleRecipe):
            rows = rule.rows(
                0,
                targets,
                sources,
                targets,
                key_of(*key, "rule"),
                same=same,
                positions=positions,
                **rule.parameters,
            )
            if not isinstance(rows, tuple) or len(rows) != 2:
                raise ArgumentError(f"the rule gave {type(rows).__name__}; it gives (indptr, indices)")
            indptr, indices = rows
            return of_rows(indptr, indices, sources, targets)
        if isinstance(rule, (tuple, list)) and len(rule) == 2:
            return of_pairs(rule[0], rule[1], sources, targets)
        if isinstance(rule, Tensor) and rule.layout == torch.sparse_csr:
            _check_shape(rule.shape, sources, targets)
            return of_matrix(rule.crow_indices(), rule.col_indices(), sources, targets)
        if hasattr(rule, "indptr") and hasattr(rule, "indices") and getattr(rule, "format", "") == "csr":
            _check_shape(rule.shape, sources, targets)
            return of_matrix(torch.as_tensor(rule.indptr), torch.as_tensor(rule.indices), sources, targets)
    except RheobaseError as error:
        raise type(error)(f"{name}: {error}") from error
    other = ""
    if isinstance(rule, Tensor) and rule.ndim == 2:
        other = ": this one's to_sparse_csr()"
    elif hasattr(rule, "tocsr"):
        other = ": this one's tocsr()"
    elif isinstance(rule, str):
        other = f"; for the rule of that name rheobase.rule({shown(rule)}, ...)"
    raise ArgumentError(
        f"{name}: rule={shown(rule)}; give rheobase.rule(name, ...), two index tensors (source, target), or "
        f"a matrix [source, target] in compressed rows, of torch or scipy{other}"
    )


def _check_shape(shape: Any, sources: int, targets: int) -> None:
    if tuple(shape) != (sources, targets):
        raise ArgumentError(
            f"the matrix has shape {list(shape)}; give one row for each source: [{sources}, {targets}]"
        )


def share_receptor(new: Connected, others: Iterable[Connected]) -> None:
    """Let a projection share the synapse of those of its receptor, or refuse it: its own is another one.

    Raises:
        ArgumentError: It names both.
    """
    for other in others:
        if other.receptor != new.receptor or other.receiver != new.receiver:
            continue
        same = other.schema is new.schema and other.input == new.input
        same = same and other.options == new.options
        different = [name for name in new.schema.parameters if not same or not _equal(other, new, name)]
        different += [
            name for name in new.kinetics.schema.states if same and not _same_start(other, new, name)
        ]
        if not same or different:
            what = f"another {', '.join(different)}" if same else f"the synapse {new.recipe!r}"
            raise ArgumentError(
                f"{new.identifier}: the receptor {new.receptor!r} of {new.receiver!r} is that of "
                f"{other.identifier}, {other.recipe!r}, and this projection has {what}; projections that "
                "share a receptor have one synapse with the same values"
            )
        new.share_with(other)
        return


def _equal(one: Connected, other: Connected, name: str) -> bool:
    return torch.equal(getattr(one, name), getattr(other, name))


def _same_start(one: Connected, other: Connected, name: str) -> bool:
    """Whether a state begins with the same values in both: numbers, or one distribution."""
    first, second = (each.recipe.parameters.get(name) for each in (one, other))
    if first is second:
        return True
    if isinstance(first, Distribution) or isinstance(second, Distribution):
        # What is drawn goes by the identifier, so two draws of one distribution are not the same numbers.
        return type(first) is type(second) and bool(first == second)
    return _equal(one, other, name)


def of_function(
    given: Callable[..., Any],
    connectivity: Connectivity,
    positions: tuple[Tensor, Tensor] | None,
    key: int,
    named: str,
) -> Tensor:
    """The weights or delays that a function of (source, target, distance, generator) gives, ``[synapses]``.

    Args:
        given: The function; all of its arguments are of the synapses in stored order.
        connectivity: Who is connected.
        positions: Where sources and targets are; without them there is no distance, and it is given None.
        key: What its generator is seeded by.
        named: How messages call it.

    Raises:
        ArgumentError: If it gives no tensor of that many.
    """
    source, target = connectivity.source_of_each(), connectivity.target_of_each()
    distance = None
    if positions is not None:
        distance = (positions[0][source] - positions[1][target]).norm(dim=-1)
    values = given(source, target, distance, torch.Generator().manual_seed(key % 2**63))
    if not isinstance(values, Tensor) or values.shape != source.shape:
        shown = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ArgumentError(
            f"{named}: the function gave {shown}; give a tensor [{len(source)}], a value for each synapse"
        )
    return values


def _ordered(given: Any, rule: Any, order: Tensor) -> Any:
    """What was given for each synapse, in stored order: pairs may be given in any."""
    if isinstance(rule, RuleRecipe) or not isinstance(given, (Tensor, list, tuple)):
        return given
    values = given if isinstance(given, Tensor) else torch.as_tensor(given, dtype=torch.float64)
    return values[order] if values.ndim == 1 and len(values) == len(order) else values
