"""Synapses that change with what their source does: states of each source, taken on at its spikes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...errors import DeclarationError, ParameterError
from ..model.values import initial_value
from .underway import Sent

LAST_SPIKE = "last_spike"
"""When each source spiked last, ms: a buffer."""


def reset_sources(projection: Any, params: Any) -> None:
    """Put the states of each source at their beginning: no source has spiked."""
    for name, value in zip(params._fields, params, strict=True):
        if isinstance(value, Tensor) and value.ndim:
            raise ParameterError(
                f"{projection.identifier}: the parameter {name!r} has a value for each target, and this "
                "synapse has states of each source; give one number"
            )
    like = projection.weights
    for name, declared in projection.kinetics.of_source.items():
        value = torch.as_tensor(initial_value(projection, declared, params), dtype=like.dtype)
        projection._buffers[name] = value.to(like.device).expand(projection.sources).clone()
    projection._buffers[LAST_SPIKE] = torch.full(
        (projection.sources,), -math.inf, dtype=torch.float64, device=like.device
    )


def transmitted(projection: Any, spikes: Sent) -> Tensor:
    """The factor of each spike, ``[n]``, by the synapse's ``transmit``; its sources' states go on."""
    kinetics, buffers = projection.kinetics, projection._buffers
    names = tuple(kinetics.of_source)
    shape = (*spikes.batch, projection.sources)
    # New tensors, in place of writing: a step that fails puts the old ones back.
    states = [buffers[name].expand(shape).reshape(-1).clone() for name in names]
    last = buffers[LAST_SPIKE].expand(shape).reshape(-1).clone()
    params = projection.schema.pack_params(
        *(buffers[name] for name in projection.schema.parameters), *projection.options.values()
    )
    times = spikes.times
    if times is None:
        moment = spikes.label * projection.dt
        times = torch.full((len(spikes.who),), moment, dtype=torch.float64, device=last.device)
    factor = torch.empty(len(spikes.who), dtype=states[0].dtype, device=last.device)
    for some in _in_turn(spikes.who):
        who, now = spikes.who[some], times[some]
        elapsed = (now - last[who]).to(factor.dtype)
        given = kinetics.pack_source(*(state[who] for state in states))
        answer = kinetics.transmit(given, params, elapsed)
        if not isinstance(answer, tuple) or len(answer) != 2 or set(answer[1]) - set(names):
            raise DeclarationError(
                f"{projection.schema.owner}.transmit gave {answer!r}; give (factor, new states), "
                f"a mapping of some of {', '.join(names)}"
            )
        factor[some] = answer[0]
        for name, state in zip(names, states, strict=True):
            if name in answer[1]:
                state[who] = torch.as_tensor(answer[1][name], dtype=state.dtype, device=state.device)
        last[who] = now
    attached = projection._owner.keeps_graph
    for name, state in zip(names, states, strict=True):
        buffers[name] = (state if attached else state.detach()).view(shape)
    buffers[LAST_SPIKE] = last.view(shape)
    return factor if attached else factor.detach()


def _in_turn(who: Tensor) -> list[Tensor]:
    """The places of first spikes of a step, of second ones, and so on; those of a source stand together."""
    starts = torch.ones(len(who), dtype=torch.bool, device=who.device)
    starts[1:] = who[1:] != who[:-1]
    if bool(starts.all()):
        return [torch.arange(len(who), device=who.device)]
    first = torch.where(starts, torch.arange(len(who), device=who.device), 0).cummax(0).values
    turn = torch.arange(len(who), device=who.device) - first
    return [(turn == count).nonzero().view(-1) for count in range(int(turn.max()) + 1)]
