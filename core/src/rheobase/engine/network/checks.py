"""What is refused because the parts of a network do not fit together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import ArgumentError, RheobaseWarning
from ...torch_state import values_visible
from ..neuron.base import Neuron
from ..neuron.tensors import is_hooked
from .projection import Projection


def check_alike(populations: Mapping[str, Neuron], projections: Mapping[str, Projection], named: str) -> None:
    """Refuse a part that was changed by itself, so that it does not fit the others any more.

    Raises:
        ArgumentError: It names two parts that differ.
    """
    if not populations:
        raise ArgumentError(f"{named} has no population to step; add one")
    first = next(iter(populations.values()))
    dt, dtype, step = first.dt, first.dtype, first.simulation_step
    for part in (*populations.values(), *projections.values()):
        # Delays were counted in the dt that there was when the projection was made.
        own = part.delivery.dt if isinstance(part, Projection) else part.dt
        if own != dt:
            raise _different(named, first, part, "dt", dt, own)
        if part.dtype != dtype:
            raise _different(named, first, part, "dtype", dtype, part.dtype)
        # The clock of a projection is that of its receiver.
        if isinstance(part, Neuron) and part.simulation_step != step:
            raise ArgumentError(
                f"{named}: {first.identifier!r} has taken {step} steps and {part.identifier!r} "
                f"{part.simulation_step}: one was stepped or reset by itself; step the network, and call its "
                "reset_state()"
            )


def warn_of_hooks(populations: Mapping[str, Neuron], named: str) -> None:
    """Say that hooks on a population are not called by the steps of a network.

    Warns:
        RheobaseWarning: If somebody hooked into the ``forward`` of one whose steps go past it.
    """
    hooked = [name for name, each in populations.items() if is_hooked(each) and not each._own_forward]
    if hooked:
        warnings.warn(
            f"{named}: the hooks on the forward of {', '.join(hooked)} are not called, since a network steps "
            "its populations past it; hook into the network, whose forward gives what all parts report",
            RheobaseWarning,
            stacklevel=5,
        )


def warn_of_start(populations: Mapping[str, Neuron], named: str) -> None:
    """Say which populations have units that begin at or above their threshold, where no crossing begins.

    Warns:
        RheobaseWarning: It names these populations, and how many units.
    """
    silent = []
    for name, each in populations.items():
        armed = each._buffers.get("armed")
        if armed is not None and values_visible(armed):
            above = int((~armed).reshape(-1, each.num_units).any(dim=0).sum())
            silent += [f"{above} of {each.num_units} units of {name!r}"] if above else []
    if silent:
        warnings.warn(
            f"{named}: {' and '.join(silent)} begin at or above their threshold and cannot spike before they "
            "have been below; choose other parameters or initial states",
            RheobaseWarning,
            stacklevel=6,  # the line that simulates
        )


def in_order(populations: Mapping[str, Neuron], projections: Mapping[str, Projection]) -> tuple[str, ...]:
    """The populations, each after those whose spikes reach it in the step in which they are sent.

    Raises:
        ArgumentError: If such projections form a cycle; it names them.
    """
    before: dict[str, list[str]] = {name: [] for name in populations}
    for each in projections.values():
        if each.delays.at_once:
            before[each.receiver].append(each.sender)
    found: list[str] = []
    while len(found) < len(before):
        ready = [name for name, heard in before.items() if name not in found and set(heard) <= set(found)]
        if not ready:
            left = [
                name
                for name, each in projections.items()
                if each.delays.at_once and each.receiver not in found and each.sender not in found
            ]
            raise ArgumentError(
                f"{', '.join(left)}: delays of 0 go round in a cycle, in which nothing is first; give one of "
                "these projections a delay of dt or more"
            )
        found += ready
    return tuple(found)


def _different(named: str, first: Neuron, part: Any, what: str, one: Any, other: Any) -> ArgumentError:
    return ArgumentError(
        f"{named}: {first.identifier!r} has {what}={one} and {part.identifier!r} has {other}; convert the "
        "network and not a part of it, and choose dt before you connect"
    )


def checked_positions(name: str, positions: Any, units: int) -> Tensor:
    where = torch.as_tensor(positions, dtype=torch.float64)
    if where.ndim != 2 or len(where) != units:
        raise ArgumentError(
            f"{name}: positions have shape {list(where.shape)}; give [{units}, dimensions], a row for each "
            "unit"
        )
    if not bool(where.isfinite().all()):
        raise ArgumentError(f"{name}: a position is not finite")
    return where.cpu()
